// The cluster in memory: list + watch for each kind, read as snapshots with indexes. API calls
// O(kinds), never O(objects).
//
// A kind that is forbidden, not served or broken is marked and does not hold up the others; one
// that is forbidden cluster-wide is read namespace by namespace where that is allowed. Watches
// wait in the HTTP client, not in threads. A dropped connection resumes where it was; an expired
// one lists again and compares, so that a listener sees every change of state once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/base/ids.h"
#include "libs/kube/client.h"
#include "libs/kube/object.h"
#include "libs/kube/selector.h"
#include "libs/kube/types.h"

namespace opsmesh::kube {

/// How far the picture of one kind can be trusted: what an answer's ledger says.
struct KindStatus {
  enum class State {
    kSyncing,    // the first list is not over
    kLive,       // listed and watched, everywhere or in `only_in`
    kStale,      // was live; the server does not answer now
    kForbidden,  // 403: tried again every few minutes
    kNotServed,  // the server does not know the kind
  };
  State state = State::kSyncing;
  ResourceType type;
  /// Last time the server confirmed the picture (list, event, bookmark, or an open watch);
  /// InfinitePast when never.
  absl::Time as_of = absl::InfinitePast();
  /// OK, or the last failure with its hint.
  absl::Status last_error;
  size_t objects = 0;
  std::vector<Unparseable> unparseable;
  std::string resource_version;
  uint64_t lists = 0;       // full lists so far
  uint64_t reconnects = 0;  // watches opened again
  uint64_t events = 0;      // watch events applied
  uint64_t refusals = 0;    // answers 403 and "not served" so far
  /// Empty = every namespace is read. Else the user may not list the kind in all namespaces, and
  /// these are the ones that can be read, in order; nothing is known of the others.
  std::vector<std::string> only_in;
  /// What was forbidden, by namespace; "" = the list of all namespaces.
  std::map<std::string, absl::Status, std::less<>> refused;

  bool synced() const { return state == State::kLive || state == State::kStale; }
  /// True when objects of that namespace, if there are any, are in the picture. `ns` "" = those of
  /// every namespace.
  bool Covers(std::string_view ns) const;
};
std::string_view StateName(KindStatus::State state);  // "live"

/// All objects of one kind at one moment. Immutable; indexes are built on first use and kept.
/// Thread-safe.
class KindSnapshot {
 public:
  KindSnapshot(KindStatus status, std::vector<ObjectPtr> sorted_objects);
  /// The same objects, and indexes, with another status.
  KindSnapshot(KindStatus status, const KindSnapshot& same_objects);
  ~KindSnapshot();

  const KindStatus& status() const { return status_; }
  /// Ordered by namespace, then name.
  const std::vector<ObjectPtr>& objects() const;
  std::span<const ObjectPtr> InNamespace(std::string_view ns) const;
  /// Null when there is none. `ns` "" for cluster-scoped kinds.
  ObjectPtr Find(std::string_view ns, std::string_view name) const;
  ObjectPtr FindUid(std::string_view uid) const;
  /// Objects with an owner reference to that uid.
  std::span<const ObjectPtr> OwnedBy(std::string_view uid) const;
  /// Pods on that node.
  std::span<const ObjectPtr> OnNode(std::string_view node) const;
  std::span<const ObjectPtr> WithLabel(std::string_view key, std::string_view value) const;
  /// Objects of a namespace ("" = all) that match; uses the label index where a term allows.
  std::vector<ObjectPtr> Matching(std::string_view ns, const LabelSelector& selector) const;
  std::vector<ObjectPtr> Matching(std::string_view ns, const ObjectSelector& selector) const;
  std::vector<ObjectPtr> Matching(std::string_view ns, const StrPairs& labels) const;
  /// Events about an object, oldest first: by uid when given and known, else by kind, namespace and
  /// name.
  std::vector<ObjectPtr> About(std::string_view kind, std::string_view ns, std::string_view name,
                               std::string_view uid = {}) const;

 private:
  struct Data;
  const KindStatus status_;
  const std::shared_ptr<const Data> data_;
};
using KindSnapshotPtr = std::shared_ptr<const KindSnapshot>;

/// One picture of every cached kind. Kinds are of slightly different moments, each consistent in
/// itself.
class Snapshot {
 public:
  Snapshot(std::map<std::string, KindSnapshotPtr, std::less<>> kinds, absl::Time taken)
      : kinds_(std::move(kinds)), taken_(taken) {}
  /// By plural ("pods"); built-in kinds by any of their names. A kind that is not cached yields an
  /// empty one, kNotServed.
  const KindSnapshot& Of(std::string_view plural) const;
  const std::map<std::string, KindSnapshotPtr, std::less<>>& kinds() const { return kinds_; }
  absl::Time taken() const { return taken_; }

 private:
  std::map<std::string, KindSnapshotPtr, std::less<>> kinds_;
  absl::Time taken_;
};

/// One change of state, for the change feed. Exactly one of `before`, `after` may be null.
struct Change {
  std::shared_ptr<const ResourceType> type;
  ObjectPtr before;  // null = new
  ObjectPtr after;   // null = gone
  absl::Time seen;
};

/// Thread-safe. The destructor ends every watch and waits for its threads.
class Cache {
 public:
  struct Options {
    /// Plurals or any other name Client::Resolve knows. Empty = DefaultKinds().
    std::vector<std::string> kinds;
    /// Namespaces that are read, each by itself, where reading all of them at once is forbidden;
    /// Cover() adds more. What the user may not read there either is kForbidden.
    std::vector<std::string> namespaces;
    /// Threads that list; one more applies the events of all watches, and waiting needs none.
    int threads = 2;
    const base::Clock* clock = &base::SystemClock();
    base::IdSource* ids = &base::SystemIds();
    /// Called for every change after the first list, on a thread of the cache, in order for each
    /// object. Must be quick.
    std::function<void(const Change&)> on_change;
    absl::Duration watch_timeout = absl::Seconds(290);
    absl::Duration backoff_min = absl::Milliseconds(200);
    absl::Duration backoff_max = absl::Seconds(30);
    /// Forbidden and unserved kinds are tried again after this.
    absl::Duration retry_refused = absl::Minutes(2);
    /// A watch on which bookmarks came before (the server sends one a minute) and nothing for so
    /// long is given up: the other end is gone without a word. It goes on from where it was.
    absl::Duration longest_silence = absl::Seconds(150);
    int page_size = 500;
  };
  /// The built-in kinds that diagnosis reads; Secrets and their names included, values never.
  static const std::vector<std::string>& DefaultKinds();

  /// Begins to list and watch; returns at once. `client` must outlive the cache.
  static absl::StatusOr<std::unique_ptr<Cache>> Start(Client& client, Options options);
  ~Cache();

  /// Waits until every kind is live or refused for good. The context's error when that takes too
  /// long: what is there can be read all the same.
  absl::Status WaitForSync(const base::Context& ctx) const;
  /// Waits for these kinds only.
  absl::Status WaitForSync(const base::Context& ctx, const std::vector<std::string>& kinds) const;

  /// Sees to it that a namespace is in the picture as far as the user may read it: adds it where
  /// kinds are forbidden cluster-wide, and asks again for what was forbidden in it (at most every
  /// kAskAgain), so that rights granted a moment ago count; after an outage looks whether the
  /// server is back (as often), whatever the back-off. Waits for the answers inside `ctx`; costs
  /// nothing where everything may be read. At most kMaxNamespaces; then one in which nothing could
  /// be read makes room, or the new one is left out. `ns` "" asks again for what is forbidden
  /// cluster-wide.
  void Cover(const base::Context& ctx, std::string_view ns);
  static constexpr size_t kMaxNamespaces = 32;
  static constexpr absl::Duration kAskAgain = absl::Seconds(5);

  /// The present picture; cheap when nothing changed since the last one.
  std::shared_ptr<const Snapshot> Get() const;
  /// The picture of one kind.
  KindSnapshotPtr Get(std::string_view plural) const;
  std::vector<KindStatus> Status() const;
  /// Bytes held by objects and their views.
  size_t MemoryBytes() const;

 private:
  class Impl;
  explicit Cache(std::unique_ptr<Impl> parts);
  std::unique_ptr<Impl> impl_;
};

}  // namespace opsmesh::kube
