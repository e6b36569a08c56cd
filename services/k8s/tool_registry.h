// The tools by name. Built once at start, then immutable.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

/// Thread-safe once filled.
class ToolRegistry {
 public:
  /// Adds a tool under its name, its kebab-case name and its aliases. A name that is taken is a
  /// bug: aborts.
  void Add(Tool tool);

  /// By name or alias, `_` and `-` alike. NOT_FOUND (UNKNOWN_TOOL) with "did you mean".
  absl::StatusOr<const Tool*> Find(std::string_view name) const;
  /// Ordered by group and name. `group` "" = all.
  std::vector<const Tool*> List(std::string_view group, bool include_unavailable) const;
  size_t size() const { return tools_.size(); }

 private:
  std::vector<std::unique_ptr<Tool>> tools_;
  std::map<std::string, const Tool*, std::less<>> by_name_;
};

/// Adds the tools of one group under its name.
class ToolGroup {
 public:
  /// `registry` outlives this.
  ToolGroup(ToolRegistry& registry, std::string name)
      : registry_(registry), name_(std::move(name)) {}

  /// The answer comes from the watch cache alone: equal calls may share it.
  void Cached(std::string name, Text description, std::vector<Param> params, ToolHandler handler,
              std::vector<std::string> aliases = {});
  /// The tool asks the cluster at the time of the call.
  void Live(std::string name, Text description, std::vector<Param> params, ToolHandler handler,
            std::vector<std::string> aliases = {});
  /// A change: it is listed, and answers UNIMPLEMENTED with the plan that would be proposed.
  void Planned(std::string name, Text description, std::vector<Param> params, ToolHandler handler,
               Risk risk, std::vector<std::string> aliases = {});

 private:
  ToolRegistry& registry_;
  const std::string name_;
};

/// What tools take from the configuration.
struct ToolSettings {
  std::string image_reports;  // file or folder with reports of image scanners; "" = none
};

/// All 82 tools of the documents.
ToolRegistry AllTools(const ToolSettings& settings = {});

// Each function adds the tools of one file; several may share a group.

/// list_*, get_*_logs, YAML.
void AddResourceTools(ToolRegistry& registry);
/// describe_*, *_details, get_resource_health.
void AddDetailTools(ToolRegistry& registry);
/// Failed, pending, restarts, capacity, orphans, diagnosis.
void AddDiagnosticTools(ToolRegistry& registry);
/// Connection, contexts, API resources, explain, guide.
void AddClusterTools(ToolRegistry& registry);
/// kubectl_get_*.
void AddQueryTools(ToolRegistry& registry);
/// check_*, analyze_deployment_configurations.
void AddAnalysisTools(ToolRegistry& registry);
/// From a service to its nodes, link by link.
void AddServiceChainTool(ToolRegistry& registry);
/// Timelines of events, problems joined by what they share.
void AddTracingTools(ToolRegistry& registry);
/// Restarts, OOM kills, crash reports.
void AddRestartTools(ToolRegistry& registry);
/// Revisions, progress, capacity for scaling.
void AddRolloutTools(ToolRegistry& registry);
/// Scale, restart, delete, roll back: answer with a plan.
void AddWriteTools(ToolRegistry& registry);
/// Use beside requests, advice, idle resources, savings.
void AddOptimizationTools(ToolRegistry& registry);
/// Replicas, spread, disruption budgets.
void AddAvailabilityTools(ToolRegistry& registry);
/// Probes: missing, wrong, failing.
void AddProbeTools(ToolRegistry& registry);
/// Hot spots, how busy nodes are.
void AddPerformanceTools(ToolRegistry& registry);
/// Eviction pressure, waiting for a node.
void AddSchedulingTools(ToolRegistry& registry);
/// Who reaches whom.
void AddNetworkPathTool(ToolRegistry& registry);
/// Policies, standards, RBAC, images.
void AddSecurityTools(ToolRegistry& registry, const ToolSettings& settings);

}  // namespace opsmesh::k8s
