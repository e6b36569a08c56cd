// The cluster's objects: a versioned key-value store with optimistic locking, past states and
// watches, as etcd and the watch cache of an apiserver are together. It knows metadata (name, uid,
// resourceVersion, labels), not meaning.
//
// Objects are immutable JSON bytes behind shared pointers: a list of 20,000 pods copies pointers
// only. Behaviour code (controllers, scheduler, kubelet) works through this interface alone:
// List/Get, Watch, and conditional writes.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/kubesim/store/api_status.h"
#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

/// One version of one object. Immutable.
struct Object {
  std::string ns;  // "" when cluster-scoped
  std::string name;
  std::string uid;
  uint64_t resource_version = 0;
  std::vector<std::pair<std::string, std::string>> labels;  // ordered by key
  std::string json;  // compact, in storage form, without kind and apiVersion (list items have none
                     // on the wire)

  Json Parse() const;
  /// The object as a single answer: kind and apiVersion first.
  std::string Wire(const ResourceType& type) const;
};
using ObjectPtr = std::shared_ptr<const Object>;

enum class ChangeType { kAdded, kModified, kDeleted };

/// One change. `previous` is null for an addition; `object` is the last state, with the deletion's
/// version, for a deletion.
struct Change {
  ChangeType type = ChangeType::kAdded;
  const ResourceType* resource = nullptr;  // the type it was written through
  ObjectPtr object;
  ObjectPtr previous;
};

/// A consistent list.
struct Snapshot {
  uint64_t resource_version = 0;
  std::vector<ObjectPtr> objects;  // ordered by namespace, then name
};

/// Thread-safe.
class Store {
 public:
  struct Options {
    const base::Clock* clock = nullptr;  // null = the machine's
    base::IdSource* ids = nullptr;       // null = a seeded source with seed 1
    /// Changes remembered for watches and past states; older ones answer 410.
    size_t history_limit = 50'000;
    /// First resourceVersion given is this plus one.
    uint64_t first_version = 1000;
    /// Bytes of superseded objects that the history may keep alive; the oldest changes go first.
    size_t history_bytes = 64 << 20;
  };
  explicit Store(Options options);
  /// A copy of another store as it is at this moment, sharing its objects: same versions, no
  /// history (watches begin at the present version), no watchers. `options.first_version` does not
  /// count.
  Store(Options options, const Store& from);
  ~Store();

  ResourceCatalog& catalog() { return catalog_; }
  const ResourceCatalog& catalog() const { return catalog_; }
  const base::Clock& clock() const { return *clock_; }
  base::IdSource& ids() { return *ids_; }

  uint64_t resource_version() const;
  ObjectPtr Get(const ResourceType& type, std::string_view ns, std::string_view name) const;
  /// All objects of a type, or those of one namespace.
  Snapshot List(const ResourceType& type, std::string_view ns = {}) const;
  /// The list as it was at `version`; nothing when that is forgotten (410 Expired).
  std::optional<Snapshot> ListAt(const ResourceType& type, std::string_view ns,
                                 uint64_t version) const;
  size_t Count(const ResourceType& type) const;

  /// Adds an object. Fills uid, creationTimestamp (both kept when given and `keep_identity`),
  /// resourceVersion; drops kind and apiVersion. 409 AlreadyExists.
  Outcome<ObjectPtr> Create(const ResourceType& type, Json object, bool keep_identity = false);
  /// `sealed` gets what Parse() of the new object would give: its writer needs not parse it.
  Outcome<ObjectPtr> Create(const ResourceType& type, Json object, bool keep_identity,
                            Json* sealed);
  /// Replaces an object when its resourceVersion still is `expected_version` (0 = whatever it is).
  /// An object that did not change is not written and keeps its version. uid and creationTimestamp
  /// are kept. 404, 409 Conflict.
  Outcome<ObjectPtr> Update(const ResourceType& type, Json object, uint64_t expected_version);
  /// `sealed` as in Create(); left alone when nothing was written.
  Outcome<ObjectPtr> Update(const ResourceType& type, Json object, uint64_t expected_version,
                            Json* sealed);
  /// Removes an object at once (finalizers and grace are the caller's matter). Returns its last
  /// state.
  Outcome<ObjectPtr> Remove(const ResourceType& type, std::string_view ns, std::string_view name,
                            std::string_view expected_uid = {}, uint64_t expected_version = 0);

  /// Calls back for every change after `version` (0 = from now on) in order, first those already
  /// made, until the handle dies. Called under the store's lock: take the change, return at once,
  /// never call the store. Nothing when `version` is forgotten. An empty storage key watches
  /// everything.
  class Watch {
   public:
    virtual ~Watch() = default;
  };
  using Watcher = std::function<void(const Change&)>;
  std::unique_ptr<Watch> StartWatch(std::string_view storage_key, uint64_t version,
                                    Watcher watcher);

  /// Forgets the changes up to `version`, as a compaction does: for drills and tests of 410.
  void Compact(uint64_t version);
  uint64_t oldest_version() const;

 private:
  struct WatchEntry;
  using Key = std::pair<std::string_view, std::string_view>;  // namespace, name
  struct ByKey {
    using is_transparent = void;
    static Key Of(const ObjectPtr& object) { return {object->ns, object->name}; }
    static const Key& Of(const Key& key) { return key; }
    template <typename X, typename Y>
    bool operator()(const X& x, const Y& y) const {
      return Of(x) < Of(y);
    }
  };
  using Table = std::set<ObjectPtr, ByKey>;

  ObjectPtr Seal(Json& object, uint64_t version) const;
  void Record(Change change);
  void ForgetOldest();
  Table* FindTable(std::string_view storage_key);
  const Table* FindTable(std::string_view storage_key) const;
  Snapshot ListLocked(const ResourceType& type, std::string_view ns) const;

  const base::Clock* clock_;
  std::unique_ptr<base::IdSource> own_ids_;
  base::IdSource* ids_;
  const size_t history_limit_;
  ResourceCatalog catalog_;

  mutable std::mutex mutex_;
  uint64_t version_;
  uint64_t compacted_;
  std::map<std::string, Table, std::less<>> tables_;
  std::deque<Change> history_;
  std::vector<std::weak_ptr<WatchEntry>> watches_;
  const size_t history_limit_bytes_;
  size_t history_bytes_ = 0;  // what only the history keeps alive
};

/// Type by group, version and plural; a programming error (abort with a sentence) when the catalog
/// has none.
const ResourceType& MustFind(const Store& store, std::string_view group, std::string_view version,
                             std::string_view plural);

}  // namespace opsmesh::kubesim
