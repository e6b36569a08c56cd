// Runs tools: finds the tool and the cluster, checks the arguments, bounds how many run, remembers
// answers while they hold.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "libs/log/logger.h"
#include "services/k8s/cluster.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {

/// A configured cluster that could not be set up, and why.
struct ClusterProblem {
  std::string id;
  absl::Status status;
};

/// The configured clusters; the default first. Immutable, thread-safe.
class Clusters {
 public:
  explicit Clusters(std::vector<std::unique_ptr<Cluster>> clusters,
                    std::vector<ClusterProblem> problems = {}, std::string default_id = "")
      : clusters_(std::move(clusters)),
        problems_(std::move(problems)),
        default_id_(std::move(default_id)) {}
  /// "" = the default (`default_id`, else the first). NOT_FOUND (UNKNOWN_CLUSTER) with the ids
  /// there are, also in the metadata `clusters`, and in `only_cluster` the id when there is one
  /// alone; FAILED_PRECONDITION (CLUSTER_UNUSABLE) with the reason for one that could not be set
  /// up, (NO_CLUSTER) when there is none.
  absl::StatusOr<Cluster*> Find(std::string_view id) const;
  const std::vector<std::unique_ptr<Cluster>>& all() const { return clusters_; }
  const std::vector<ClusterProblem>& problems() const { return problems_; }

 private:
  const std::vector<std::unique_ptr<Cluster>> clusters_;
  const std::vector<ClusterProblem> problems_;
  const std::string default_id_;
};

/// Where a call applies; from the contract's Scope.
struct CallScope {
  std::string cluster;
  std::string name_space;
};

struct ToolRunnerOptions {
  bool enable_cache = true;
  /// Longest age of a remembered answer. It also ends as soon as anything in the cluster changes.
  absl::Duration cache_timeout = absl::Minutes(5);
  int max_concurrent_calls = 10;  // more wait for their turn, in order of arrival
  size_t cache_entries = 256;
  const base::Clock* clock = &base::SystemClock();
  const log::Logger* logger = nullptr;
};

/// Thread-safe.
class ToolRunner {
 public:
  ToolRunner(const ToolRegistry& registry, const Clusters& clusters, ToolRunnerOptions options);

  /// Errors: NOT_FOUND (UNKNOWN_TOOL, UNKNOWN_CLUSTER), INVALID_ARGUMENT (TOOL_ARGUMENTS),
  /// RESOURCE_EXHAUSTED (TOO_MANY_TOOL_CALLS), and what the tool says. `name_out`, when not null,
  /// gets the canonical name once it is known.
  absl::StatusOr<ToolResult> Run(const base::Context& ctx, std::string_view name,
                                 std::string_view arguments, const CallScope& scope,
                                 std::string* name_out = nullptr);

  const ToolRegistry& registry() const { return registry_; }
  const Clusters& clusters() const { return clusters_; }

 private:
  struct Remembered {
    ToolResult result;
    uint64_t change_count = 0;
    absl::Duration made;
    uint64_t used = 0;
  };
  class Slot;
  bool Recall(const std::string& key, uint64_t change_count, ToolResult* out);
  void Remember(const std::string& key, uint64_t change_count, const ToolResult& result);

  const ToolRegistry& registry_;
  const Clusters& clusters_;
  const ToolRunnerOptions options_;
  std::mutex mutex_;
  std::condition_variable free_;
  int running_ = 0;
  int waiting_ = 0;
  uint64_t uses_ = 0;
  std::map<std::string, Remembered> remembered_;
};

}  // namespace opsmesh::k8s
