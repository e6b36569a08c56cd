// Group "optimization", what resources cost: requests beside use, idle things, and the sum of it.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/kube/quantity.h"
#include "services/k8s/capacity.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/fields.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/orphans.h"
#include "services/k8s/params.h"
#include "services/k8s/resource_use.h"
#include "services/k8s/say.h"
#include "services/k8s/text_table.h"
#include "services/k8s/tool_registry.h"
#include "services/k8s/workloads.h"

namespace opsmesh::k8s {
namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

// Requests beside use, by workload or namespace.
struct Waste {
  double cpu_requested = 0, cpu_used = 0, memory_requested = 0, memory_used = 0;
  int64_t pods = 0;
  double cpu_unused() const { return std::max(0.0, cpu_requested - cpu_used); }
  double memory_unused() const { return std::max(0.0, memory_requested - memory_used); }
};

struct WasteReport {
  std::map<std::string, Waste> workloads;  // "Deployment shop/web"
  std::map<std::string, Waste> namespaces;
  Waste sum;
};

WasteReport Measure(Picture& picture, const PodUse& use) {
  WasteReport report;
  ForEach<kube::Pod>(picture.In("pods"), [&](const kube::Object& object, const kube::Pod& pod) {
    if (pod.phase != "Running") return;
    const auto used = use.Of(object.ns(), object.name());
    if (!used) return;
    Waste w;
    w.pods = 1;
    w.cpu_requested = PodAmount(pod.spec, "cpu", false);
    w.memory_requested = PodAmount(pod.spec, "memory", false);
    w.cpu_used = used->cpu;
    w.memory_used = used->memory;
    const ObjectRef owner = WorkloadOf(picture, object);
    for (Waste* into : {&report.workloads[Display(owner)],
                        &report.namespaces[std::string(object.ns())], &report.sum}) {
      into->pods += w.pods;
      into->cpu_requested += w.cpu_requested;
      into->memory_requested += w.memory_requested;
      into->cpu_used += w.cpu_used;
      into->memory_used += w.memory_used;
    }
  });
  return report;
}

void WriteWaste(const std::string& name, const Waste& w, JsonWriter& json) {
  json.BeginObject()
      .Field("name", name)
      .Field("pods", w.pods)
      .Field("cpu_requested", w.cpu_requested)
      .Field("cpu_used", w.cpu_used);
  json.Field("cpu_unused", w.cpu_unused())
      .Field("memory_requested", w.memory_requested)
      .Field("memory_used", w.memory_used);
  json.Field("memory_unused", w.memory_unused()).EndObject();
}

// "31.5"; absent = 0.
absl::StatusOr<double> Price(const ToolCall& call, const char* name) {
  const std::string text = call.arguments.String(name);
  if (text.empty()) return 0.0;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() + text.size() && std::isfinite(value) && value >= 0 && value < 1e9)
    return value;
  return base::InvalidArgument(name, "BAD_PRICE",
                               fmt::format("'{}' is no price.", CleanText(text, 40)))
      .Hint("Give a number of at least 0, for instance \"31.5\".");
}

// Nodes on which only DaemonSet pods run.
std::vector<std::string> EmptyNodes(Picture& picture) {
  std::vector<std::string> out;
  for (const NodeLoad& load : NodeLoads(picture)) {
    bool own = false;
    ForEach<kube::Pod>(picture.All("pods").OnNode(load.name),
                       [&](const kube::Object& object, const kube::Pod& pod) {
                         const kube::OwnerRef* owner = object.meta().controller();
                         const bool static_pod = owner && owner->kind == "Node";
                         own = own || (pod.phase != "Succeeded" && pod.phase != "Failed" &&
                                       !static_pod && !(owner && owner->kind == "DaemonSet"));
                       });
    if (!own && load.schedulable) out.push_back(load.name);
  }
  return out;
}

// Without use there is nothing to compare with.
Text WasteText(const Waste& sum, const PodUse& use, const Text& place) {
  if (!use.known()) {
    return {"没有指标服务（metrics-server），无法比较申请与用量。安装 metrics-server 后再问。",
            "There is no metrics server, so requests cannot be compared with use. Install "
            "metrics-server and ask again."};
  }
  return Say(
      "{0}有用量数据的 {2} 个运行中的 Pod：申请 CPU {3}，使用 {4}；申请内存 {5}，使用 "
      "{6}。未用的申请：CPU {7}，内存 {8}。\n\n",
      "{2} running pods {1} with known use: CPU requested {3}, used {4}; memory requested "
      "{5}, used {6}. Requested and unused: CPU {7}, memory {8}.\n\n",
      place.zh, place.en, sum.pods, kube::FormatCpu(sum.cpu_requested),
      kube::FormatCpu(sum.cpu_used), kube::FormatBytes(sum.memory_requested),
      kube::FormatBytes(sum.memory_used), kube::FormatCpu(sum.cpu_unused()),
      kube::FormatBytes(sum.memory_unused()));
}

// Nodes, workloads and other objects that cost something and do nothing.
std::vector<Orphan> FindIdle(Picture& picture, const PodUse& use) {
  std::vector<Orphan> idle;
  if (picture.ns().empty() && picture.Readable("nodes")) {
    for (const std::string& name : EmptyNodes(picture)) {
      idle.push_back({{"Node", "", "", name, "", ""},
                      {"只运行 DaemonSet 的 Pod", "only pods of DaemonSets run on it"}});
    }
  }
  for (const Workload& w : WorkloadsOf(picture)) {
    if (w.kind == "DaemonSet") continue;
    if (w.replicas == 0) idle.push_back({RefOf(*w.object), {"副本数为 0", "it is scaled to zero"}});
    double cpu = 0;
    size_t measured = 0;
    for (const kube::ObjectPtr& pod : w.pods) {
      if (const auto used = use.Of(pod->ns(), pod->name())) {
        cpu += used->cpu;
        ++measured;
      }
    }
    if (w.replicas > 0 && measured == w.pods.size() && measured > 0 && cpu < 0.001) {
      idle.push_back(
          {RefOf(*w.object), Say("{0} 个 Pod 合计 CPU 用量不到 1m",
                                 "its {0} pods together use less than 1m of CPU", measured)});
    }
  }
  for (Orphan& orphan : FindOrphans(picture)) {
    // A pod without a controller is at risk, not idle.
    if (orphan.object.kind != "Pod") idle.push_back(std::move(orphan));
  }
  return idle;
}

void WriteIdle(const Orphan& idle, TextTable& zh, TextTable& en, JsonWriter& json) {
  const ObjectRef& o = idle.object;
  const std::string name = o.name_space.empty() ? o.name : o.name_space + "/" + o.name;
  zh.AddRow({o.kind, name, idle.reason.zh});
  en.AddRow({o.kind, name, idle.reason.en});
  json.BeginObject()
      .Field("kind", o.kind)
      .OptionalField("namespace", o.name_space)
      .Field("name", o.name);
  json.Key("reason")
      .BeginObject()
      .Field("zh", idle.reason.zh)
      .Field("en", idle.reason.en)
      .EndObject()
      .EndObject();
}

// Bytes of volumes that nobody uses.
double UnusedStorage(Picture& picture) {
  double storage = 0;
  std::set<std::string> volumes;
  for (const Orphan& orphan : FindOrphans(picture)) {
    if (orphan.object.kind == "PersistentVolume") {
      const kube::ObjectPtr object = picture.All("persistentvolumes").Find("", orphan.object.name);
      const auto* volume = object ? object->As<kube::PersistentVolume>() : nullptr;
      if (volume && volumes.insert(orphan.object.name).second)
        storage += volume->capacity.value.value_or(0);
    } else if (orphan.object.kind == "PersistentVolumeClaim") {
      const kube::ObjectPtr object =
          picture.All("persistentvolumeclaims").Find(orphan.object.name_space, orphan.object.name);
      const auto* claim = object ? object->As<kube::PersistentVolumeClaim>() : nullptr;
      if (claim && !claim->volume_name.empty() &&
          volumes.insert(std::string(claim->volume_name)).second)
        storage += claim->capacity.value.value_or(0);
    }
  }
  return storage;
}

}  // namespace

absl::StatusOr<ToolResult> ResourceWaste(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  const PodUse use = PodUse::Read(call, picture.ns(), picture.ledger());
  const WasteReport report = Measure(picture, use);
  std::vector<std::pair<std::string, Waste>> rows(report.workloads.begin(), report.workloads.end());
  // By the share of the whole that is unused, CPU and memory alike.
  const auto weight = [&](const Waste& w) {
    return (report.sum.cpu_requested > 0 ? w.cpu_unused() / report.sum.cpu_requested : 0) +
           (report.sum.memory_requested > 0 ? w.memory_unused() / report.sum.memory_requested : 0);
  };
  std::stable_sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
    return weight(a.second) > weight(b.second);
  });
  const auto limit = static_cast<size_t>(call.arguments.Integer("limit", 20));
  ToolResult out;
  const auto total = static_cast<int64_t>(rows.size());
  out.truncated = rows.size() > limit;
  if (out.truncated) rows.resize(limit);
  JsonWriter json;
  json.BeginObject()
      .Field("metrics", use.known())
      .Field("total", total)
      .Field("truncated", out.truncated)
      .Key("sum");
  WriteWaste("", report.sum, json);
  json.Key("namespaces").BeginArray();
  for (const auto& [name, w] : report.namespaces) WriteWaste(name, w, json);
  json.EndArray().Key("workloads").BeginArray();
  TextTable table({"WORKLOAD", "PODS", "CPU REQUESTED", "CPU USED", "CPU UNUSED",
                   "MEMORY REQUESTED", "MEMORY USED", "MEMORY UNUSED"});
  for (const auto& [name, w] : rows) {
    WriteWaste(name, w, json);
    table.AddRow({name, std::to_string(w.pods), kube::FormatCpu(w.cpu_requested),
                  kube::FormatCpu(w.cpu_used), kube::FormatCpu(w.cpu_unused()),
                  kube::FormatBytes(w.memory_requested), kube::FormatBytes(w.memory_used),
                  kube::FormatBytes(w.memory_unused())});
  }
  json.EndArray().EndObject();
  out.json = json.Take();
  out.text = WasteText(report.sum, use, PlaceOf(TypeOf("pods"), picture.ns()));
  if (use.known()) {
    out.text.AppendBoth(table.Render());
    if (out.truncated)
      out.text += Say("\n显示前 {0} 个，共 {1} 个。", "\nThe first {0} of {1} are shown.",
                      rows.size(), total);
  }
  out.AddFact("cpu.unused", kube::FormatCpu(report.sum.cpu_unused()));
  out.AddFact("memory.unused", kube::FormatBytes(report.sum.memory_unused()));
  out.ledger = picture.ledger();
  NoHistory(out.ledger);
  return out;
}

absl::StatusOr<ToolResult> IdleResources(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Picture picture, PodPicture(call, NamespaceOf(call)));
  const PodUse use = PodUse::Read(call, picture.ns(), picture.ledger());
  const std::vector<Orphan> idle = FindIdle(picture, use);
  const auto limit = static_cast<size_t>(call.arguments.Integer("limit", 100));
  ToolResult out;
  out.truncated = idle.size() > limit;
  std::map<std::string, int64_t> kinds;
  for (const Orphan& o : idle) ++kinds[o.object.kind];
  JsonWriter json;
  json.BeginObject()
      .Field("total", static_cast<int64_t>(idle.size()))
      .Field("truncated", out.truncated)
      .Key("by_kind")
      .BeginObject();
  std::string words;
  for (const auto& [kind, count] : kinds) {
    json.Field(kind, count);
    words += fmt::format("{}{} {}", words.empty() ? "" : ", ", count, kind);
  }
  json.EndObject().Key("items").BeginArray();
  TextTable zh({"类型", "对象", "原因"}), en({"KIND", "OBJECT", "REASON"});
  for (size_t i = 0; i < idle.size() && i < limit; ++i) WriteIdle(idle[i], zh, en, json);
  json.EndArray().EndObject();
  out.json = json.Take();
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  out.text = idle.empty()
                 ? Say("{0}没有发现闲置的资源。", "Nothing idle was found {1}.", place.zh, place.en)
                 : Say("{0}有 {2} 个闲置的资源：{3}。\n\n", "{2} idle resource{4} {1}: {3}.\n\n",
                       place.zh, place.en, idle.size(), words, idle.size() == 1 ? "" : "s");
  out.text += Text{zh.Render(), en.Render()};
  out.AddFact("idle.total", static_cast<int64_t>(idle.size()));
  out.ledger = picture.ledger();
  return out;
}

absl::StatusOr<ToolResult> CostSavings(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Sized sized, SizeFor(call));
  OPSMESH_ASSIGN_OR_RETURN(const double core_price, Price(call, "price_per_core_month"));
  OPSMESH_ASSIGN_OR_RETURN(const double memory_price, Price(call, "price_per_gib_month"));
  OPSMESH_ASSIGN_OR_RETURN(const double storage_price, Price(call, "price_per_storage_gib_month"));
  double cpu = 0, memory = 0;
  for (const Sizing& s : sized.rows) {
    const auto replicas = static_cast<double>(s.replicas);
    if (s.cpu_request && s.cpu_request_advice)
      cpu += std::max(0.0, *s.cpu_request - *s.cpu_request_advice) * replicas;
    if (s.memory_request && s.memory_request_advice)
      memory += std::max(0.0, *s.memory_request - *s.memory_request_advice) * replicas;
  }
  const double storage = UnusedStorage(sized.picture);
  const std::vector<std::string> empty =
      sized.picture.ns().empty() && sized.picture.Readable("nodes") ? EmptyNodes(sized.picture)
                                                                    : std::vector<std::string>();
  const double money =
      cpu * core_price + memory / kGiB * memory_price + storage / kGiB * storage_price;
  ToolResult out;
  JsonWriter json;
  json.BeginObject()
      .Field("metrics", sized.use.known())
      .Field("cpu_cores", cpu)
      .Field("memory_bytes", memory)
      .Field("storage_bytes", storage);
  json.StringArray("empty_nodes", empty).Key("saving_per_month");
  const bool priced = core_price > 0 || memory_price > 0 || storage_price > 0;
  if (priced)
    json.Value(money);
  else
    json.Null();
  json.EndObject();
  out.json = json.Take();
  out.text = Say("按建议调低申请可释放 CPU {0}、内存 {1}；无人使用的卷有 {2}；空闲节点 {3} 个。",
                 "With requests lowered as advised, CPU {0} and memory {1} would be freed; unused "
                 "volumes hold {2}; {3} nodes are empty.",
                 kube::FormatCpu(cpu), kube::FormatBytes(memory), kube::FormatBytes(storage),
                 empty.size());
  out.text += priced ? Say("按给出的单价，每月可节省约 {0:.2f}。",
                           " At the prices given that is about {0:.2f} a month.", money)
                     : Text{"没有给出单价，因此不估算金额；可在参数里给出每核、每 GiB 的月价。",
                            " No prices were given, so no sum of money is claimed; pass prices per "
                            "core and GiB to get one."};
  if (!sized.use.known())
    out.text += Text{"没有指标服务，CPU 和内存的部分未知。",
                     " Without a metrics server the part of CPU and memory is not known."};
  out.AddFact("cpu.freed", kube::FormatCpu(cpu));
  out.AddFact("memory.freed", kube::FormatBytes(memory));
  out.AddFact("storage.unused", kube::FormatBytes(storage));
  out.AddFact("nodes.empty", static_cast<int64_t>(empty.size()));
  out.ledger = sized.picture.ledger();
  out.ledger.NotChecked(
      "cloud bill", "what the cluster costs",
      "Kubernetes does not know prices; freed requests save money only when nodes become fewer");
  NoHistory(out.ledger);
  return out;
}

}  // namespace opsmesh::k8s
