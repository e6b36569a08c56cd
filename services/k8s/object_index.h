// Links words of a sentence to objects of the cluster.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libs/base/clock.h"
#include "libs/kube/cache.h"
#include "services/k8s/answer.h"

namespace opsmesh::k8s {

/// The numbers equal opsmesh.k8s.v1.ObjectCandidate.Match.
enum class Match { kExact = 1, kWorkload = 2, kLabel = 3, kPrefix = 4, kPart = 5, kNear = 6 };

struct Candidate {
  ObjectRef object;
  Match match = Match::kExact;
  double score = 0;
};

struct MentionQuery {
  std::string text;
  std::string kind;        // canonical kind ("Pod"); "" = any
  std::string name_space;  // "" = any
};

struct Resolution {
  std::vector<Candidate> candidates;  // best first, ties by namespace, kind and name
  int64_t total = 0;
};

/// Names of one picture. Immutable, thread-safe. Built in one pass over the objects; a look-up
/// touches only what matches.
class ObjectIndex {
 public:
  explicit ObjectIndex(std::shared_ptr<const kube::Snapshot> snapshot);

  Resolution Resolve(const MentionQuery& query, size_t max_candidates) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    const kube::Object* object;
    std::string_view kind;  // static or of the object
    std::string workload;   // of pods: name of their controller as people know it; "" otherwise
  };
  using Ids = std::vector<uint32_t>;
  void AddAll(std::string_view plural);
  void AddNamespacesOfObjects();
  class Search;

  const std::shared_ptr<const kube::Snapshot> snapshot_;
  std::vector<kube::ObjectPtr> named_;  // namespaces known by their objects only
  std::vector<Entry> entries_;
  std::unordered_map<std::string_view, Ids> by_name_;
  std::unordered_map<std::string, Ids> by_workload_;
  std::unordered_map<std::string_view, Ids> by_label_;  // values of app labels
  std::unordered_map<std::string_view, Ids> by_part_;   // words inside names, pods left out
  std::vector<std::string_view> names_;                 // sorted, unique
  std::vector<std::string_view> near_names_;  // names worth a spelling correction: no pods
};

/// Keeps the index of a cluster as fresh as the picture, rebuilt at most once a second, or when
/// namespaces have come into the picture.
/// Thread-safe.
class IndexCache {
 public:
  explicit IndexCache(const base::Clock& clock) : clock_(clock) {}
  std::shared_ptr<const ObjectIndex> Get(const std::shared_ptr<const kube::Snapshot>& snapshot,
                                         uint64_t change_count);

 private:
  const base::Clock& clock_;
  std::mutex mutex_;
  std::shared_ptr<const ObjectIndex> index_;
  uint64_t change_count_ = 0;
  size_t places_ = 0;  // namespaces that are read one by one, summed over the kinds
  absl::Duration built_;
};

}  // namespace opsmesh::k8s
