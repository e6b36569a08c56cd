// The tools by name. Built once at start, then immutable.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
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

/// What tools take from the configuration.
struct ToolSettings {
  std::string image_reports;  // file or folder with reports of image scanners; "" = none
};

/// All 82 tools of the documents.
ToolRegistry AllTools(const ToolSettings& settings = {});

// One function a group; each adds its tools.
void AddResourceTools(ToolRegistry& registry);  // list_*, get_*_logs, YAML
void AddDetailTools(ToolRegistry& registry);    // describe_*, *_details, get_resource_health
void AddDiagnosticTools(
    ToolRegistry& registry);  // failed, pending, restarts, capacity, orphans, diagnosis
void AddClusterTools(
    ToolRegistry& registry);                 // connection, contexts, API resources, explain, guide
void AddQueryTools(ToolRegistry& registry);  // kubectl_get_*
void AddAnalysisTools(ToolRegistry& registry);  // check_*, analyze_deployment_configurations
void AddTracingTools(ToolRegistry& registry);   // chains, timelines, restarts, OOM, crash reports
void AddRolloutTools(ToolRegistry& registry);   // revisions, progress, capacity for scaling
void AddWriteTools(
    ToolRegistry& registry);  // scale, restart, delete, roll back: answer with a plan
void AddOptimizationTools(
    ToolRegistry& registry);  // use beside requests, advice, idle resources, savings
void AddAvailabilityTools(ToolRegistry& registry);  // replicas, spread, disruption budgets
void AddProbeTools(ToolRegistry& registry);         // probes: missing, wrong, failing
void AddPerformanceTools(ToolRegistry& registry);   // hot spots, how busy nodes are
void AddSchedulingTools(ToolRegistry& registry);    // eviction pressure, waiting for a node
void AddNetworkPathTool(ToolRegistry& registry);    // who reaches whom
void AddSecurityTools(ToolRegistry& registry,
                      const ToolSettings& settings);  // policies, standards, RBAC, images

}  // namespace opsmesh::k8s
