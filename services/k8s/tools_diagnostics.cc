// Group "diagnostics": what is wrong with pods, how full the nodes are, what nobody uses.
#include <algorithm>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/capacity.h"
#include "services/k8s/finding.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/orphans.h"
#include "services/k8s/params.h"
#include "services/k8s/pod_causes.h"
#include "services/k8s/read_object.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

struct PodRow {
  kube::ObjectPtr object;
  const kube::Pod* pod = nullptr;
  std::vector<Finding> findings;
};

// Pods that pass `keep`, each with what the rules say about it.
template <typename Keep>
std::vector<PodRow> PodsWhere(Picture& picture, Keep keep) {
  std::vector<PodRow> out;
  for (const kube::ObjectPtr& object : picture.In("pods")) {
    const kube::Pod* pod = object->As<kube::Pod>();
    if (!pod || !keep(*object, *pod)) continue;
    out.push_back({object, pod, DiagnosePod(picture, *object)});
  }
  return out;
}

struct Words {
  std::string key;  // of facts: "pods.failed"
  Text some;        // "{0} failed pods {place}"
  Text none;
};

std::vector<std::string> CellsOf(const PodRow& row, const Picture& picture) {
  const kube::Object& object = *row.object;
  const std::string code = row.findings.empty() ? "-" : row.findings[0].code;
  std::vector<std::string> cells = {std::string(object.name()),
                                    row.pod->ready(),
                                    row.pod->status,
                                    std::to_string(row.pod->restarts),
                                    HumanAge(object.meta().Age(picture.now())),
                                    code};
  if (picture.ns().empty()) cells.insert(cells.begin(), std::string(object.ns()));
  return cells;
}

void WritePodRow(const PodRow& row, absl::Time now, JsonWriter& json) {
  const kube::Object& object = *row.object;
  json.BeginObject()
      .Field("namespace", object.ns())
      .Field("name", object.name())
      .Field("ready", row.pod->ready());
  json.Field("status", row.pod->status)
      .Field("phase", row.pod->phase)
      .Field("restarts", row.pod->restarts);
  json.Field("node", row.pod->spec.node_name)
      .Field("age_seconds", absl::ToInt64Seconds(object.meta().Age(now)));
  json.Key("problems").BeginArray();
  for (const Finding& f : row.findings) {
    json.BeginObject()
        .Field("code", f.code)
        .Field("severity", SeverityName(f.severity))
        .Field("summary", f.summary.en);
    json.Field("cause", f.cause.en).Field("next_step", f.next_step.en).EndObject();
  }
  json.EndArray().EndObject();
}

ToolResult PodAnswer(Picture& picture, std::vector<PodRow> rows, int64_t limit,
                     const Words& words) {
  const auto total = static_cast<int64_t>(rows.size());
  if (total > limit) rows.resize(static_cast<size_t>(limit));
  ToolResult out;
  out.truncated = total > limit;
  JsonWriter json;
  json.BeginObject().NullableField("namespace", picture.ns());
  json.Field("total", total)
      .Field("checked_pods", static_cast<int64_t>(picture.In("pods").size()))
      .Key("items")
      .BeginArray();
  std::vector<std::string> header = {"NAME", "READY", "STATUS", "RESTARTS", "AGE", "PROBLEM"};
  if (picture.ns().empty()) header.insert(header.begin(), "NAMESPACE");
  TextTable table(std::move(header));
  Text causes;
  for (const PodRow& row : rows) {
    table.AddRow(CellsOf(row, picture));
    WritePodRow(row, picture.now(), json);
    for (const Finding& f : row.findings) {
      causes += Say("- {0}：{1} {2}\n", "- {0}: {3} {4}\n", row.object->meta().full_name(),
                    f.cause.zh, f.next_step.zh, f.cause.en, f.next_step.en);
      out.untrusted = out.untrusted || f.untrusted;
    }
  }
  json.EndArray().Field("truncated", out.truncated).EndObject();
  out.json = json.Take();
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  const Text& sentence = total == 0 ? words.none : words.some;
  out.text = Say(sentence.zh, sentence.en, total, place.zh, place.en, total == 1 ? "" : "s",
                 picture.In("pods").size());
  if (total > 0) {
    out.text.AppendBoth("\n\n" + table.Render());
    if (!causes.en.empty())
      out.text += Text{"\n原因和建议：\n", "\nCauses and next steps:\n"} + causes;
  }
  if (out.truncated)
    out.text += Say("\n显示前 {0} 个，共 {1} 个。", "\nThe first {0} of {1} are shown.",
                    rows.size(), total);
  out.text.TrimNewlines();
  out.AddFact(words.key, total);
  out.AddFact("pods.total", static_cast<int64_t>(picture.In("pods").size()));
  for (size_t i = 0; i < rows.size() && i < 20; ++i) {
    out.facts.push_back(
        {words.key + ".name", rows[i].object->meta().full_name(), RefOf(*rows[i].object)});
  }
  out.ledger = picture.ledger();
  return out;
}

absl::StatusOr<ToolResult> FailedPods(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  std::vector<PodRow> rows = PodsWhere(picture, [](const kube::Object&, const kube::Pod& pod) {
    return pod.phase == "Failed" || !pod.healthy();
  });
  // A pod that only waits (for a node, for its start) has not failed; neither has one that a job
  // retried.
  std::erase_if(rows, [](const PodRow& row) {
    return row.findings.empty() || row.findings[0].code == "UNSCHEDULABLE" ||
           row.findings[0].code == "STUCK_TERMINATING";
  });
  return PodAnswer(picture, std::move(rows), call.arguments.Integer("limit", 100),
                   {"pods.failed",
                    {"{1}有 {0} 个异常的 Pod（共 {4} 个）。", "{0} failing pod{3} {2} (of {4})."},
                    {"{1}没有异常的 Pod（共 {4} 个）。", "No failing pods {2} (of {4})."}});
}

absl::StatusOr<ToolResult> PendingPods(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  std::vector<PodRow> rows = PodsWhere(
      picture, [](const kube::Object&, const kube::Pod& pod) { return pod.phase == "Pending"; });
  return PodAnswer(
      picture, std::move(rows), call.arguments.Integer("limit", 100),
      {"pods.pending",
       {"{1}有 {0} 个 Pending 的 Pod（共 {4} 个）。", "{0} pending pod{3} {2} (of {4})."},
       {"{1}没有 Pending 的 Pod（共 {4} 个）。", "No pending pods {2} (of {4})."}});
}

absl::StatusOr<ToolResult> HighRestartPods(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  const int64_t threshold = call.arguments.Integer("threshold", 5);
  std::vector<PodRow> rows = PodsWhere(picture, [&](const kube::Object&, const kube::Pod& pod) {
    return pod.restarts >= threshold;
  });
  std::stable_sort(rows.begin(), rows.end(), [](const PodRow& a, const PodRow& b) {
    return a.pod->restarts > b.pod->restarts;
  });
  const std::string at_least = std::to_string(threshold);
  return PodAnswer(picture, std::move(rows), call.arguments.Integer("limit", 100),
                   {"pods.high_restart",
                    {"{1}有 {0} 个 Pod 重启了 " + at_least + " 次以上（共 {4} 个）。",
                     "{0} pod{3} {2} restarted " + at_least + " times or more (of {4})."},
                    {"{1}没有重启 " + at_least + " 次以上的 Pod（共 {4} 个）。",
                     "No pod {2} restarted " + at_least + " times or more (of {4})."}});
}

constexpr absl::Duration kRecentWarning = absl::Minutes(10);

// Of a pod that is still starting no rule says anything yet; its last warning may.
Text WarningOf(Picture& picture, const kube::Object& object) {
  const std::optional<EventText> event = LastWarning(picture, object, {});
  if (!event || picture.now() - event->last_seen > kRecentWarning) return {};
  return Say("最近的警告（{0}前）：{1} {2}", " Its last warning, {0} ago: {1} {2}",
             HumanSpan(picture.now() - event->last_seen), event->reason, Quoted(event->message));
}

absl::StatusOr<ToolResult> DiagnosePodIssues(const ToolCall& call) {
  const std::string name = call.arguments.String("pod_name");
  if (name.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
    return AnswerFindings(DiagnoseAll(picture), picture);
  }
  Picture picture(call.cluster.Picture(call.ctx), NamespaceForOne(call), call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("pods"));
  OPSMESH_RETURN_IF_ERROR(CheckExists(picture, TypeOf("pods"), picture.ns(), name));
  const kube::ObjectPtr object = picture.All("pods").Find(picture.ns(), name);
  const kube::Pod* pod = object->As<kube::Pod>();
  const std::vector<Finding> findings = DiagnosePod(picture, *object);
  ToolResult out = AnswerFindings(findings, picture);
  const Text head =
      findings.empty()
          ? Say("Pod {0} 没有发现问题，状态 {1}，就绪 {2}，重启 {3} 次。",
                "Pod {0}: no problems found; status {1}, ready {2}, {3} restarts.",
                object->meta().full_name(), pod ? pod->status : "?", pod ? pod->ready() : "?",
                pod ? pod->restarts : 0)
          : Say("Pod {0}：状态 {1}，就绪 {2}，重启 {3} 次。\n\n",
                "Pod {0}: status {1}, ready {2}, {3} restarts.\n\n", object->meta().full_name(),
                pod ? pod->status : "?", pod ? pod->ready() : "?", pod ? pod->restarts : 0);
  const bool starting = findings.empty() && pod && !pod->healthy();
  const Text warning = starting ? WarningOf(picture, *object) : Text{};
  out.untrusted |= !warning.en.empty();
  out.text = findings.empty() ? head + warning : head + out.text;
  out.AddFact("pod", object->meta().full_name());
  if (pod) out.AddFact("pod.status", pod->status);
  return out;
}

}  // namespace

void AddDiagnosticTools(ToolRegistry& r) {
  ToolGroup group(r, "diagnostics");
  group.Cached("get_failed_kubernetes_pods",
               {"列出异常的 Pod，附原因和建议", "Lists failing pods with cause and next step"},
               {NamespaceParam(), LimitParam()}, FailedPods, {"k8s-get-failed-pods"});
  group.Cached("get_pending_kubernetes_pods",
               {"列出 Pending 的 Pod，附原因", "Lists pending pods and why they wait"},
               {NamespaceParam(), LimitParam()}, PendingPods, {"k8s-get-pending-pods"});
  group.Cached("get_high_restart_kubernetes_pods",
               {"列出重启次数多的 Pod，最多的在前", "Lists pods with many restarts, most first"},
               {NamespaceParam(),
                IntParam("threshold", {"至少重启多少次", "Restarts at least"}, 1, 100000, "5"),
                LimitParam()},
               HighRestartPods);
  // It asks the metrics API.
  group.Live(
      "get_kubernetes_node_capacity",
      {"节点的容量、已申请量和用量", "Capacity of the nodes, what is requested and what is used"},
      {NameParam("node_name", {"只看此节点", "Only this node"}, false)}, NodeCapacity);
  group.Cached(
      "get_kubernetes_orphaned_resources",
      {"列出没有人用的资源：ConfigMap、Secret、PVC、PV、Service 等",
       "Lists resources that nothing uses: ConfigMaps, Secrets, claims, volumes, services"},
      {NamespaceParam(), LimitParam()}, OrphanedResources);
  group.Cached(
      "diagnose_kubernetes_pod_issues",
      {"诊断：给出问题、原因和建议；不给 Pod 名则诊断整个命名空间或集群",
       "Diagnosis with cause and next step; without a pod name of the whole namespace or cluster"},
      {NamespaceParam(), NameParam("pod_name", {"只诊断此 Pod", "Only this pod"}, false)},
      DiagnosePodIssues, {"k8s-diagnose"});
}

}  // namespace opsmesh::k8s
