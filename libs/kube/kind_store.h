// The objects of one kind, as the list and the watch events say, and how far they can be trusted.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "libs/kube/cache.h"
#include "libs/kube/object_packer.h"

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

  /// Makes the objects that are put in.
  ObjectPacker& packer() { return packer_; }

  std::string resource_version() const;
  ResourceType type() const;
  KindStatus status() const;
  KindSnapshotPtr Get() const;
  size_t MemoryBytes() const;

 private:
  struct ByName {
    bool operator()(const ObjectPtr& a, const ObjectPtr& b) const {
      return std::tie(a->ns(), a->name()) < std::tie(b->ns(), b->name());
    }
  };
  using Objects = absl::btree_set<ObjectPtr, ByName>;
  /// Adds, or takes the place of the object of that name.
  void Put(ObjectPtr object);
  /// Gives up texts that were asked for when they are many: packed again.
  void Deflate();
  KindStatus StatusNow() const;

  const base::Clock& clock_;
  mutable std::mutex mutex_;
  static constexpr int64_t kMaxInflated = 256;
  ObjectPacker packer_;
  int64_t still_inflated_ = 0;  // after the last Deflate, and what is left of it
  Objects objects_;
  std::shared_ptr<const ResourceType> type_ = std::make_shared<ResourceType>();
  KindStatus status_;
  bool listed_ = false;
  bool watching_ = false;
  uint64_t changes_ = 1;
  mutable uint64_t snapshot_of_ = 0;
  mutable KindSnapshotPtr snapshot_;
};

}  // namespace opsmesh::kube
