// Group "performance": how busy the cluster is now, who uses it, who would be evicted, how long
// pods wait for a node.
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
#include "services/k8s/params.h"
#include "services/k8s/pod_causes.h"
#include "services/k8s/resource_use.h"
#include "services/k8s/say.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"

namespace opsmesh::k8s {
namespace {

constexpr double kBusy = 0.80;  // of what a node can give
constexpr double kFull = 0.90;

absl::StatusOr<Picture> PictureFor(const ToolCall& call, std::string ns) {
  Picture picture(call.cluster.Picture(call.ctx), std::move(ns), call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("pods"));
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  return picture;
}

std::string Share(double part, double whole) {
  return whole > 0 ? fmt::format("{:.0f}%", 100 * part / whole) : "-";
}

void NotSeen(Ledger& ledger, std::string subject, std::string reason) {
  LedgerEntry entry;
  entry.source = "metrics API";
  entry.subject = std::move(subject);
  entry.reason = std::move(reason);
  ledger.NotChecked(std::move(entry));
}

// Loads of the nodes with what they use, read from the metrics API.
std::vector<NodeLoad> LoadsWithUse(const ToolCall& call, Picture& picture) {
  std::vector<NodeLoad> loads = NodeLoads(picture);
  const auto usage = call.cluster.NodeMetrics(call.ctx);
  LedgerEntry entry;
  entry.source = "metrics API";
  entry.subject = "use of nodes";
  if (!usage.ok()) {
    entry.reason = std::string(base::ToStd(usage.status().message()));
    picture.ledger().NotChecked(std::move(entry));
    return loads;
  }
  picture.ledger().Checked(std::move(entry));
  for (const kube::NodeUsage& use : *usage) {
    for (NodeLoad& load : loads) {
      if (load.name != use.name) continue;
      load.cpu_used = use.cpu_cores;
      load.memory_used = use.memory_bytes;
    }
  }
  return loads;
}

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

absl::StatusOr<ToolResult> Hotspots(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PictureFor(call, NamespaceOf(call)));
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

Finding NodeFinding(std::string code, Severity severity, const std::string& node, Text summary,
                    Text cause, Text next) {
  Finding f;
  f.code = std::move(code);
  f.severity = severity;
  f.object = {"Node", "", "", node, "", ""};
  f.workload = f.object;
  f.summary = std::move(summary);
  f.cause = std::move(cause);
  f.next_step = std::move(next);
  return f;
}

void JudgeNodes(const std::vector<NodeLoad>& loads, std::vector<Finding>* out) {
  for (const NodeLoad& l : loads) {
    const auto busy = [&](const char* code, const std::optional<double>& used, double whole,
                          const Text& what) {
      if (!used || whole <= 0 || *used < kBusy * whole) return;
      out->push_back(NodeFinding(
          code, *used >= kFull * whole ? Severity::kCritical : Severity::kWarning, l.name,
          Say("节点 {0} 的{1}用量为 {3}。", "Node {0} uses {3} of its {2}.", l.name, what.zh,
              what.en, Share(*used, whole)),
          {"其上的 Pod 用量过高，会互相争抢。", "Its pods use too much and compete."},
          {"用 identify_resource_hotspots 找出用量最大的 Pod，迁移或调大节点。",
           "Find the biggest pods with identify_resource_hotspots, move them or grow the node."}));
    };
    busy("NODE_CPU_BUSY", l.cpu_used, l.cpu_allocatable, {"CPU", "CPU"});
    busy("NODE_MEMORY_BUSY", l.memory_used, l.memory_allocatable, {"内存", "memory"});
    const auto committed = [&](const char* code, double requested, double whole, const Text& what) {
      if (whole <= 0 || requested < kFull * whole) return;
      out->push_back(
          NodeFinding(code, Severity::kWarning, l.name,
                      Say("节点 {0} 的{1}已申请 {3}。", "{3} of the {2} of node {0} is requested.",
                          l.name, what.zh, what.en, Share(requested, whole)),
                      {"新的 Pod 可能放不下。", "New pods may not fit."},
                      {"调低申请，或增加节点。", "Lower requests, or add nodes."}));
    };
    committed("NODE_CPU_COMMITTED", l.cpu_requested, l.cpu_allocatable, {"CPU", "CPU"});
    committed("NODE_MEMORY_COMMITTED", l.memory_requested, l.memory_allocatable,
              {"内存", "memory"});
    if (l.pods_allocatable > 0 &&
        static_cast<double>(l.pods) >= kFull * static_cast<double>(l.pods_allocatable)) {
      out->push_back(NodeFinding(
          "NODE_POD_SLOTS", Severity::kWarning, l.name,
          Say("节点 {0} 上有 {1} 个 Pod，上限 {2}。", "Node {0} runs {1} pods of at most {2}.",
              l.name, l.pods, l.pods_allocatable),
          {"很快放不下新的 Pod。", "Soon no pod will fit."}, {"增加节点。", "Add nodes."}));
    }
  }
}

void JudgePods(const std::vector<PodLoad>& pods, std::vector<Finding>* out) {
  for (const PodLoad& p : pods) {
    if (!p.used) continue;
    const auto near = [&](const char* code, double used, double limit, const Text& cause,
                          const Text& next, const std::string& shown) {
      if (limit <= 0 || used < kFull * limit) return;
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
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PictureFor(call, ""));
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

absl::StatusOr<ToolResult> EvictionPressure(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PictureFor(call, NamespaceOf(call)));
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("nodes"));
  const PodUse use = PodUse::Read(call, "", picture.ledger());
  const std::vector<NodeLoad> loads = LoadsWithUse(call, picture);
  std::vector<Finding> findings;
  int64_t pressed = 0, evicted = 0;
  ForEach<kube::Node>(
      picture.All("nodes").objects(), [&](const kube::Object& object, const kube::Node& node) {
        for (const char* type : {"MemoryPressure", "DiskPressure", "PIDPressure"}) {
          if (!kube::ConditionTrue(node.conditions, type)) continue;
          ++pressed;
          const kube::Condition* condition = kube::FindCondition(node.conditions, type);
          findings.push_back(NodeFinding(
              "NODE_PRESSURE", Severity::kCritical, std::string(object.name()),
              Say("节点 {0} 处于 {1}。", "Node {0} is under {1}.", object.name(), type),
              Say("kubelet 报告：{0}。", "The kubelet says: {0}.", Quoted(condition->message)),
              {"kubelet 会驱逐 Pod；释放资源或增加节点。",
               "The kubelet evicts pods; free resources or add nodes."}));
          findings.back().untrusted = true;
        }
      });
  ForEach<kube::Pod>(picture.In("pods"), [&](const kube::Object& object, const kube::Pod& pod) {
    if (pod.reason != "Evicted") return;
    ++evicted;
    Finding f;
    f.code = "EVICTED";
    f.object = RefOf(object);
    f.summary = Say("Pod {0} 被驱逐。", "Pod {0} was evicted.", object.meta().full_name());
    f.cause = Say("kubelet 的说明：{0}。", "The kubelet said: {0}.", Quoted(pod.message));
    f.next_step = {"按它的用量设置 requests，并删除这个残留的 Pod。",
                   "Set requests near its use, and delete what is left of the pod."};
    f.untrusted = true;
    findings.push_back(std::move(f));
  });
  JudgeNodes(loads, &findings);
  std::erase_if(findings, [](const Finding& f) {
    return f.code == "NODE_CPU_BUSY" || f.code == "NODE_CPU_COMMITTED" ||
           f.code == "NODE_POD_SLOTS";
  });
  // On nodes that are short of memory: who uses more than asked for goes first.
  TextTable table({"NODE", "POD", "QOS", "MEMORY USED", "MEMORY REQUEST", "OVER REQUEST"});
  JsonWriter at_risk;
  at_risk.BeginArray();
  int64_t risky = 0;
  for (const NodeLoad& l : loads) {
    if (!l.memory_used || *l.memory_used < kBusy * l.memory_allocatable) continue;
    std::vector<std::pair<double, kube::ObjectPtr>> order;
    for (const kube::ObjectPtr& object : picture.All("pods").OnNode(l.name)) {
      const auto* pod = object->As<kube::Pod>();
      const auto used = use.Of(object->ns(), object->name());
      if (!pod || !used || (!picture.ns().empty() && object->ns() != picture.ns())) continue;
      const double over = used->memory - PodAmount(pod->spec, "memory", false);
      if (over > 0) order.emplace_back(over, object);
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    for (size_t i = 0; i < order.size() && i < 10; ++i) {
      const auto* pod = order[i].second->As<kube::Pod>();
      ++risky;
      const double request = PodAmount(pod->spec, "memory", false);
      table.AddRow({l.name, order[i].second->meta().full_name(), std::string(pod->qos_class),
                    kube::FormatBytes(request + order[i].first), kube::FormatBytes(request),
                    kube::FormatBytes(order[i].first)});
      at_risk.BeginObject()
          .Field("node", l.name)
          .Field("namespace", order[i].second->ns())
          .Field("name", order[i].second->name())
          .Field("over_request", order[i].first)
          .EndObject();
    }
  }
  at_risk.EndArray();
  ToolResult out = AnswerFindings(findings, picture);
  JsonWriter json;
  json.BeginObject()
      .Field("nodes_under_pressure", pressed)
      .Field("evicted_pods", evicted)
      .Key("at_risk")
      .Raw(at_risk.Take())
      .Key("diagnosis")
      .Raw(out.json)
      .EndObject();
  out.json = json.Take();
  Text head = Say("{0} 个压力条件，{1} 个被驱逐的 Pod，{2} 个 Pod 在内存紧张的节点上超出申请。",
                  "{0} pressure conditions, {1} evicted pods, {2} pods over their request on nodes "
                  "short of memory. ",
                  pressed, evicted, risky);
  out.text = head + out.text;
  if (risky > 0) out.text.AppendBoth("\n\n" + table.Render());
  out.AddFact("nodes.pressure", pressed);
  out.AddFact("pods.evicted", evicted);
  out.ledger = picture.ledger();
  return out;
}

absl::StatusOr<ToolResult> SchedulingLatency(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PictureFor(call, NamespaceOf(call)));
  struct Wait {
    double seconds;
    kube::ObjectPtr object;
    bool waiting;
    std::string why;
  };
  std::vector<Wait> done, waiting;
  ForEach<kube::Pod>(picture.In("pods"), [&](const kube::Object& object, const kube::Pod& pod) {
    const kube::Condition* scheduled = kube::FindCondition(pod.conditions, "PodScheduled");
    const kube::ObjectPtr ptr = picture.All("pods").Find(object.ns(), object.name());
    if (scheduled && scheduled->status == "True" &&
        scheduled->last_transition != absl::InfinitePast() &&
        object.meta().created != absl::InfinitePast()) {
      done.push_back(
          {std::max(0.0, absl::ToDoubleSeconds(scheduled->last_transition - object.meta().created)),
           ptr, false, ""});
    } else if (pod.spec.node_name.empty() && pod.phase == "Pending") {
      waiting.push_back({absl::ToDoubleSeconds(object.meta().Age(picture.now())), ptr, true,
                         SchedulingMessage(picture, object, scheduled)});
    }
  });
  const auto later = [](const Wait& a, const Wait& b) { return a.seconds > b.seconds; };
  std::stable_sort(done.begin(), done.end(), later);
  std::stable_sort(waiting.begin(), waiting.end(), later);
  const auto at = [&](double q) {
    if (done.empty()) return 0.0;
    const auto rank = static_cast<size_t>(q * static_cast<double>(done.size() - 1) + 0.5);
    return done[done.size() - 1 - rank].seconds;
  };
  const auto limit = static_cast<size_t>(call.arguments.Integer("limit", 10));
  ToolResult out;
  JsonWriter json;
  json.BeginObject()
      .Field("scheduled", static_cast<int64_t>(done.size()))
      .Field("waiting", static_cast<int64_t>(waiting.size()));
  json.Field("p50_seconds", at(0.5))
      .Field("p90_seconds", at(0.9))
      .Field("p99_seconds", at(0.99))
      .Field("max_seconds", at(1))
      .Key("items")
      .BeginArray();
  TextTable table({"NAMESPACE", "POD", "STATE", "WAITED", "WHY"});
  for (const auto* list : {&waiting, &done}) {
    for (size_t i = 0; i < list->size() && i < limit; ++i) {
      const Wait& w = (*list)[i];
      table.AddRow({std::string(w.object->ns()), std::string(w.object->name()),
                    w.waiting ? "waiting" : "scheduled", HumanSeconds(w.seconds),
                    CleanText(w.why, 160)});
      json.BeginObject()
          .Field("kind", "Pod")
          .Field("namespace", w.object->ns())
          .Field("name", w.object->name())
          .Field("waiting", w.waiting)
          .Field("seconds", w.seconds)
          .OptionalField("why", CleanText(w.why, 400))
          .EndObject();
    }
  }
  json.EndArray().EndObject();
  out.json = json.Take();
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  out.text =
      Say("{0}有 {2} 个 Pod 被调度过：中位数 {3:.0f} 秒，p90 {4:.0f} 秒，p99 {5:.0f} 秒，最长 "
          "{6:.0f} 秒；{7} 个仍在等待节点。\n\n",
          "{2} pods {1} were scheduled: median {3:.0f} s, p90 {4:.0f} s, p99 {5:.0f} s, longest "
          "{6:.0f} s; {7} still wait for a node.\n\n",
          place.zh, place.en, done.size(), at(0.5), at(0.9), at(0.99), at(1), waiting.size());
  out.text.AppendBoth(table.Render());
  out.AddFact("pods.scheduled", static_cast<int64_t>(done.size()));
  out.AddFact("pods.waiting", static_cast<int64_t>(waiting.size()));
  out.untrusted = !waiting.empty();
  out.truncated = done.size() > limit || waiting.size() > limit;
  out.ledger = picture.ledger();
  NotSeen(out.ledger, "pods that are gone", "times come from the pods there are, to the second");
  return out;
}

}  // namespace

void AddPerformanceTools(ToolRegistry& r) {
  const auto add = [&](const char* name, Text description, std::vector<Param> params,
                       ToolHandler handler) {
    Tool tool;
    tool.name = name;
    tool.group = "performance";
    tool.description = std::move(description);
    tool.params = std::move(params);
    tool.handler = std::move(handler);
    tool.cacheable = false;
    r.Add(std::move(tool));
  };
  const Param ten = IntParam("limit", {"最多返回多少条", "At most this many rows"}, 1, 1000, "10");
  add("analyze_cluster_performance",
      {"分析集群性能：节点和 Pod 的用量、申请、压力、排队、HPA",
       "Analyses performance: use and requests of nodes and pods, pressure, waiting pods, "
       "autoscalers"},
      {}, ClusterPerformance);
  add("identify_resource_hotspots",
      {"找出用量最大的 Pod 和节点（CPU 或内存）",
       "Finds the pods and nodes that use most CPU or memory"},
      {NamespaceParam(),
       ChoiceParam("metric", {"按什么排名，默认 cpu", "What to rank by, cpu by default"},
                   {"cpu", "memory"}),
       ten},
      Hotspots);
  add("check_pod_eviction_pressure",
      {"检查驱逐压力：节点压力条件、已驱逐的 Pod、最可能被驱逐的 Pod",
       "Checks eviction pressure: node conditions, evicted pods, pods that would go first"},
      {NamespaceParam()}, EvictionPressure);
  add("analyze_scheduling_latency",
      {"分析调度延迟：从创建到分配节点用了多久，谁还在等",
       "Analyses scheduling: how long pods waited for a node, and who still waits"},
      {NamespaceParam(), ten}, SchedulingLatency);
}

}  // namespace opsmesh::k8s
