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

std::vector<Change> KindStore::Replace(const ListResult& list) {
  const std::lock_guard lock(mutex_);
  const absl::Time now = clock_.Now();
  std::vector<Change> changes;
  Objects before = std::exchange(objects_, {});
  for (const ObjectPtr& object : list.items) {
    const auto old = before.find(object);
    if (old == before.end()) {
      if (objects_.contains(object)) {  // twice in an inconsistent list: the later one counts
        Put(object);
        continue;
      }
      changes.push_back({type_, nullptr, object, now});
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
  status_.state = KindStatus::State::kLive;
  status_.as_of = now;
  status_.last_error = absl::OkStatus();
  status_.resource_version = list.resource_version;
  status_.unparseable = list.unparseable;
  if (status_.unparseable.size() > kMaxUnparseable) status_.unparseable.resize(kMaxUnparseable);
  ++status_.lists;
  ++changes_;
  if (!std::exchange(listed_, true)) changes.clear();
  return changes;
}

std::vector<Change> KindStore::Apply(const WatchEvent& event) {
  const std::lock_guard lock(mutex_);
  const absl::Time now = clock_.Now();
  std::vector<Change> changes;
  if (!event.resource_version.empty()) status_.resource_version = event.resource_version;
  status_.as_of = now;
  Deflate();
  if (event.object == nullptr) return changes;
  ++status_.events;
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

void KindStore::NoteUnparseable(Unparseable what) {
  const std::lock_guard lock(mutex_);
  if (status_.unparseable.size() < kMaxUnparseable) status_.unparseable.push_back(std::move(what));
}

void KindStore::SetType(const ResourceType& type) {
  const std::lock_guard lock(mutex_);
  if (*type_ != type) type_ = std::make_shared<ResourceType>(type);
}

void KindStore::WatchOpened(bool again) {
  const std::lock_guard lock(mutex_);
  watching_ = true;
  status_.state = KindStatus::State::kLive;
  status_.last_error = absl::OkStatus();
  if (again) ++status_.reconnects;
}

void KindStore::Fail(const absl::Status& error) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(watching_, false)) status_.as_of = clock_.Now();
  if (!error.ok()) {
    status_.last_error = error;
    status_.state = listed_ ? KindStatus::State::kStale : KindStatus::State::kSyncing;
  }
}

void KindStore::Refuse(KindStatus::State state, const absl::Status& error) {
  const std::lock_guard lock(mutex_);
  watching_ = false;
  listed_ = false;
  objects_.clear();
  status_.state = state;
  status_.last_error = error;
  status_.resource_version.clear();
  ++changes_;
}

std::string KindStore::resource_version() const {
  const std::lock_guard lock(mutex_);
  return status_.resource_version;
}

ResourceType KindStore::type() const {
  const std::lock_guard lock(mutex_);
  return *type_;
}

KindStatus KindStore::StatusNow() const {
  KindStatus status = status_;
  status.type = *type_;
  status.objects = objects_.size();
  if (watching_) status.as_of = clock_.Now();
  return status;
}

KindStatus KindStore::status() const {
  const std::lock_guard lock(mutex_);
  return StatusNow();
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
