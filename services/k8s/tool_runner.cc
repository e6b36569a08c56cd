#include "services/k8s/tool_runner.h"

#include <algorithm>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/k8s/clean_text.h"

namespace opsmesh::k8s {
namespace {

constexpr int kMaxWaiting = 128;
constexpr size_t kMaxRememberedBytes = 1 << 20;

/// Asked about a namespace where this user may read nothing of what was wanted: other places are no
/// answer to that, and neither is "there is none".
bool RestsOnNothing(const Ledger& ledger) {
  if (ledger.read_there || ledger.refused_there.ok()) return false;
  return std::all_of(ledger.checked.begin(), ledger.checked.end(), [](const LedgerEntry& entry) {
    return entry.source == "watch cache";  // else it was read from the apiserver, by name
  });
}

}  // namespace

absl::StatusOr<Cluster*> Clusters::Find(std::string_view id) const {
  if (id.empty()) id = default_id_;
  for (const ClusterProblem& problem : problems_) {
    if (problem.id != id) continue;
    return base::FailedPrecondition("CLUSTER_UNUSABLE",
                                    fmt::format("The cluster '{}' cannot be used: {}", problem.id,
                                                std::string(problem.status.message())))
        .Hint(base::DetailOf(problem.status).hint)
        .With("cluster", problem.id);
  }
  if (clusters_.empty()) {
    return base::FailedPrecondition("NO_CLUSTER", "No cluster is configured.")
        .Hint(
            "Set KUBECONFIG or k8s.kubeconfig to a kubeconfig file, or start `opsmesh up` without "
            "one for the simulated cluster.");
  }
  if (id.empty()) return clusters_.front().get();
  std::vector<std::string> ids;
  for (const auto& cluster : clusters_) {
    if (cluster->id() == id) return cluster.get();
    ids.push_back(cluster->id());
  }
  for (const ClusterProblem& problem : problems_) ids.push_back(problem.id);
  const std::string shown = CleanText(id, 80);
  const std::string near(base::Nearest(id.substr(0, 128), ids));
  return base::NotFound("UNKNOWN_CLUSTER", fmt::format("There is no cluster '{}'.", shown))
      .Hint(near.empty() ? fmt::format("The configured clusters are {}.", base::Join(ids, ", "))
                         : fmt::format("Did you mean '{}'?", near))
      .With("cluster", shown)
      .With("clusters", base::Join(ids, ", "))
      .With("only_cluster", ids.size() == 1 ? ids.front() : "");
}

// A place among the calls that may run.
class ToolRunner::Slot {
 public:
  static absl::StatusOr<std::unique_ptr<Slot>> Take(ToolRunner& runner, const base::Context& ctx) {
    const auto on_cancel = ctx.OnCancel([&runner] {
      const std::lock_guard lock(runner.mutex_);
      runner.free_.notify_all();
    });
    std::unique_lock lock(runner.mutex_);
    if (runner.running_ >= runner.options_.max_concurrent_calls) {
      if (runner.waiting_ >= kMaxWaiting) {
        return base::ResourceExhausted("TOO_MANY_TOOL_CALLS",
                                       "Too many tool calls are waiting already.")
            .Hint("Try again shortly, or raise tools.max_concurrent_calls.")
            .RetryAfter(absl::Seconds(1));
      }
      ++runner.waiting_;
      while (runner.running_ >= runner.options_.max_concurrent_calls && ctx.Check().ok()) {
        const absl::Duration left = std::min(ctx.Remaining(), absl::Minutes(1));
        runner.free_.wait_for(lock,
                              absl::ToChronoMilliseconds(left) + std::chrono::milliseconds(1));
      }
      --runner.waiting_;
      OPSMESH_RETURN_IF_ERROR(ctx.Check());
    }
    ++runner.running_;
    return std::unique_ptr<Slot>(new Slot(runner));
  }
  ~Slot() {
    const std::lock_guard lock(runner_.mutex_);
    --runner_.running_;
    runner_.free_.notify_one();
  }

 private:
  explicit Slot(ToolRunner& runner) : runner_(runner) {}
  ToolRunner& runner_;
};

ToolRunner::ToolRunner(const ToolRegistry& registry, const Clusters& clusters,
                       ToolRunnerOptions options)
    : registry_(registry), clusters_(clusters), options_(options) {}

bool ToolRunner::Recall(const std::string& key, uint64_t change_count, ToolResult* out) {
  const std::lock_guard lock(mutex_);
  const auto it = remembered_.find(key);
  if (it == remembered_.end()) return false;
  const absl::Duration age = options_.clock->Steady() - it->second.made;
  if (it->second.change_count != change_count || age > options_.cache_timeout) {
    remembered_.erase(it);
    return false;
  }
  it->second.used = ++uses_;
  *out = it->second.result;
  for (LedgerEntry& entry : out->ledger.checked)
    entry.age_seconds = entry.age_seconds.value_or(0) + absl::ToDoubleSeconds(age);
  return true;
}

void ToolRunner::Remember(const std::string& key, uint64_t change_count, const ToolResult& result) {
  if (result.json.size() + result.text.en.size() + result.text.zh.size() > kMaxRememberedBytes)
    return;
  // A picture with holes is not worth keeping: the next call may see more.
  if (!result.ledger.failed.empty()) return;
  const std::lock_guard lock(mutex_);
  remembered_[key] = {result, change_count, options_.clock->Steady(), ++uses_};
  while (remembered_.size() > options_.cache_entries) {
    remembered_.erase(std::min_element(
        remembered_.begin(), remembered_.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
  }
}

absl::StatusOr<ToolResult> ToolRunner::Run(const base::Context& ctx, std::string_view name,
                                           std::string_view arguments, const CallScope& scope,
                                           std::string* name_out) {
  OPSMESH_ASSIGN_OR_RETURN(const Tool* tool, registry_.Find(name));
  if (name_out) *name_out = tool->name;
  OPSMESH_ASSIGN_OR_RETURN(const Arguments checked,
                           CheckArguments(arguments, tool->params, tool->name));
  OPSMESH_ASSIGN_OR_RETURN(Cluster * cluster, clusters_.Find(scope.cluster));
  if (!scope.name_space.empty() && !IsDnsLabel(scope.name_space)) {
    return base::InvalidArgument(
               "context.namespace", "INVALID_NAME",
               fmt::format("'{}' is no namespace name.", CleanText(scope.name_space, 80)))
        .Hint("A namespace name has lower-case letters, digits and '-', at most 63.");
  }
  const std::string ns = checked.String("namespace", scope.name_space);
  cluster->Cover(ctx, IsDnsLabel(ns) ? ns : "");
  const bool cached = options_.enable_cache && tool->cacheable;
  const uint64_t change_count = cluster->change_count();
  const std::string key =
      fmt::format("{}|{}|{}|{}", cluster->id(), scope.name_space, tool->name, checked.canonical());
  ToolResult remembered;
  if (cached && Recall(key, change_count, &remembered)) return remembered;

  OPSMESH_ASSIGN_OR_RETURN(const std::unique_ptr<Slot> slot, Slot::Take(*this, ctx));
  const absl::Duration begin = options_.clock->Steady();
  const ToolCall call{ctx, *cluster, checked, scope.name_space, options_.clock->Now()};
  absl::StatusOr<ToolResult> result = tool->handler(call);
  if (result.ok() && RestsOnNothing(result->ledger)) {
    const absl::Status refused = result->ledger.refused_there;  // it goes with the result
    result = refused;
  }
  if (options_.logger) {
    options_.logger->Info(
        "tool_call",
        {{"tool", tool->name},
         {"cluster", cluster->id()},
         {"outcome", result.ok() ? std::string("ok") : base::DetailOf(result.status()).reason},
         {"duration_ms", absl::ToInt64Milliseconds(options_.clock->Steady() - begin)}});
  }
  if (!result.ok()) {
    // Every refusal says which cluster it is about: the person may have several.
    base::ErrorDetail detail = base::DetailOf(result.status());
    detail.metadata.emplace("cluster", cluster->id());
    detail.metadata.emplace("tool", tool->name);
    return base::WithDetail(result.status(), detail);
  }
  if (cached) Remember(key, change_count, *result);
  return result;
}

}  // namespace opsmesh::k8s
