// Group "optimization", what keeps an application up: replicas, where they run, budgets,
// anti-affinity.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "services/k8s/finding.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/params.h"
#include "services/k8s/pod_causes.h"
#include "services/k8s/say.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"
#include "services/k8s/workload_scene.h"

namespace opsmesh::k8s {
namespace {

// Pods of a workload by node and by zone; pods without a node count nowhere.
struct Places {
  std::map<std::string, int64_t> nodes, zones;
  int64_t placed = 0;
};

Places PlacesOf(Picture& picture, const Workload& w) {
  Places out;
  for (const kube::ObjectPtr& object : w.pods) {
    const auto* pod = object->As<kube::Pod>();
    if (pod->spec.node_name.empty()) continue;
    ++out.placed;
    ++out.nodes[std::string(pod->spec.node_name)];
    const kube::ObjectPtr node = picture.All("nodes").Find("", pod->spec.node_name);
    if (const std::string_view zone = node ? ZoneOf(*node) : std::string_view(); !zone.empty())
      ++out.zones[std::string(zone)];
  }
  return out;
}

struct Room {
  size_t nodes = 0;  // that take any pod: ready, not cordoned, without taints that keep pods away
  std::set<std::string> zones;
};

Room RoomOf(Picture& picture) {
  Room room;
  ForEach<kube::Node>(
      picture.All("nodes").objects(), [&](const kube::Object& object, const kube::Node& node) {
        const bool tainted =
            std::any_of(node.taints.begin(), node.taints.end(), [](const kube::Taint& t) {
              return t.effect == "NoSchedule" || t.effect == "NoExecute";
            });
        if (node.unschedulable || !node.ready() || tainted) return;
        ++room.nodes;
        if (const std::string_view zone = ZoneOf(object); !zone.empty()) room.zones.emplace(zone);
      });
  return room;
}

std::string Counts(const std::map<std::string, int64_t>& counts) {
  std::string out;
  for (const auto& [name, count] : counts)
    out += fmt::format("{}{} x {}", out.empty() ? "" : ", ", count, name);
  return out;
}

void JudgeSpread(Picture& picture, const Workload& w, const Room& room, std::vector<Finding>* out) {
  if (w.kind == "DaemonSet" || w.replicas < 2 || !picture.Readable("nodes")) return;
  const Places places = PlacesOf(picture, w);
  if (places.placed >= 2 && places.nodes.size() == 1 && room.nodes > 1) {
    out->push_back(About(
        w, "ALL_ON_ONE_NODE", Severity::kWarning,
        Say("{0} 个 Pod 都在节点 {1} 上。", "its {0} pods are all on node {1}.", places.placed,
            places.nodes.begin()->first),
        {"该节点故障会同时中断所有副本。", "The failure of that node takes all replicas at once."},
        {"加 podAntiAffinity 或 topologySpreadConstraints；recommend_anti_affinity 给出写法。",
         "Add podAntiAffinity or topologySpreadConstraints; recommend_anti_affinity shows how."}));
  } else if (places.placed >= 2 && places.zones.size() == 1 && room.zones.size() > 1) {
    out->push_back(About(
        w, "ALL_IN_ONE_ZONE", Severity::kInfo,
        Say("所有 Pod 都在可用区 {0}。", "all its pods are in zone {0}.",
            places.zones.begin()->first),
        {"该可用区故障会中断服务。", "The failure of that zone interrupts it."},
        {"按 topology.kubernetes.io/zone 分布。", "Spread it by topology.kubernetes.io/zone."}));
  }
  const auto most =
      std::max_element(places.nodes.begin(), places.nodes.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  if (places.nodes.size() > 1 && places.placed >= 4 && most->second * 2 > places.placed) {
    out->push_back(
        About(w, "UNEVEN_SPREAD", Severity::kInfo,
              Say("{1} 个 Pod 中 {0} 个在节点 {2} 上。", "{0} of its {1} pods are on node {2}.",
                  most->second, places.placed, most->first),
              {"该节点故障会失去一半以上的副本。",
               "The failure of that node takes more than half of it."},
              {"加 topologySpreadConstraints。", "Add topologySpreadConstraints."}));
  }
}

void JudgeAvailability(Picture& picture, const Workload& w, const Room& room,
                       std::vector<Finding>* out) {
  if (w.kind == "DaemonSet" || w.replicas == 0) return;
  if (w.replicas == 1) {
    out->push_back(
        About(w, "SINGLE_REPLICA", Severity::kWarning, {"只有 1 个副本。", "it has 1 replica."},
              {"单点：重启、发布或节点维护都会中断它。",
               "A single point of failure: a restart, a rollout or maintenance interrupts it."},
              {"若应用允许，用 2 个以上副本。", "If the application allows it, run 2 or more."}));
  }
  const auto budgets = BudgetsFor(picture, w);
  if (w.replicas > 1 && budgets.empty() && picture.Readable("poddisruptionbudgets")) {
    out->push_back(
        About(w, "NO_DISRUPTION_BUDGET", Severity::kWarning,
              {"没有 PodDisruptionBudget。", "it has no PodDisruptionBudget."},
              {"节点排空可能同时中断所有副本。", "Draining nodes may take all replicas at once."},
              {"加一个 maxUnavailable: 1 的 PodDisruptionBudget。",
               "Add a PodDisruptionBudget with maxUnavailable: 1."}));
  }
  for (const kube::ObjectPtr& object : budgets) {
    const auto* budget = object->As<kube::PodDisruptionBudget>();
    if (budget->expected_pods > 0 && budget->disruptions_allowed == 0) {
      out->push_back(
          About(w, "BUDGET_BLOCKS_DRAIN", Severity::kWarning,
                Say("PodDisruptionBudget {0} 现在不允许中断（健康 {1}，要求 {2}）。",
                    "PodDisruptionBudget {0} allows no disruption now ({1} healthy, {2} wanted).",
                    object->name(), budget->current_healthy, budget->desired_healthy),
                {"节点排空会一直等待。", "Draining a node would wait for ever."},
                {"先恢复不健康的 Pod，或放宽预算。", "Heal its pods first, or relax the budget."}));
    }
  }
  for (const kube::Container& c : w.pod_template->spec.containers) {
    if (c.readiness.kind != kube::Probe::Kind::kNone) continue;
    out->push_back(
        About(w, "NO_READINESS_PROBE", Severity::kWarning,
              Say("容器 {0} 没有就绪探针。", "container {0} has no readiness probe.", c.name),
              {"发布时流量会打到还没准备好的容器。",
               "During rollouts traffic reaches it before it is ready."},
              {"加一个 readinessProbe。", "Add a readinessProbe."}));
  }
  if (w.replicas > 1 && !SpreadingOf(w).any()) {
    out->push_back(
        About(w, "NO_SPREADING", Severity::kInfo,
              {"没有反亲和性，也没有拓扑分布约束。",
               "it has neither anti-affinity nor spread constraints."},
              {"调度器可能把副本放到同一节点。", "The scheduler may put its replicas on one node."},
              {"recommend_anti_affinity 给出写法。", "recommend_anti_affinity shows how."}));
  }
  if (const auto* deployment = w.object->As<kube::Deployment>();
      deployment && deployment->strategy == "Recreate" && w.replicas > 1) {
    out->push_back(About(
        w, "RECREATE_STRATEGY", Severity::kInfo,
        {"发布策略是 Recreate。", "its strategy is Recreate."},
        {"每次发布都会中断。", "Every rollout interrupts it."},
        {"若应用允许，改为 RollingUpdate。", "If the application allows it, use RollingUpdate."}));
  }
  JudgeSpread(picture, w, room, out);
}

void JudgeControlPlane(Picture& picture, const Room& room, std::vector<Finding>* out) {
  int64_t control = 0, nodes = 0;
  ForEach<kube::Node>(picture.All("nodes").objects(),
                      [&](const kube::Object&, const kube::Node& node) {
                        ++nodes;
                        if (node.roles.find("control-plane") != std::string::npos ||
                            node.roles.find("master") != std::string::npos)
                          ++control;
                      });
  const auto add = [&](const char* code, Severity severity, Text summary, Text next) {
    Finding f;
    f.code = code;
    f.severity = severity;
    f.object = {"Cluster", "", "", "nodes", "", ""};
    f.summary = std::move(summary);
    f.next_step = std::move(next);
    out->push_back(std::move(f));
  };
  if (control == 1 && nodes > 1) {
    add("SINGLE_CONTROL_PLANE", Severity::kWarning,
        {"只有 1 个控制面节点。", "There is 1 control-plane node."},
        {"生产集群用 3 个，并定期备份 etcd。", "Use 3 in production, and back up etcd."});
  }
  if (nodes == 1)
    add("SINGLE_NODE", Severity::kWarning, {"集群只有 1 个节点。", "The cluster has 1 node."},
        {"增加节点。", "Add nodes."});
  if (nodes > 1 && room.zones.size() == 1) {
    add("SINGLE_ZONE", Severity::kInfo,
        Say("所有节点都在可用区 {0}。", "All nodes are in zone {0}.", *room.zones.begin()),
        {"把节点分到多个可用区。", "Spread nodes over zones."});
  }
}

absl::StatusOr<ToolResult> HighAvailability(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(WorkloadScene scene, WorkloadSceneOf(call));
  const Room room = RoomOf(scene.picture);
  std::vector<Finding> findings;
  int64_t checked = 0, single = 0;
  for (const Workload& w : scene.workloads) {
    if (scene.picture.ns().empty() && IsSystemNamespace(w.object->ns())) continue;
    ++checked;
    single += w.kind != "DaemonSet" && w.replicas == 1 ? 1 : 0;
    JudgeAvailability(scene.picture, w, room, &findings);
  }
  if (scene.picture.ns().empty() && scene.picture.Readable("nodes"))
    JudgeControlPlane(scene.picture, room, &findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  ToolResult out = AnswerFindings(findings, scene.picture,
                                  static_cast<size_t>(call.arguments.Integer("limit", 100)));
  out.text =
      Say("检查了 {0} 个工作负载的高可用配置，其中 {1} 个只有 1 个副本。",
          "High availability of {0} workloads was checked; {1} have 1 replica. ", checked, single) +
      out.text;
  out.AddFact("workloads.checked", checked);
  out.AddFact("workloads.single_replica", single);
  out.ledger.NotChecked(
      "cluster", "fail-over, backups and restores",
      "judged from objects; nothing was switched off, and backups cannot be seen in the API");
  return out;
}

absl::StatusOr<ToolResult> Distribution(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(WorkloadScene scene, WorkloadSceneOf(call));
  OPSMESH_RETURN_IF_ERROR(scene.picture.CheckReadable("nodes"));
  const Room room = RoomOf(scene.picture);
  std::vector<Finding> findings;
  TextTable table({"WORKLOAD", "PODS", "NODES", "ZONES", "SPREAD"});
  JsonWriter json;
  json.BeginObject()
      .Field("schedulable_nodes", static_cast<int64_t>(room.nodes))
      .Field("zones", static_cast<int64_t>(room.zones.size()))
      .Key("items")
      .BeginArray();
  for (const Workload& w : scene.workloads) {
    const Places places = PlacesOf(scene.picture, w);
    table.AddRow({fmt::format("{} {}", w.kind, w.full_name()), std::to_string(w.pods.size()),
                  std::to_string(places.nodes.size()), std::to_string(places.zones.size()),
                  Counts(places.nodes)});
    json.BeginObject()
        .Field("kind", w.kind)
        .Field("namespace", w.object->ns())
        .Field("name", w.object->name())
        .Field("pods", static_cast<int64_t>(w.pods.size()))
        .Key("nodes")
        .BeginObject();
    for (const auto& [node, count] : places.nodes) json.Field(node, count);
    json.EndObject().Key("zones").BeginObject();
    for (const auto& [zone, count] : places.zones) json.Field(zone, count);
    json.EndObject().EndObject();
    JudgeSpread(scene.picture, w, room, &findings);
  }
  ToolResult out = AnswerFindings(findings, scene.picture);
  json.EndArray().Key("diagnosis").Raw(out.json).EndObject();
  out.json = json.Take();
  Text head = Say("{0} 个工作负载在 {1} 个可调度节点上的分布：\n\n",
                  "How {0} workloads spread over {1} schedulable nodes:\n\n",
                  scene.workloads.size(), room.nodes);
  head.AppendBoth(table.Render() + "\n");
  out.text = head + out.text;
  out.AddFact("workloads.total", static_cast<int64_t>(scene.workloads.size()));
  return out;
}

std::string Snippet(const Workload& w, bool by_zone) {
  std::string labels;
  for (const auto& [key, value] : w.selector->match_labels)
    labels += fmt::format("            {}: \"{}\"\n", key, value);
  return fmt::format(
      "spec:\n  template:\n    spec:\n      topologySpreadConstraints:\n      - maxSkew: 1\n       "
      " topologyKey: {}\n"
      "        whenUnsatisfiable: ScheduleAnyway\n        labelSelector:\n          "
      "matchLabels:\n{}",
      by_zone ? "topology.kubernetes.io/zone" : "kubernetes.io/hostname", labels);
}

absl::StatusOr<ToolResult> RecommendAntiAffinity(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(WorkloadScene scene, WorkloadSceneOf(call));
  const Room room = RoomOf(scene.picture);
  const bool by_zone = room.zones.size() > 1;
  const bool one = !call.arguments.String("deployment_name").empty();
  ToolResult out;
  JsonWriter json;
  json.BeginObject().Key("items").BeginArray();
  int64_t advised = 0, fine = 0;
  Text list;
  for (const Workload& w : scene.workloads) {
    if (w.kind == "DaemonSet" || (!one && (w.replicas < 2 || IsSystemNamespace(w.object->ns()))))
      continue;
    const Spreading now = SpreadingOf(w);
    if (now.any()) {
      ++fine;
      if (one)
        list += Say("{0} {1} 已有{2}。\n", "{0} {1} has {3} already.\n", w.kind, w.full_name(),
                    now.topology_spread ? "拓扑分布约束" : "反亲和性",
                    now.topology_spread ? "spread constraints" : "anti-affinity");
      continue;
    }
    if (w.selector->match_labels.empty()) continue;
    ++advised;
    const Places places = PlacesOf(scene.picture, w);
    const std::string yaml = Snippet(w, by_zone);
    if (advised <= 20) {
      list += Say("{0} {1}（{2} 个副本，现在分布在 {3} 个节点）：\n",
                  "{0} {1} ({2} replicas, on {3} nodes now):\n", w.kind, w.full_name(), w.replicas,
                  places.nodes.size());
      list.AppendBoth("```yaml\n" + yaml + "```\n");
    }
    json.BeginObject()
        .Field("kind", w.kind)
        .Field("namespace", w.object->ns())
        .Field("name", w.object->name())
        .Field("replicas", w.replicas)
        .Field("yaml", yaml)
        .EndObject();
  }
  json.EndArray().Field("advised", advised).Field("already_spread", fine).EndObject();
  out.json = json.Take();
  out.text = Say("{0} 个多副本工作负载缺少分布约束，{1} 个已有。",
                 "{0} workloads with several replicas lack spreading, {1} have it.", advised, fine);
  if (!list.en.empty()) out.text += Text{"\n\n", "\n\n"} + list;
  out.text.TrimNewlines();
  out.truncated = advised > 20;
  out.untrusted = advised > 0;  // labels are quoted
  out.AddFact("workloads.without_spreading", advised);
  out.ledger = scene.picture.ledger();
  return out;
}

}  // namespace

void AddAvailabilityTools(ToolRegistry& r) {
  ToolGroup group(r, "optimization");
  group.Cached(
      "analyze_high_availability",
      {"分析高可用：副本、分布、中断预算、探针、控制面",
       "Analyses availability: replicas, spread, disruption budgets, probes, control plane"},
      {NamespaceParam(), WorkloadFilterParam(), LimitParam()}, HighAvailability);
  group.Cached("check_pod_distribution",
               {"检查 Pod 在节点和可用区上的分布", "Checks how pods spread over nodes and zones"},
               {NamespaceParam(), WorkloadFilterParam()}, Distribution);
  group.Cached(
      "recommend_anti_affinity",
      {"为缺少分布约束的工作负载给出写法", "Shows how to spread workloads that do not ask for it"},
      {NamespaceParam(), WorkloadFilterParam()}, RecommendAntiAffinity);
}

}  // namespace opsmesh::k8s
