// Group "analysis": each check shows the objects of its kind as a table and what the rules find
// about them.
#include <algorithm>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/fields.h"
#include "services/k8s/finding.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/network_policies.h"
#include "services/k8s/params.h"
#include "services/k8s/service_chain.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"
#include "services/k8s/workload_review.h"

namespace opsmesh::k8s {
namespace {

using Rules = void (*)(Findings&);

// The listing of the kind, then the findings of its rules in front of it.
ToolHandler Check(std::vector<std::string> plurals, std::vector<Rules> rules) {
  return [plurals = std::move(plurals),
          rules = std::move(rules)](const ToolCall& call) -> absl::StatusOr<ToolResult> {
    Picture picture(call.cluster.Picture(call.ctx), NamespaceOf(call), call.now);
    OPSMESH_RETURN_IF_ERROR(picture.CheckReadable(plurals[0]));
    OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
    Findings collector(picture);
    DiagnosePods(collector);  // so that workloads can name the cause; only the kinds in question
                              // are reported
    for (const Rules rule : rules) rule(collector);
    std::vector<Finding> findings = collector.Take();
    std::erase_if(findings, [&](const Finding& f) {
      return std::none_of(plurals.begin(), plurals.end(),
                          [&](const std::string& p) { return TypeOf(p).kind == f.object.kind; });
    });
    ToolResult out = AnswerFindings(findings, picture);
    JsonWriter json;
    json.BeginObject().Key("diagnosis").Raw(out.json).Key("resources").BeginArray();
    std::vector<Fact> facts;
    for (const std::string& plural : plurals) {
      if (!picture.Readable(plural)) continue;
      Query query;
      query.type = TypeOf(plural);
      query.limit = call.arguments.Integer("limit", 100);
      Picture own(call.cluster.Picture(call.ctx), query.type.namespaced ? picture.ns() : "",
                  call.now);
      OPSMESH_ASSIGN_OR_RETURN(const ToolResult list, Answer(query, own.In(plural), own));
      json.Raw(list.json);
      out.text += Text{"\n\n" + list.text.zh, "\n\n" + list.text.en};
      facts.insert(facts.end(), list.facts.begin(), list.facts.end());
      out.truncated = out.truncated || list.truncated;
      out.ledger.Merge(list.ledger);
    }
    json.EndArray().EndObject();
    out.json = json.Take();
    out.facts.insert(out.facts.begin(), facts.begin(), facts.end());
    return out;
  };
}

absl::StatusOr<ToolResult> Endpoints(const ToolCall& call) {
  Picture picture(call.cluster.Picture(call.ctx), NamespaceOf(call), call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("services"));
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  const std::string only = call.arguments.String("service_name");
  Findings collector(picture);
  DiagnoseServices(collector);
  std::vector<Finding> findings = collector.Take();
  if (!only.empty())
    std::erase_if(findings, [&](const Finding& f) { return f.object.name != only; });
  ToolResult out = AnswerFindings(findings, picture);
  TextTable table({"NAMESPACE", "SERVICE", "SELECTOR", "PODS", "READY ENDPOINTS", "NOT READY"});
  JsonWriter json;
  json.BeginObject().Key("diagnosis").Raw(out.json).Key("services").BeginArray();
  int64_t count = 0;
  ForEach<kube::Service>(
      picture.In("services"), [&](const kube::Object& object, const kube::Service& service) {
        if (!only.empty() && object.name() != only) return;
        ++count;
        const ServiceBackends b = BackendsOf(picture, object, service);
        table.AddRow({std::string(object.ns()), std::string(object.name()),
                      JoinLabels(service.selector), std::to_string(b.selected.size()),
                      std::to_string(b.ready), std::to_string(b.not_ready)});
        json.BeginObject()
            .Field("namespace", object.ns())
            .Field("name", object.name())
            .Field("selector", JoinLabels(service.selector));
        json.Field("selected_pods", static_cast<int64_t>(b.selected.size()))
            .Field("ready", b.ready)
            .Field("not_ready", b.not_ready)
            .EndObject();
      });
  json.EndArray().EndObject();
  if (!only.empty() && count == 0) {
    return base::NotFound("OBJECT_NOT_FOUND", fmt::format("There is no service '{}' there.", only))
        .Hint("list_kubernetes_services lists them.");
  }
  out.json = json.Take();
  out.text.AppendBoth("\n\n" + table.Render());
  out.AddFact("services.total", count);
  out.ledger = picture.ledger();
  return out;
}

}  // namespace

void AddAnalysisTools(ToolRegistry& r) {
  ToolGroup group(r, "analysis");
  const std::vector<Param> usual = {NamespaceParam(), LimitParam()};
  group.Cached("check_kubernetes_resource_quotas",
               {"检查资源配额：用量、上限、已用尽的",
                "Checks resource quotas: use, bounds, what is used up"},
               usual, Check({"resourcequotas", "limitranges"}, {DiagnoseQuotas}));
  group.Cached(
      "check_kubernetes_persistent_volumes",
      {"检查 PV 和 PVC：未绑定、丢失、失败的", "Checks volumes and claims: unbound, lost, failed"},
      usual, Check({"persistentvolumeclaims", "persistentvolumes"}, {DiagnoseStorage}));
  group.Cached(
      "check_kubernetes_ingress",
      {"检查 Ingress 的后端、端口和证书", "Checks backends, ports and certificates of ingresses"},
      usual, Check({"ingresses"}, {DiagnoseIngresses}));
  group.Cached(
      "check_kubernetes_daemonsets",
      {"检查 DaemonSet 是否在每个节点可用", "Checks that DaemonSets are available on every node"},
      usual, Check({"daemonsets"}, {DiagnoseReferences, DiagnoseWorkloads}));
  group.Cached("check_kubernetes_statefulsets",
               {"检查 StatefulSet 的副本", "Checks the replicas of StatefulSets"}, usual,
               Check({"statefulsets"}, {DiagnoseReferences, DiagnoseWorkloads}));
  group.Cached(
      "check_kubernetes_jobs",
      {"检查 Job 和 CronJob：失败的及原因", "Checks jobs and cron jobs: what failed and why"},
      usual, Check({"jobs", "cronjobs"}, {DiagnoseJobs}));
  group.Cached("check_kubernetes_hpa_status",
               {"检查 HPA：指标、上下限、目标", "Checks autoscalers: metrics, bounds, targets"},
               usual, Check({"horizontalpodautoscalers"}, {DiagnoseAutoscalers}));
  group.Cached(
      "check_kubernetes_endpoints",
      {"检查每个 Service 有多少就绪的后端", "Checks how many ready backends each service has"},
      {NamespaceParam(), NameParam("service_name", {"只看此 Service", "Only this service"}, false)},
      Endpoints);
  group.Cached("check_kubernetes_network_policies",
               {"检查网络策略：哪些 Pod 受限，哪些没有任何策略",
                "Checks network policies: which pods they restrict, which have none"},
               {NamespaceParam()}, CheckNetworkPolicies);
  group.Cached("analyze_deployment_configurations",
               {"分析 Deployment 配置：探针、资源、镜像标签、副本、安全设置",
                "Reviews deployments: probes, resources, image tags, replicas, security settings"},
               {NamespaceParam(),
                NameParam("deployment_name", {"只看此 Deployment", "Only this deployment"}, false),
                LimitParam()},
               ReviewDeployments);
}

}  // namespace opsmesh::k8s
