// The objects of one kind, as the list and the watch events say, and how far they can be trusted.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "libs/kube/cache.h"
#include "libs/kube/object_packer.h"

namespace opsmesh::kube {

/// Thread-safe. Written by the reflectors of the kind: one for all namespaces (""), or, where that
/// is forbidden, one for each namespace. What a reflector says of a namespace that is not open (any
/// more) is ignored.
class KindStore {
 public:
  explicit KindStore(const base::Clock& clock) : clock_(clock) { parts_[""]; }

  /// Begins to keep a namespace.
  void Open(std::string_view ns);
  /// Forgets it.
  void Close(std::string_view ns);
  /// Single namespaces are not kept any more; their objects stay as part of all.
  void KeepWhole();

  /// A full list. Returns the changes against what was there; none for the first one. A list of
  /// all namespaces closes the single ones.
  std::vector<Change> Replace(std::string_view ns, const ListResult& list);
  /// One watch event; a repeated state changes nothing.
  std::vector<Change> Apply(std::string_view ns, const WatchEvent& event);
  /// Each object once.
  void NoteUnparseable(std::string_view ns, Unparseable what);

  void SetType(const ResourceType& type);
  void WatchOpened(std::string_view ns, bool again);
  /// Not reached now: what is there stays, marked stale.
  void Fail(std::string_view ns, const absl::Status& error);
  /// Forbidden or not served: what was there goes away.
  void Refuse(std::string_view ns, KindStatus::State state, const absl::Status& error);

  /// Makes the objects that are put in.
  ObjectPacker& packer() { return packer_; }

  std::string resource_version(std::string_view ns) const;
  /// How many objects of a namespace, or of all, could not be read.
  size_t unparseable(std::string_view ns) const;
  ResourceType type() const;
  KindStatus status() const;
  /// True when a first list is under way, be it of one namespace.
  bool syncing() const;
  /// Something was asked for and has had no answer, not even that it failed.
  bool unanswered() const;
  KindSnapshotPtr Get() const;
  size_t MemoryBytes() const;

 private:
  struct ByName {
    using is_transparent = void;
    bool operator()(const ObjectPtr& a, const ObjectPtr& b) const {
      return std::tie(a->ns(), a->name()) < std::tie(b->ns(), b->name());
    }
    bool operator()(const ObjectPtr& a, std::string_view ns) const { return a->ns() < ns; }
    bool operator()(std::string_view ns, const ObjectPtr& b) const { return ns < b->ns(); }
  };
  using Objects = absl::btree_set<ObjectPtr, ByName>;
  /// What is known of a namespace, or of all.
  struct Part {
    KindStatus::State state = KindStatus::State::kSyncing;
    absl::Time as_of = absl::InfinitePast();
    absl::Status last_error;
    std::string resource_version;
    std::vector<Unparseable> unparseable;
    bool listed = false;
    bool watching = false;
  };
  Part* Find(std::string_view ns);
  bool Known(std::string_view ns) const;
  /// Takes the objects of a namespace out; "" = all.
  Objects TakeOut(std::string_view ns);
  /// Adds, or takes the place of the object of that name.
  void Put(ObjectPtr object);
  /// Gives up texts that were asked for when they are many: packed again.
  void Deflate();
  KindStatus StatusNow() const;
  void AddParts(KindStatus* status) const;
  absl::Time AsOf(const Part& part) const;

  const base::Clock& clock_;
  mutable std::mutex mutex_;
  static constexpr int64_t kMaxInflated = 256;
  ObjectPacker packer_;
  int64_t still_inflated_ = 0;  // after the last Deflate, and what is left of it
  Objects objects_;
  std::shared_ptr<const ResourceType> type_ = std::make_shared<ResourceType>();
  std::map<std::string, Part, std::less<>> parts_;  // by namespace; "" is always there
  KindStatus totals_;                               // its counters only
  uint64_t changes_ = 1;
  mutable uint64_t snapshot_of_ = 0;
  mutable KindSnapshotPtr snapshot_;
};

}  // namespace opsmesh::kube
