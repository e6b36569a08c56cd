// Group "performance": how busy the cluster is now, and who uses it.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/quantity.h"
#include "services/k8s/capacity.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/fields.h"
#include "services/k8s/finding.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/node_use.h"
#include "services/k8s/params.h"
#include "services/k8s/pod_causes.h"
#include "services/k8s/resource_use.h"
#include "services/k8s/say.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

struct PodLoad {
  kube::ObjectPtr object;
  const kube::Pod* pod = nullptr;
  std::optional<Amounts> used;
  double cpu_request = 0, memory_request = 0, cpu_limit = 0, memory_limit = 0;
};

std::vector<PodLoad> PodLoads(Picture& picture, const PodUse& use) {
  std::vector<PodLoad> out;
  for (const kube::ObjectPtr& object : picture.In("pods")) {
    const auto* pod = object->As<kube::Pod>();
    if (!pod || pod->phase != "Running") continue;
    PodLoad load;
    load.object = object;
    load.pod = pod;
    load.used = use.Of(object->ns(), object->name());
    load.cpu_request = PodAmount(pod->spec, "cpu", false);
    load.memory_request = PodAmount(pod->spec, "memory", false);
    bool all = false;
    load.cpu_limit = PodAmount(pod->spec, "cpu", true, &all);
    if (!all) load.cpu_limit = 0;  // a container without a limit: the pod has none
    load.memory_limit = PodAmount(pod->spec, "memory", true, &all);
    if (!all) load.memory_limit = 0;
    out.push_back(std::move(load));
  }
  return out;
}

void WriteNode(const NodeLoad& l, JsonWriter& json) {
  json.BeginObject()
      .Field("kind", "Node")
      .Field("name", l.name)
      .Field("status", l.status)
      .Field("pods", l.pods);
  json.Field("cpu_allocatable", l.cpu_allocatable).Field("cpu_requested", l.cpu_requested);
  json.Field("memory_allocatable", l.memory_allocatable)
      .Field("memory_requested", l.memory_requested);
  if (l.cpu_used) json.Field("cpu_used", *l.cpu_used).Field("memory_used", *l.memory_used);
  json.EndObject();
}

std::string NodeTable(const std::vector<NodeLoad>& loads) {
  TextTable table(
      {"NODE", "STATUS", "CPU USED", "CPU REQUESTED", "MEMORY USED", "MEMORY REQUESTED", "PODS"});
  for (const NodeLoad& l : loads) {
    table.AddRow({l.name, l.status,
                  l.cpu_used ? fmt::format("{} ({})", kube::FormatCpu(*l.cpu_used),
                                           Share(*l.cpu_used, l.cpu_allocatable))
                             : "-",
                  fmt::format("{} ({})", kube::FormatCpu(l.cpu_requested),
                              Share(l.cpu_requested, l.cpu_allocatable)),
                  l.memory_used ? fmt::format("{} ({})", kube::FormatBytes(*l.memory_used),
                                              Share(*l.memory_used, l.memory_allocatable))
                                : "-",
                  fmt::format("{} ({})", kube::FormatBytes(l.memory_requested),
                              Share(l.memory_requested, l.memory_allocatable)),
                  fmt::format("{}/{}", l.pods, l.pods_allocatable)});
  }
  return table.Render();
}

void WriteHotPod(const PodLoad& p, TextTable& table, JsonWriter& json) {
  table.AddRow(
      {std::string(p.object->ns()), std::string(p.object->name()),
       std::string(p.pod->spec.node_name), p.used ? kube::FormatCpu(p.used->cpu) : "-",
       kube::FormatCpu(p.cpu_request), p.cpu_limit > 0 ? kube::FormatCpu(p.cpu_limit) : "-",
       p.used ? kube::FormatBytes(p.used->memory) : "-", kube::FormatBytes(p.memory_request),
       p.memory_limit > 0 ? kube::FormatBytes(p.memory_limit) : "-"});
  json.BeginObject()
      .Field("kind", "Pod")
      .Field("namespace", p.object->ns())
      .Field("name", p.object->name())
      .Field("node", p.pod->spec.node_name);
  if (p.used) json.Field("cpu_used", p.used->cpu).Field("memory_used", p.used->memory);
  json.Field("cpu_request", p.cpu_request)
      .Field("memory_request", p.memory_request)
      .Field("cpu_limit", p.cpu_limit)
      .Field("memory_limit", p.memory_limit)
      .EndObject();
}

absl::StatusOr<ToolResult> Hotspots(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  const std::string metric = call.arguments.String("metric", "cpu");
  const bool cpu = metric != "memory";
  const PodUse use = PodUse::Read(call, picture.ns(), picture.ledger());
  std::vector<NodeLoad> nodes =
      picture.ns().empty() ? LoadsWithUse(call, picture) : std::vector<NodeLoad>();
  std::vector<PodLoad> pods = PodLoads(picture, use);
  const auto total = static_cast<int64_t>(pods.size());
  const auto of_pod = [&](const PodLoad& p) {
    if (use.known()) return p.used ? (cpu ? p.used->cpu : p.used->memory) : -1;
    return cpu ? p.cpu_request : p.memory_request;
  };
  const auto of_node = [&](const NodeLoad& n) {
    const std::optional<double>& used = cpu ? n.cpu_used : n.memory_used;
    const double whole = cpu ? n.cpu_allocatable : n.memory_allocatable;
    return whole > 0 ? used.value_or(cpu ? n.cpu_requested : n.memory_requested) / whole : 0;
  };
  std::stable_sort(pods.begin(), pods.end(),
                   [&](const PodLoad& a, const PodLoad& b) { return of_pod(a) > of_pod(b); });
  std::stable_sort(nodes.begin(), nodes.end(),
                   [&](const NodeLoad& a, const NodeLoad& b) { return of_node(a) > of_node(b); });
  const auto limit = static_cast<size_t>(call.arguments.Integer("limit", 10));
  ToolResult out;
  out.truncated = pods.size() > limit;
  if (out.truncated) pods.resize(limit);
  TextTable table({"NAMESPACE", "POD", "NODE", "CPU USED", "CPU REQUEST", "CPU LIMIT",
                   "MEMORY USED", "MEMORY REQUEST", "MEMORY LIMIT"});
  JsonWriter json;
  json.BeginObject()
      .Field("metric", cpu ? "cpu" : "memory")
      .Field("by", use.known() ? "use" : "request")
      .Field("pods_total", total)
      .Key("items")
      .BeginArray();
  for (const PodLoad& p : pods) {
    WriteHotPod(p, table, json);
    out.facts.push_back({"hotspot.pod", p.object->meta().full_name(), RefOf(*p.object)});
  }
  json.EndArray().Key("nodes").BeginArray();
  for (const NodeLoad& l : nodes) WriteNode(l, json);
  json.EndArray().EndObject();
  out.json = json.Take();
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  const Text what = cpu ? Text{"CPU", "CPU"} : Text{"内存", "memory"};
  const Text by = use.known()
                      ? Text{"用量", "use"}
                      : Text{"申请量（没有指标服务）", "requests (there is no metrics server)"};
  out.text = Say("{0}按{2}{4}排名前 {6} 的 Pod（运行中的共 {7} 个）：\n\n",
                 "Top {6} pods {1} by {3} {5} (of {7} running):\n\n", place.zh, place.en, what.zh,
                 what.en, by.zh, by.en, pods.size(), total);
  out.text.AppendBoth(table.Render());
  if (!nodes.empty()) out.text.AppendBoth("\n" + NodeTable(nodes));
  out.AddFact("pods.running", total);
  out.ledger = picture.ledger();
  NotSeen(out.ledger, "network and disk traffic",
          "metrics.k8s.io tells CPU and memory only; Prometheus would tell the rest");
  return out;
}

void JudgePods(const std::vector<PodLoad>& pods, std::vector<Finding>* out) {
  for (const PodLoad& p : pods) {
    if (!p.used) continue;
    const auto near = [&](const char* code, double used, double limit, const Text& cause,
                          const Text& next, const std::string& shown) {
      if (limit <= 0 || used < kNodeFull * limit) return;
      Finding f;
      f.code = code;
      f.severity = Severity::kWarning;
      f.object = RefOf(*p.object);
      f.summary = Say("Pod {0} 用到上限的 {1}（{2}）。", "Pod {0} uses {1} of its limit ({2}).",
                      p.object->meta().full_name(), Share(used, limit), shown);
      f.cause = cause;
      f.next_step = next;
      out->push_back(std::move(f));
    };
    near("CPU_AT_LIMIT", p.used->cpu, p.cpu_limit,
         {"它被限流，请求变慢。", "It is throttled and slow."},
         {"调大 CPU 上限，或增加副本。", "Raise its CPU limit, or add replicas."},
         fmt::format("{} / {}", kube::FormatCpu(p.used->cpu), kube::FormatCpu(p.cpu_limit)));
    near("MEMORY_NEAR_LIMIT", p.used->memory, p.memory_limit,
         {"再增长就会被 OOM 杀死。", "It is killed when it grows further."},
         {"调大内存上限，或查内存泄漏。", "Raise its memory limit, or look for a leak."},
         fmt::format("{} / {}", kube::FormatBytes(p.used->memory),
                     kube::FormatBytes(p.memory_limit)));
  }
}

absl::StatusOr<ToolResult> ClusterPerformance(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, ""));
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("nodes"));
  const PodUse use = PodUse::Read(call, "", picture.ledger());
  const std::vector<NodeLoad> loads = LoadsWithUse(call, picture);
  const std::vector<PodLoad> pods = PodLoads(picture, use);
  Findings rules(picture);
  DiagnosePods(rules);
  DiagnoseAutoscalers(rules);
  DiagnoseNodes(rules);
  // Of the rules, those that tell of load: pressure, waiting for room, memory kills, evictions,
  // autoscalers.
  std::vector<Finding> findings = rules.Take();
  std::erase_if(findings, [](const Finding& f) {
    const bool load = f.object.kind == "Node" || f.object.kind == "HorizontalPodAutoscaler" ||
                      f.code == "UNSCHEDULABLE" || f.code.find("OOM") != std::string::npos ||
                      f.code.find("EVICT") != std::string::npos;
    return !load;
  });
  JudgeNodes(loads, &findings);
  JudgePods(pods, &findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  double cpu = 0, cpu_used = 0, memory = 0, memory_used = 0, cpu_requested = 0,
         memory_requested = 0;
  for (const NodeLoad& l : loads) {
    cpu += l.cpu_allocatable;
    memory += l.memory_allocatable;
    cpu_requested += l.cpu_requested;
    memory_requested += l.memory_requested;
    cpu_used += l.cpu_used.value_or(0);
    memory_used += l.memory_used.value_or(0);
  }
  ToolResult out = AnswerFindings(findings, picture);
  JsonWriter json;
  json.BeginObject().Key("nodes").BeginArray();
  for (const NodeLoad& l : loads) WriteNode(l, json);
  json.EndArray().Field("metrics", use.known()).Key("diagnosis").Raw(out.json).EndObject();
  out.json = json.Take();
  Text head =
      use.known()
          ? Say("{0} 个节点：CPU 用量 {1}（已申请 {2}），内存用量 {3}（已申请 {4}）。\n\n",
                "{0} nodes: CPU use {1} (requested {2}), memory use {3} (requested {4}).\n\n",
                loads.size(), Share(cpu_used, cpu), Share(cpu_requested, cpu),
                Share(memory_used, memory), Share(memory_requested, memory))
          : Say("{0} 个节点：CPU 已申请 {1}，内存已申请 {2}；没有指标服务，用量未知。\n\n",
                "{0} nodes: CPU requested {1}, memory requested {2}; use is not known without a "
                "metrics server.\n\n",
                loads.size(), Share(cpu_requested, cpu), Share(memory_requested, memory));
  head.AppendBoth(NodeTable(loads) + "\n");
  out.text = head + out.text;
  out.AddFact("nodes.total", static_cast<int64_t>(loads.size()));
  out.AddFact("cpu.requested_share", Share(cpu_requested, cpu));
  out.AddFact("memory.requested_share", Share(memory_requested, memory));
  out.ledger = picture.ledger();
  NotSeen(out.ledger, "network latency, disk I/O and trends",
          "metrics.k8s.io tells CPU and memory of this moment; Prometheus would tell the rest");
  return out;
}

}  // namespace

void AddPerformanceTools(ToolRegistry& r) {
  ToolGroup group(r, "performance");
  group.Live("analyze_cluster_performance",
             {"分析集群性能：节点和 Pod 的用量、申请、压力、排队、HPA",
              "Analyses performance: use and requests of nodes and pods, pressure, waiting pods, "
              "autoscalers"},
             {}, ClusterPerformance);
  group.Live("identify_resource_hotspots",
             {"找出用量最大的 Pod 和节点（CPU 或内存）",
              "Finds the pods and nodes that use most CPU or memory"},
             {NamespaceParam(),
              ChoiceParam("metric", {"按什么排名，默认 cpu", "What to rank by, cpu by default"},
                          {"cpu", "memory"}),
              LimitParam(10)},
             Hotspots);
}

}  // namespace opsmesh::k8s
