// The objects of one kind, as the list and the watch events say, and how far they can be trusted.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/kube/cache.h"

namespace opsmesh::kube {

/// Thread-safe. Only the reflector of the kind writes.
class KindStore {
 public:
  explicit KindStore(const base::Clock& clock) : clock_(clock) {}

  /// A full list. Returns the changes against what was there; none for the first one.
  std::vector<Change> Replace(const ListResult& list);
  /// One watch event; a repeated state changes nothing.
  std::vector<Change> Apply(const WatchEvent& event);
  void NoteUnparseable(Unparseable what);

  void SetType(const ResourceType& type);
  void WatchOpened(bool again);
  /// Not reached now: what is there stays, marked stale.
  void Fail(const absl::Status& error);
  /// Forbidden or not served: what was there goes away.
  void Refuse(KindStatus::State state, const absl::Status& error);

  std::string resource_version() const;
  ResourceType type() const;
  KindStatus status() const;
  KindSnapshotPtr Get() const;
  size_t MemoryBytes() const;

 private:
  using Key = std::pair<std::string_view, std::string_view>;  // into the object under it
  static Key KeyOf(const Object& object) { return {object.ns(), object.name()}; }
  void Put(ObjectPtr object);
  KindStatus StatusNow() const;

  const base::Clock& clock_;
  mutable std::mutex mutex_;
  std::map<Key, ObjectPtr> objects_;
  std::shared_ptr<const ResourceType> type_ = std::make_shared<ResourceType>();
  KindStatus status_;
  bool listed_ = false;
  bool watching_ = false;
  uint64_t changes_ = 1;
  mutable uint64_t snapshot_of_ = 0;
  mutable KindSnapshotPtr snapshot_;
};

}  // namespace opsmesh::kube
