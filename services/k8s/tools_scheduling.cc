// Group "performance", pods and their places: who would be evicted, and how long pods wait for a
// node.
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

// Conditions by which a kubelet says that it runs short; how many.
int64_t PressedNodes(Picture& picture, std::vector<Finding>* findings) {
  int64_t pressed = 0;
  ForEach<kube::Node>(
      picture.All("nodes").objects(), [&](const kube::Object& object, const kube::Node& node) {
        for (const char* type : {"MemoryPressure", "DiskPressure", "PIDPressure"}) {
          if (!kube::ConditionTrue(node.conditions, type)) continue;
          ++pressed;
          const kube::Condition* condition = kube::FindCondition(node.conditions, type);
          findings->push_back(NodeFinding(
              "NODE_PRESSURE", Severity::kCritical, std::string(object.name()),
              Say("节点 {0} 处于 {1}。", "Node {0} is under {1}.", object.name(), type),
              Say("kubelet 报告：{0}。", "The kubelet says: {0}.", Quoted(condition->message)),
              {"kubelet 会驱逐 Pod；释放资源或增加节点。",
               "The kubelet evicts pods; free resources or add nodes."}));
          findings->back().untrusted = true;
        }
      });
  return pressed;
}

int64_t EvictedPods(Picture& picture, std::vector<Finding>* findings) {
  int64_t evicted = 0;
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
    findings->push_back(std::move(f));
  });
  return evicted;
}

// On nodes that are short of memory: who uses more than asked for goes first.
class AtRisk {
 public:
  AtRisk(Picture& picture, const PodUse& use) : picture_(picture), use_(use) { json_.BeginArray(); }

  void Add(const NodeLoad& load) {
    if (!load.memory_used || *load.memory_used < kNodeBusy * load.memory_allocatable) return;
    std::vector<std::pair<double, kube::ObjectPtr>> order;
    for (const kube::ObjectPtr& object : picture_.All("pods").OnNode(load.name)) {
      const auto* pod = object->As<kube::Pod>();
      const auto used = use_.Of(object->ns(), object->name());
      if (!pod || !used || (!picture_.ns().empty() && object->ns() != picture_.ns())) continue;
      const double over = used->memory - PodAmount(pod->spec, "memory", false);
      if (over > 0) order.emplace_back(over, object);
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    for (size_t i = 0; i < order.size() && i < kMostOfANode; ++i)
      Write(load.name, order[i].first, *order[i].second);
  }

  int64_t count() const { return count_; }
  std::string TakeJson() {
    json_.EndArray();
    return json_.Take();
  }
  std::string Table() const { return table_.Render(); }

 private:
  static constexpr size_t kMostOfANode = 10;

  void Write(const std::string& node, double over, const kube::Object& object) {
    const auto* pod = object.As<kube::Pod>();
    ++count_;
    const double request = PodAmount(pod->spec, "memory", false);
    table_.AddRow({node, object.meta().full_name(), std::string(pod->qos_class),
                   kube::FormatBytes(request + over), kube::FormatBytes(request),
                   kube::FormatBytes(over)});
    json_.BeginObject()
        .Field("node", node)
        .Field("namespace", object.ns())
        .Field("name", object.name())
        .Field("over_request", over)
        .EndObject();
  }

  Picture& picture_;
  const PodUse& use_;
  TextTable table_{{"NODE", "POD", "QOS", "MEMORY USED", "MEMORY REQUEST", "OVER REQUEST"}};
  JsonWriter json_;
  int64_t count_ = 0;
};

absl::StatusOr<ToolResult> EvictionPressure(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("nodes"));
  const PodUse use = PodUse::Read(call, "", picture.ledger());
  const std::vector<NodeLoad> loads = LoadsWithUse(call, picture);
  std::vector<Finding> findings;
  const int64_t pressed = PressedNodes(picture, &findings);
  const int64_t evicted = EvictedPods(picture, &findings);
  JudgeNodes(loads, &findings);
  std::erase_if(findings, [](const Finding& f) {
    return f.code == "NODE_CPU_BUSY" || f.code == "NODE_CPU_COMMITTED" ||
           f.code == "NODE_POD_SLOTS";
  });
  AtRisk at_risk(picture, use);
  for (const NodeLoad& load : loads) at_risk.Add(load);
  ToolResult out = AnswerFindings(findings, picture);
  JsonWriter json;
  json.BeginObject()
      .Field("nodes_under_pressure", pressed)
      .Field("evicted_pods", evicted)
      .Key("at_risk")
      .Raw(at_risk.TakeJson())
      .Key("diagnosis")
      .Raw(out.json)
      .EndObject();
  out.json = json.Take();
  Text head = Say("{0} 个压力条件，{1} 个被驱逐的 Pod，{2} 个 Pod 在内存紧张的节点上超出申请。",
                  "{0} pressure conditions, {1} evicted pods, {2} pods over their request on nodes "
                  "short of memory. ",
                  pressed, evicted, at_risk.count());
  out.text = head + out.text;
  if (at_risk.count() > 0) out.text.AppendBoth("\n\n" + at_risk.Table());
  out.AddFact("nodes.pressure", pressed);
  out.AddFact("pods.evicted", evicted);
  out.ledger = picture.ledger();
  return out;
}

// How long a pod waited, or waits, for a node.
struct Wait {
  double seconds;
  kube::ObjectPtr object;
  bool waiting;
  std::string why;
};

// Longest first.
struct Waits {
  std::vector<Wait> done, waiting;

  double DoneAt(double q) const {
    if (done.empty()) return 0.0;
    const auto rank = static_cast<size_t>(q * static_cast<double>(done.size() - 1) + 0.5);
    return done[done.size() - 1 - rank].seconds;
  }
};

Waits WaitsOf(Picture& picture) {
  Waits waits;
  ForEach<kube::Pod>(picture.In("pods"), [&](const kube::Object& object, const kube::Pod& pod) {
    const kube::Condition* scheduled = kube::FindCondition(pod.conditions, "PodScheduled");
    const kube::ObjectPtr ptr = picture.All("pods").Find(object.ns(), object.name());
    if (scheduled && scheduled->status == "True" &&
        scheduled->last_transition != absl::InfinitePast() &&
        object.meta().created != absl::InfinitePast()) {
      waits.done.push_back(
          {std::max(0.0, absl::ToDoubleSeconds(scheduled->last_transition - object.meta().created)),
           ptr, false, ""});
    } else if (pod.spec.node_name.empty() && pod.phase == "Pending") {
      waits.waiting.push_back({absl::ToDoubleSeconds(object.meta().Age(picture.now())), ptr, true,
                               SchedulingMessage(picture, object, scheduled)});
    }
  });
  const auto later = [](const Wait& a, const Wait& b) { return a.seconds > b.seconds; };
  std::stable_sort(waits.done.begin(), waits.done.end(), later);
  std::stable_sort(waits.waiting.begin(), waits.waiting.end(), later);
  return waits;
}

void WriteWait(const Wait& w, TextTable& table, JsonWriter& json) {
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

absl::StatusOr<ToolResult> SchedulingLatency(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  const Waits waits = WaitsOf(picture);
  const auto limit = static_cast<size_t>(call.arguments.Integer("limit", 10));
  ToolResult out;
  JsonWriter json;
  json.BeginObject().Field("scheduled", waits.done.size()).Field("waiting", waits.waiting.size());
  json.Field("p50_seconds", waits.DoneAt(0.5))
      .Field("p90_seconds", waits.DoneAt(0.9))
      .Field("p99_seconds", waits.DoneAt(0.99))
      .Field("max_seconds", waits.DoneAt(1))
      .Key("items")
      .BeginArray();
  TextTable table({"NAMESPACE", "POD", "STATE", "WAITED", "WHY"});
  for (const auto* list : {&waits.waiting, &waits.done}) {
    for (size_t i = 0; i < list->size() && i < limit; ++i) WriteWait((*list)[i], table, json);
  }
  json.EndArray().EndObject();
  out.json = json.Take();
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  out.text =
      Say("{0}有 {2} 个 Pod 被调度过：中位数 {3:.0f} 秒，p90 {4:.0f} 秒，p99 {5:.0f} 秒，最长 "
          "{6:.0f} 秒；{7} 个仍在等待节点。\n\n",
          "{2} pods {1} were scheduled: median {3:.0f} s, p90 {4:.0f} s, p99 {5:.0f} s, longest "
          "{6:.0f} s; {7} still wait for a node.\n\n",
          place.zh, place.en, waits.done.size(), waits.DoneAt(0.5), waits.DoneAt(0.9),
          waits.DoneAt(0.99), waits.DoneAt(1), waits.waiting.size());
  out.text.AppendBoth(table.Render());
  out.AddFact("pods.scheduled", static_cast<int64_t>(waits.done.size()));
  out.AddFact("pods.waiting", static_cast<int64_t>(waits.waiting.size()));
  out.untrusted = !waits.waiting.empty();
  out.truncated = waits.done.size() > limit || waits.waiting.size() > limit;
  out.ledger = picture.ledger();
  NotSeen(out.ledger, "pods that are gone", "times come from the pods there are, to the second");
  return out;
}

}  // namespace

void AddSchedulingTools(ToolRegistry& r) {
  ToolGroup group(r, "performance");
  group.Live("check_pod_eviction_pressure",
             {"检查驱逐压力：节点压力条件、已驱逐的 Pod、最可能被驱逐的 Pod",
              "Checks eviction pressure: node conditions, evicted pods, pods that would go first"},
             {NamespaceParam()}, EvictionPressure);
  group.Live("analyze_scheduling_latency",
             {"分析调度延迟：从创建到分配节点用了多久，谁还在等",
              "Analyses scheduling: how long pods waited for a node, and who still waits"},
             {NamespaceParam(), LimitParam(10)}, SchedulingLatency);
}

}  // namespace opsmesh::k8s
