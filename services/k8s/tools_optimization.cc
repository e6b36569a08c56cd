// Group "optimization", what resources cost: use beside requests, advice, idle things, and the sum
// of it.
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

struct Sized {
  Picture picture;
  PodUse use;
  std::vector<Sizing> rows;
};

absl::StatusOr<Sized> SizeFor(const ToolCall& call) {
  const std::string only = call.arguments.String("deployment_name");
  Sized out{Picture(call.cluster.Picture(call.ctx), NamespaceOf(call), call.now), {}, {}};
  OPSMESH_RETURN_IF_ERROR(out.picture.CheckReadable("pods"));
  OPSMESH_RETURN_IF_ERROR(out.picture.CheckReadable("deployments"));
  OPSMESH_RETURN_IF_ERROR(out.picture.CheckNamespace());
  out.use = PodUse::Read(call, out.picture.ns(), out.picture.ledger());
  out.rows = SizeWorkloads(out.picture, out.use, only);
  if (!only.empty() && out.rows.empty()) {
    return base::NotFound(
               "OBJECT_NOT_FOUND",
               fmt::format("There is no Deployment, StatefulSet or DaemonSet '{}' there.", only))
        .Hint("list_kubernetes_deployments lists them.");
  }
  return out;
}

void NoHistory(Ledger& ledger) {
  LedgerEntry entry;
  entry.source = "metrics API";
  entry.subject = "use over time";
  entry.reason =
      "it tells the use of this moment only; compare with a day of Prometheus before changing "
      "anything";
  ledger.NotChecked(std::move(entry));
}

void WriteOptional(JsonWriter& json, std::string_view key, const std::optional<double>& value) {
  json.Key(key);
  if (value)
    json.Value(*value);
  else
    json.Null();
}

void WriteSizing(const Sizing& s, JsonWriter& json) {
  json.BeginObject()
      .Field("kind", s.workload.kind)
      .Field("namespace", s.workload.name_space)
      .Field("name", s.workload.name);
  json.Field("container", s.container).Field("replicas", s.replicas).Field("pods_measured", s.pods);
  WriteOptional(json, "cpu_request", s.cpu_request);
  WriteOptional(json, "cpu_limit", s.cpu_limit);
  WriteOptional(json, "cpu_used", s.cpu_used);
  WriteOptional(json, "memory_request", s.memory_request);
  WriteOptional(json, "memory_limit", s.memory_limit);
  WriteOptional(json, "memory_used", s.memory_used);
  json.Field("killed_for_memory", s.killed_for_memory);
  WriteOptional(json, "cpu_request_advice", s.cpu_request_advice);
  WriteOptional(json, "memory_request_advice", s.memory_request_advice);
  WriteOptional(json, "memory_limit_advice", s.memory_limit_advice);
  json.EndObject();
}

std::string Change(const std::optional<double>& now, const std::optional<double>& advice,
                   bool cpu) {
  const auto show = [cpu](const std::optional<double>& v) {
    return cpu ? ShowCpu(v) : ShowBytes(v);
  };
  if (!advice) return show(now);
  return fmt::format("{} -> {}", show(now), show(advice));
}

ToolResult SizingAnswer(Sized& sized, std::vector<Sizing> rows, Text head, size_t limit) {
  ToolResult out;
  const auto total = static_cast<int64_t>(rows.size());
  out.truncated = rows.size() > limit;
  if (out.truncated) rows.resize(limit);
  TextTable table({"WORKLOAD", "CONTAINER", "CPU USED", "CPU REQUEST", "MEMORY USED",
                   "MEMORY REQUEST", "MEMORY LIMIT", "OOM"});
  JsonWriter json;
  json.BeginObject()
      .Field("total", total)
      .Field("truncated", out.truncated)
      .Field("metrics", sized.use.known())
      .Key("items")
      .BeginArray();
  for (const Sizing& s : rows) {
    table.AddRow(
        {fmt::format("{}/{}", s.workload.name_space, s.workload.name), s.container,
         ShowCpu(s.cpu_used), Change(s.cpu_request, s.cpu_request_advice, true),
         ShowBytes(s.memory_used), Change(s.memory_request, s.memory_request_advice, false),
         Change(s.memory_limit, s.memory_limit_advice, false), s.killed_for_memory ? "yes" : ""});
    WriteSizing(s, json);
  }
  json.EndArray().EndObject();
  out.json = json.Take();
  out.text = std::move(head);
  if (!rows.empty()) out.text.AppendBoth("\n\n" + table.Render());
  if (out.truncated)
    out.text += Say("\n显示前 {0} 个，共 {1} 个。", "\nThe first {0} of {1} are shown.",
                    rows.size(), total);
  if (!sized.use.known()) {
    out.text +=
        Text{"\n没有指标服务（metrics-server），只能根据 OOM 记录和现有设置给建议。",
             "\nThere is no metrics server: the advice rests on OOM kills and on what is set."};
  }
  out.AddFact("containers.total", total);
  out.ledger = sized.picture.ledger();
  NoHistory(out.ledger);
  return out;
}

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

}  // namespace

absl::StatusOr<ToolResult> RecommendLimits(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Sized sized, SizeFor(call));
  int64_t advised = 0, killed = 0;
  for (const Sizing& s : sized.rows) {
    advised += s.cpu_request_advice || s.memory_limit_advice ? 1 : 0;
    killed += s.killed_for_memory ? 1 : 0;
  }
  std::stable_sort(sized.rows.begin(), sized.rows.end(), [](const Sizing& a, const Sizing& b) {
    return a.killed_for_memory > b.killed_for_memory;
  });
  ToolResult out = SizingAnswer(
      sized, sized.rows,
      Say("{0} 个容器，对其中 {1} 个给出建议；{2} 个曾因内存超限被杀死。建议：requests "
          "为当前最高用量的 1.2 倍，内存上限再加一半；被 OOM 杀死的容器上限加倍。",
          "{0} containers, advice for {1}; {2} were killed for memory. Advice: requests are 1.2 "
          "times the highest use now, the memory limit half above; containers killed for memory "
          "get twice their limit.",
          sized.rows.size(), advised, killed),
      static_cast<size_t>(call.arguments.Integer("limit", 100)));
  out.AddFact("containers.advised", advised);
  out.AddFact("containers.killed_for_memory", killed);
  return out;
}

absl::StatusOr<ToolResult> RightSizing(const ToolCall& call) {
  OPSMESH_ASSIGN_OR_RETURN(Sized sized, SizeFor(call));
  std::vector<Sizing> rows;
  double cpu = 0, memory = 0;
  for (const Sizing& s : sized.rows) {
    const auto far = [](const std::optional<double>& now, const std::optional<double>& advice) {
      return advice && (!now || *now > 2 * *advice || *now < 0.8 * *advice);
    };
    if (!far(s.cpu_request, s.cpu_request_advice) &&
        !far(s.memory_request, s.memory_request_advice) && !s.killed_for_memory)
      continue;
    const auto replicas = static_cast<double>(s.replicas);
    if (s.cpu_request && s.cpu_request_advice)
      cpu += (*s.cpu_request - *s.cpu_request_advice) * replicas;
    if (s.memory_request && s.memory_request_advice)
      memory += (*s.memory_request - *s.memory_request_advice) * replicas;
    rows.push_back(s);
  }
  const auto total = static_cast<int64_t>(rows.size());
  const std::string cpu_words = (cpu < 0 ? "-" : "") + kube::FormatCpu(std::fabs(cpu)),
                    memory_words = (memory < 0 ? "-" : "") + kube::FormatBytes(std::fabs(memory));
  ToolResult out = SizingAnswer(
      sized, std::move(rows),
      Say("{0} 个容器的申请与用量相差较大（共 {1} 个）；全部按建议调整，申请的总和将减少 CPU "
          "{2}、内存 {3}（负数表示增加）。",
          "The requests of {0} containers (of {1}) are far from their use; with all advice taken, "
          "requests would fall by CPU {2} and memory {3} in sum (negative = rise).",
          total, sized.rows.size(), cpu_words, memory_words),
      static_cast<size_t>(call.arguments.Integer("limit", 100)));
  out.AddFact("cpu.freed", cpu_words);
  out.AddFact("memory.freed", memory_words);
  return out;
}

absl::StatusOr<ToolResult> ResourceWaste(const ToolCall& call) {
  Picture picture(call.cluster.Picture(call.ctx), NamespaceOf(call), call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("pods"));
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
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
  const Text place = PlaceOf(TypeOf("pods"), picture.ns());
  if (!use.known()) {
    out.text =
        Text{"没有指标服务（metrics-server），无法比较申请与用量。安装 metrics-server 后再问。",
             "There is no metrics server, so requests cannot be compared with use. Install "
             "metrics-server and ask again."};
  } else {
    out.text =
        Say("{0}有用量数据的 {2} 个运行中的 Pod：申请 CPU {3}，使用 {4}；申请内存 {5}，使用 "
            "{6}。未用的申请：CPU {7}，内存 {8}。\n\n",
            "{2} running pods {1} with known use: CPU requested {3}, used {4}; memory requested "
            "{5}, used {6}. Requested and unused: CPU {7}, memory {8}.\n\n",
            place.zh, place.en, report.sum.pods, kube::FormatCpu(report.sum.cpu_requested),
            kube::FormatCpu(report.sum.cpu_used), kube::FormatBytes(report.sum.memory_requested),
            kube::FormatBytes(report.sum.memory_used), kube::FormatCpu(report.sum.cpu_unused()),
            kube::FormatBytes(report.sum.memory_unused()));
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
  Picture picture(call.cluster.Picture(call.ctx), NamespaceOf(call), call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("pods"));
  OPSMESH_RETURN_IF_ERROR(picture.CheckNamespace());
  const PodUse use = PodUse::Read(call, picture.ns(), picture.ledger());
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
  for (size_t i = 0; i < idle.size() && i < limit; ++i) {
    const ObjectRef& o = idle[i].object;
    const std::string name = o.name_space.empty() ? o.name : o.name_space + "/" + o.name;
    zh.AddRow({o.kind, name, idle[i].reason.zh});
    en.AddRow({o.kind, name, idle[i].reason.en});
    json.BeginObject()
        .Field("kind", o.kind)
        .OptionalField("namespace", o.name_space)
        .Field("name", o.name);
    json.Key("reason")
        .BeginObject()
        .Field("zh", idle[i].reason.zh)
        .Field("en", idle[i].reason.en)
        .EndObject()
        .EndObject();
  }
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
  double cpu = 0, memory = 0, storage = 0;
  for (const Sizing& s : sized.rows) {
    const auto replicas = static_cast<double>(s.replicas);
    if (s.cpu_request && s.cpu_request_advice)
      cpu += std::max(0.0, *s.cpu_request - *s.cpu_request_advice) * replicas;
    if (s.memory_request && s.memory_request_advice)
      memory += std::max(0.0, *s.memory_request - *s.memory_request_advice) * replicas;
  }
  std::set<std::string> volumes;
  for (const Orphan& orphan : FindOrphans(sized.picture)) {
    if (orphan.object.kind == "PersistentVolume") {
      const kube::ObjectPtr object =
          sized.picture.All("persistentvolumes").Find("", orphan.object.name);
      const auto* volume = object ? object->As<kube::PersistentVolume>() : nullptr;
      if (volume && volumes.insert(orphan.object.name).second)
        storage += volume->capacity.value.value_or(0);
    } else if (orphan.object.kind == "PersistentVolumeClaim") {
      const kube::ObjectPtr object = sized.picture.All("persistentvolumeclaims")
                                         .Find(orphan.object.name_space, orphan.object.name);
      const auto* claim = object ? object->As<kube::PersistentVolumeClaim>() : nullptr;
      if (claim && !claim->volume_name.empty() &&
          volumes.insert(std::string(claim->volume_name)).second)
        storage += claim->capacity.value.value_or(0);
    }
  }
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
  LedgerEntry bill;
  bill.source = "cloud bill";
  bill.subject = "what the cluster costs";
  bill.reason =
      "Kubernetes does not know prices; freed requests save money only when nodes become fewer";
  out.ledger.NotChecked(std::move(bill));
  NoHistory(out.ledger);
  return out;
}

void AddOptimizationTools(ToolRegistry& r) {
  const Param workload =
      NameParam("deployment_name", {"只看此工作负载", "Only this workload"}, false);
  const auto add = [&](const char* name, Text description, std::vector<Param> params,
                       ToolHandler handler) {
    Tool tool;
    tool.name = name;
    tool.group = "optimization";
    tool.description = std::move(description);
    tool.params = std::move(params);
    tool.handler = std::move(handler);
    tool.cacheable = false;  // use changes from moment to moment
    r.Add(std::move(tool));
  };
  add("recommend_resource_limits",
      {"为工作负载的容器建议 requests 和 limits：依据当前用量和 OOM 记录",
       "Advises requests and limits for containers, from their use and OOM kills"},
      {NamespaceParam(), workload, LimitParam()}, RecommendLimits);
  add("recommend_resource_right_sizing",
      {"找出申请与用量相差较大的容器并给出合适的值",
       "Finds containers whose requests are far from their use, with fitting values"},
      {NamespaceParam(), workload, LimitParam()}, RightSizing);
  add("analyze_resource_waste",
      {"比较申请与用量：按命名空间和工作负载列出浪费",
       "Compares requests with use: what is wasted, by namespace and workload"},
      {NamespaceParam(),
       IntParam("limit", {"最多返回多少条", "At most this many rows"}, 1, 1000, "20")},
      ResourceWaste);
  add("identify_idle_resources",
      {"找出闲置的资源：空节点、副本为 0 或几乎不用 CPU 的工作负载、无人使用的卷和服务",
       "Finds idle things: empty nodes, workloads scaled to zero or hardly using CPU, volumes and "
       "services nobody uses"},
      {NamespaceParam(), LimitParam()}, IdleResources);
  const auto money = [](const char* name, Text text) { return TextParam(name, std::move(text)); };
  add("calculate_cost_savings",
      {"估算可释放的资源，给出单价时也估算金额",
       "Estimates what could be freed, and its price when prices are given"},
      {NamespaceParam(),
       money("price_per_core_month",
             {"每核每月的价格，例如 31.5", "Price of a core a month, for instance 31.5"}),
       money("price_per_gib_month", {"每 GiB 内存每月的价格", "Price of a GiB of memory a month"}),
       money("price_per_storage_gib_month",
             {"每 GiB 存储每月的价格", "Price of a GiB of storage a month"})},
      CostSavings);
}

}  // namespace opsmesh::k8s
