#include "libs/kube/kind_store.h"

#include <algorithm>

#include "libs/kube/object_builder.h"

namespace opsmesh::kube {
namespace {

constexpr size_t kMaxUnparseable = 100;

bool SameState(const Object& a, const Object& b) {
  return a.meta().uid == b.meta().uid && !a.meta().resource_version.empty() &&
         a.meta().resource_version == b.meta().resource_version;
}

}  // namespace

void KindStore::Put(ObjectPtr object) {
  const auto [place, added] = objects_.insert(object);
  if (added) return;
  const auto next = objects_.erase(place);
  objects_.insert(next, std::move(object));
}

void KindStore::Deflate() {
  // What older pictures still hold cannot be helped: only what was asked for since counts.
  still_inflated_ = std::min(still_inflated_, packer_.inflated());
  if (packer_.inflated() < still_inflated_ + kMaxInflated) return;
  for (auto at = objects_.begin(); at != objects_.end(); ++at) {
    if (!ObjectBuilder::IsInflated(**at)) continue;
    auto packed = ObjectBuilder::FromStripped((*at)->json(), &packer_);
    if (packed.ok()) at = objects_.insert(objects_.erase(at), *std::move(packed));
  }
  snapshot_ = nullptr;
  ++changes_;
  still_inflated_ = packer_.inflated();
}

KindStore::Part* KindStore::Find(std::string_view ns) {
  const auto found = parts_.find(ns);
  return found == parts_.end() ? nullptr : &found->second;
}

bool KindStore::Known(std::string_view ns) const {
  if (parts_.find("")->second.listed) return true;
  const auto found = parts_.find(ns);
  return found != parts_.end() && found->second.listed;
}

KindStore::Objects KindStore::TakeOut(std::string_view ns) {
  if (ns.empty()) return std::exchange(objects_, {});
  const auto first = objects_.lower_bound(ns);
  const auto last = objects_.upper_bound(ns);
  Objects out(first, last);
  objects_.erase(first, last);
  return out;
}

void KindStore::Open(std::string_view ns) {
  const std::lock_guard lock(mutex_);
  parts_.try_emplace(std::string(ns));
  ++changes_;
}

void KindStore::Close(std::string_view ns) {
  const std::lock_guard lock(mutex_);
  const auto found = parts_.find(ns);
  if (ns.empty() || found == parts_.end()) return;
  parts_.erase(found);
  TakeOut(ns);
  ++changes_;
}

void KindStore::KeepWhole() {
  const std::lock_guard lock(mutex_);
  if (std::erase_if(parts_, [](const auto& part) { return !part.first.empty(); }) > 0) ++changes_;
}

std::vector<Change> KindStore::Replace(std::string_view ns, const ListResult& list) {
  const std::lock_guard lock(mutex_);
  Part* const part = Find(ns);
  std::vector<Change> changes;
  if (part == nullptr) return changes;
  const absl::Time now = clock_.Now();
  Objects before = TakeOut(ns);
  for (const ObjectPtr& object : list.items) {
    const auto old = before.find(object);
    if (old == before.end()) {
      if (objects_.contains(object)) {  // twice in an inconsistent list: the later one counts
        Put(object);
        continue;
      }
      // Nobody hears of what was there before anyone looked.
      if (Known(object->ns())) changes.push_back({type_, nullptr, object, now});
      Put(object);
      continue;
    }
    const ObjectPtr was = *old;
    if (SameState(*was, *object)) {
      Put(was);  // with the views it has decoded already
    } else if (was->meta().uid != object->meta().uid) {
      changes.push_back({type_, was, nullptr, now});
      changes.push_back({type_, nullptr, object, now});
      Put(object);
    } else {
      changes.push_back({type_, was, object, now});
      Put(object);
    }
    before.erase(old);
  }
  for (const ObjectPtr& object : before) changes.push_back({type_, object, nullptr, now});
  part->state = KindStatus::State::kLive;
  part->as_of = now;
  part->last_error = absl::OkStatus();
  part->resource_version = list.resource_version;
  part->unparseable = list.unparseable;
  part->listed = true;
  if (ns.empty()) std::erase_if(parts_, [](const auto& other) { return !other.first.empty(); });
  ++totals_.lists;
  ++changes_;
  return changes;
}

std::vector<Change> KindStore::Apply(std::string_view ns, const WatchEvent& event) {
  const std::lock_guard lock(mutex_);
  Part* const part = Find(ns);
  std::vector<Change> changes;
  if (part == nullptr) return changes;
  const absl::Time now = clock_.Now();
  if (!event.resource_version.empty()) part->resource_version = event.resource_version;
  part->as_of = now;
  Deflate();
  if (event.object == nullptr) return changes;
  ++totals_.events;
  const auto found = objects_.find(event.object);
  const ObjectPtr was = found == objects_.end() ? nullptr : *found;
  if (event.type == WatchEvent::Type::kDeleted) {
    if (was == nullptr) return changes;
    changes.push_back({type_, was, nullptr, now});
    objects_.erase(found);
  } else if (was == nullptr) {
    changes.push_back({type_, nullptr, event.object, now});
    Put(event.object);
  } else if (SameState(*was, *event.object)) {
    return changes;
  } else if (was->meta().uid != event.object->meta().uid) {
    changes.push_back({type_, was, nullptr, now});
    changes.push_back({type_, nullptr, event.object, now});
    Put(event.object);
  } else {
    changes.push_back({type_, was, event.object, now});
    Put(event.object);
  }
  ++changes_;
  return changes;
}

void KindStore::NoteUnparseable(std::string_view ns, Unparseable what) {
  const std::lock_guard lock(mutex_);
  Part* const part = Find(ns);
  if (part == nullptr || part->unparseable.size() >= kMaxUnparseable) return;
  const bool known =
      std::any_of(part->unparseable.begin(), part->unparseable.end(), [&what](const auto& one) {
        return one.ns == what.ns && one.name == what.name && one.why == what.why;
      });
  if (!known) part->unparseable.push_back(std::move(what));
}

void KindStore::SetType(const ResourceType& type) {
  const std::lock_guard lock(mutex_);
  if (*type_ != type) type_ = std::make_shared<ResourceType>(type);
}

void KindStore::WatchOpened(std::string_view ns, bool again) {
  const std::lock_guard lock(mutex_);
  Part* const part = Find(ns);
  if (part == nullptr) return;
  part->watching = true;
  part->state = KindStatus::State::kLive;
  part->last_error = absl::OkStatus();
  if (again) ++totals_.reconnects;
}

void KindStore::Fail(std::string_view ns, const absl::Status& error) {
  const std::lock_guard lock(mutex_);
  Part* const part = Find(ns);
  if (part == nullptr) return;
  if (std::exchange(part->watching, false)) part->as_of = clock_.Now();
  if (error.ok()) return;
  part->last_error = error;
  part->state = part->listed ? KindStatus::State::kStale : KindStatus::State::kSyncing;
}

void KindStore::Refuse(std::string_view ns, KindStatus::State state, const absl::Status& error) {
  const std::lock_guard lock(mutex_);
  Part* const part = Find(ns);
  if (part == nullptr) return;
  // A kind that was never listed as a whole may be there in part; that stays.
  if (part->listed) {
    for (const ObjectPtr& object : TakeOut(ns)) {
      // A namespace of its own may have been listed meanwhile.
      const Part* own = ns.empty() && !object->ns().empty() ? Find(object->ns()) : nullptr;
      if (own != nullptr && own->listed) objects_.insert(object);
    }
  }
  *part = {};
  part->state = state;
  part->last_error = error;
  ++totals_.refusals;
  ++changes_;
}

std::string KindStore::resource_version(std::string_view ns) const {
  const std::lock_guard lock(mutex_);
  const auto found = parts_.find(ns);
  return found == parts_.end() ? "" : found->second.resource_version;
}

size_t KindStore::unparseable(std::string_view ns) const {
  const std::lock_guard lock(mutex_);
  const auto found = parts_.find(ns);
  return found == parts_.end() ? 0 : found->second.unparseable.size();
}

ResourceType KindStore::type() const {
  const std::lock_guard lock(mutex_);
  return *type_;
}

absl::Time KindStore::AsOf(const Part& part) const {
  return part.watching ? clock_.Now() : part.as_of;
}

/// Puts what is known of single namespaces together: as old as the oldest, stale when one is.
void KindStore::AddParts(KindStatus* status) const {
  using State = KindStatus::State;
  bool waiting = false;
  bool stale = false;
  absl::Time as_of = absl::InfiniteFuture();
  absl::Status error;
  for (const auto& [ns, part] : parts_) {
    if (ns.empty()) continue;
    waiting |= part.state == State::kSyncing;
    if (part.state == State::kSyncing && error.ok()) error = part.last_error;
    if (part.state == State::kForbidden) status->refused[ns] = part.last_error;
    if (part.state != State::kLive && part.state != State::kStale) continue;
    status->only_in.push_back(ns);
    as_of = std::min(as_of, AsOf(part));
    if (part.state == State::kStale) {
      stale = true;
      error = part.last_error;
    }
    status->unparseable.insert(status->unparseable.end(), part.unparseable.begin(),
                               part.unparseable.end());
    status->resource_version = part.resource_version;
  }
  if (!status->only_in.empty()) {
    status->state = stale ? State::kStale : State::kLive;
    status->as_of = as_of;
    status->last_error = error;
  } else if (waiting) {
    status->state = State::kSyncing;
    status->last_error = error;
  }
}

KindStatus KindStore::StatusNow() const {
  KindStatus status = totals_;
  status.type = *type_;
  status.objects = objects_.size();
  const Part& whole = parts_.find("")->second;
  status.state = whole.state;
  status.as_of = AsOf(whole);
  status.last_error = whole.last_error;
  status.resource_version = whole.resource_version;
  status.unparseable = whole.unparseable;
  if (whole.state == KindStatus::State::kForbidden) {
    status.refused[""] = whole.last_error;
    AddParts(&status);
  }
  if (status.unparseable.size() > kMaxUnparseable) status.unparseable.resize(kMaxUnparseable);
  return status;
}

KindStatus KindStore::status() const {
  const std::lock_guard lock(mutex_);
  return StatusNow();
}

bool KindStore::syncing() const {
  const std::lock_guard lock(mutex_);
  return std::any_of(parts_.begin(), parts_.end(), [](const auto& part) {
    return part.second.state == KindStatus::State::kSyncing;
  });
}

bool KindStore::unanswered() const {
  const std::lock_guard lock(mutex_);
  return std::any_of(parts_.begin(), parts_.end(), [](const auto& part) {
    return part.second.state == KindStatus::State::kSyncing && part.second.last_error.ok();
  });
}

KindSnapshotPtr KindStore::Get() const {
  const std::lock_guard lock(mutex_);
  if (snapshot_ != nullptr && snapshot_of_ == changes_) {
    return std::make_shared<const KindSnapshot>(StatusNow(), *snapshot_);
  }
  std::vector<ObjectPtr> objects;
  objects.assign(objects_.begin(), objects_.end());
  snapshot_ = std::make_shared<const KindSnapshot>(StatusNow(), std::move(objects));
  snapshot_of_ = changes_;
  return snapshot_;
}

size_t KindStore::MemoryBytes() const {
  const std::lock_guard lock(mutex_);
  size_t bytes = packer_.MemoryBytes();
  for (const ObjectPtr& object : objects_)
    bytes += object->MemoryBytes() + 40;  // and its places here and in a snapshot
  return bytes;
}

}  // namespace opsmesh::kube
