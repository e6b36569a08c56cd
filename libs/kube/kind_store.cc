#include "libs/kube/kind_store.h"

#include <algorithm>

namespace opsmesh::kube {
namespace {

constexpr size_t kMaxUnparseable = 100;

bool SameState(const Object& a, const Object& b) {
  return a.meta().uid == b.meta().uid && !a.meta().resource_version.empty() &&
         a.meta().resource_version == b.meta().resource_version;
}

}  // namespace

void KindStore::Put(ObjectPtr object) {
  const auto found = objects_.find(KeyOf(*object));
  if (found == objects_.end()) {
    const Key key = KeyOf(*object);
    objects_.emplace(key, std::move(object));
    return;
  }
  // The key points into the object it stands for, so it moves along.
  auto node = objects_.extract(found);
  node.key() = KeyOf(*object);
  node.mapped() = std::move(object);
  objects_.insert(std::move(node));
}

std::vector<Change> KindStore::Replace(const ListResult& list) {
  const std::lock_guard lock(mutex_);
  const absl::Time now = clock_.Now();
  std::vector<Change> changes;
  std::map<Key, ObjectPtr> before = std::exchange(objects_, {});
  for (const ObjectPtr& object : list.items) {
    const auto old = before.find(KeyOf(*object));
    if (old == before.end()) {
      if (objects_.contains(KeyOf(*object))) {  // twice in an inconsistent list: the later one counts
        Put(object);
        continue;
      }
      changes.push_back({type_, nullptr, object, now});
      Put(object);
      continue;
    }
    const ObjectPtr was = old->second;
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
  for (const auto& [key, object] : before) changes.push_back({type_, object, nullptr, now});
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
  if (event.object == nullptr) return changes;
  ++status_.events;
  const auto found = objects_.find(KeyOf(*event.object));
  const ObjectPtr was = found == objects_.end() ? nullptr : found->second;
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
  objects.reserve(objects_.size());
  for (const auto& [key, object] : objects_) objects.push_back(object);
  snapshot_ = std::make_shared<const KindSnapshot>(StatusNow(), std::move(objects));
  snapshot_of_ = changes_;
  return snapshot_;
}

size_t KindStore::MemoryBytes() const {
  const std::lock_guard lock(mutex_);
  size_t bytes = 0;
  for (const auto& [key, object] : objects_) bytes += object->MemoryBytes() + 96;  // and its place in the map
  return bytes;
}

}  // namespace opsmesh::kube
