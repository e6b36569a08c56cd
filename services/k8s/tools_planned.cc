// Tools of the contract that are not built yet: listed with their schemas, and answering UNIMPLEMENTED with what to use.
#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/params.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

struct Planned {
  const char* name;
  const char* group;
  Text description;
  const char* instead;  // tool that helps until then
  std::vector<Param> params;
};

Param DeploymentParam(bool required = true) {
  return NameParam("deployment_name", {"Deployment 名称", "Name of the deployment"}, required);
}

std::vector<Planned> PlannedTools() {
  const Param ns = NamespaceParam();
  const Param one = OneNamespaceParam();
  const Param window = TextParam("window", {"时间窗口，例如 1h", "Time window, for instance 1h"}, ParamFormat::kDuration);
  return {
      {"analyze_network_path", "tracing", {"分析网络路径", "Analyses a network path"}, "diagnose_kubernetes_pod_issues", {one}},
      {"recommend_resource_limits", "optimization", {"建议资源上限", "Recommends resource limits"}, "check_oom_events", {one, DeploymentParam(false)}},
      {"recommend_resource_right_sizing", "optimization", {"建议合适的资源申请", "Recommends fitting resource requests"}, "get_kubernetes_node_capacity", {ns, window}},
      {"analyze_resource_waste", "optimization", {"分析申请与用量的差距", "Compares requests with use"}, "get_kubernetes_node_capacity", {ns, window}},
      {"identify_idle_resources", "optimization", {"找出闲置的资源", "Finds idle resources"}, "get_kubernetes_orphaned_resources", {ns}},
      {"calculate_cost_savings", "optimization", {"估算可节省的成本", "Estimates what could be saved"}, "get_kubernetes_orphaned_resources", {ns}},
      {"analyze_high_availability", "optimization", {"分析高可用配置", "Analyses high availability"}, "analyze_deployment_configurations", {ns}},
      {"check_pod_distribution", "optimization", {"检查 Pod 在节点上的分布", "Checks how pods spread over nodes"}, "kubectl_get_resources", {ns, DeploymentParam(false)}},
      {"recommend_anti_affinity", "optimization", {"建议反亲和性", "Recommends anti-affinity"}, "analyze_deployment_configurations", {ns, DeploymentParam(false)}},
      {"validate_probe_configuration", "optimization", {"检查探针配置", "Validates probes"}, "analyze_deployment_configurations", {ns, DeploymentParam(false)}},
      {"analyze_cluster_performance", "performance", {"分析集群性能", "Analyses the cluster's performance"}, "get_kubernetes_node_capacity", {window}},
      {"identify_resource_hotspots", "performance", {"找出资源热点", "Finds hot spots"}, "get_kubernetes_node_capacity", {ns, window}},
      {"check_pod_eviction_pressure", "performance", {"检查驱逐压力", "Checks eviction pressure"}, "diagnose_kubernetes_pod_issues", {ns}},
      {"analyze_scheduling_latency", "performance", {"分析调度延迟", "Analyses scheduling latency"}, "get_pending_kubernetes_pods", {ns, window}},
      {"audit_security_policies", "security", {"审计安全策略", "Audits security policies"}, "check_kubernetes_network_policies", {ns}},
      {"check_pod_security_standards", "security", {"检查 Pod 安全标准", "Checks Pod Security Standards"}, "analyze_deployment_configurations",
       {ns, ChoiceParam("level", {"标准级别", "Level of the standard"}, {"baseline", "restricted"})}},
      {"analyze_rbac_permissions", "security", {"分析 RBAC 权限", "Analyses RBAC permissions"}, "kubectl_get_resources", {ns}},
      {"scan_image_vulnerabilities", "security", {"扫描镜像漏洞（集成外部扫描器）", "Scans images for vulnerabilities with an outside scanner"}, "kubectl_get_resources", {ns}},
      {"generate_security_report", "security", {"生成安全报告", "Writes a security report"}, "check_kubernetes_network_policies", {ns}},
  };
}

}  // namespace

void AddPlannedTools(ToolRegistry& registry) {
  for (Planned& planned : PlannedTools()) {
    Tool tool;
    tool.name = planned.name;
    tool.group = planned.group;
    tool.description = std::move(planned.description);
    tool.params = std::move(planned.params);
    tool.available = false;
    tool.cacheable = false;
    tool.handler = [name = tool.name, instead = std::string(planned.instead)](const ToolCall&) -> absl::StatusOr<ToolResult> {
      return base::Unimplemented("TOOL_NOT_BUILT", fmt::format("{} is in the contract and not built in this version.", name))
          .Hint(fmt::format("Until then {} answers a part of it.", instead))
          .With("tool", name)
          .With("instead", instead);
    };
    registry.Add(std::move(tool));
  }
}

}  // namespace opsmesh::k8s
