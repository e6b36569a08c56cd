// Group "optimization", what containers ask for beside what they use, with advice.
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

}  // namespace

void AddOptimizationTools(ToolRegistry& r) {
  ToolGroup group(r, "optimization");
  group.Live("recommend_resource_limits",
             {"为工作负载的容器建议 requests 和 limits：依据当前用量和 OOM 记录",
              "Advises requests and limits for containers, from their use and OOM kills"},
             {NamespaceParam(), WorkloadFilterParam(), LimitParam()}, RecommendLimits);
  group.Live("recommend_resource_right_sizing",
             {"找出申请与用量相差较大的容器并给出合适的值",
              "Finds containers whose requests are far from their use, with fitting values"},
             {NamespaceParam(), WorkloadFilterParam(), LimitParam()}, RightSizing);
  group.Live("analyze_resource_waste",
             {"比较申请与用量：按命名空间和工作负载列出浪费",
              "Compares requests with use: what is wasted, by namespace and workload"},
             {NamespaceParam(), LimitParam(20)}, ResourceWaste);
  group.Live(
      "identify_idle_resources",
      {"找出闲置的资源：空节点、副本为 0 或几乎不用 CPU 的工作负载、无人使用的卷和服务",
       "Finds idle things: empty nodes, workloads scaled to zero or hardly using CPU, volumes and "
       "services nobody uses"},
      {NamespaceParam(), LimitParam()}, IdleResources);
  const auto money = [](const char* name, Text text) { return TextParam(name, std::move(text)); };
  group.Live(
      "calculate_cost_savings",
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
