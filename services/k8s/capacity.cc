#include "services/k8s/capacity.h"

#include <algorithm>

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/kube/quantity.h"
#include "services/k8s/fields.h"
#include "services/k8s/finding.h"
#include "services/k8s/json_writer.h"
#include "services/k8s/listing.h"
#include "services/k8s/read_object.h"
#include "services/k8s/text_table.h"

namespace opsmesh::k8s {
namespace {

std::string Percent(double part, double whole) {
  return whole > 0 ? fmt::format("{:.0f}%", 100.0 * part / whole) : "-";
}

void AddUse(const ToolCall& call, std::vector<NodeLoad>& loads, Ledger& ledger) {
  LedgerEntry entry;
  entry.source = "metrics API";
  entry.subject = "use of nodes";
  const auto usage = call.cluster.NodeMetrics(call.ctx);
  if (!usage.ok()) {
    entry.reason = std::string(usage.status().message());
    const std::string hint = base::DetailOf(usage.status()).hint;
    if (!hint.empty()) entry.reason += " " + hint;
    return ledger.NotChecked(std::move(entry));
  }
  for (const kube::NodeUsage& use : *usage) {
    for (NodeLoad& load : loads) {
      if (load.name != use.name) continue;
      load.cpu_used = use.cpu_cores;
      load.memory_used = use.memory_bytes;
    }
  }
  ledger.Checked(std::move(entry));
}

std::vector<std::string> RowOf(const NodeLoad& l, bool used) {
  std::vector<std::string> row = {
      l.name,
      l.status,
      fmt::format("{}/{}", kube::FormatCpu(l.cpu_requested), kube::FormatCpu(l.cpu_allocatable)),
      Percent(l.cpu_requested, l.cpu_allocatable),
      fmt::format("{}/{}", kube::FormatBytes(l.memory_requested),
                  kube::FormatBytes(l.memory_allocatable)),
      Percent(l.memory_requested, l.memory_allocatable),
      fmt::format("{}/{}", l.pods, l.pods_allocatable)};
  if (used) {
    row.push_back(l.cpu_used ? fmt::format("{} ({})", kube::FormatCpu(*l.cpu_used),
                                           Percent(*l.cpu_used, l.cpu_allocatable))
                             : "-");
    row.push_back(l.memory_used ? fmt::format("{} ({})", kube::FormatBytes(*l.memory_used),
                                              Percent(*l.memory_used, l.memory_allocatable))
                                : "-");
  }
  return row;
}

void WriteLoad(const NodeLoad& l, JsonWriter& json) {
  json.BeginObject()
      .Field("name", l.name)
      .Field("status", l.status)
      .Field("schedulable", l.schedulable);
  json.Field("cpu_allocatable", l.cpu_allocatable).Field("cpu_requested", l.cpu_requested);
  json.Field("memory_allocatable", l.memory_allocatable)
      .Field("memory_requested", l.memory_requested);
  json.Field("pods_allocatable", l.pods_allocatable).Field("pods", l.pods);
  if (l.cpu_used) json.Field("cpu_used", *l.cpu_used).Field("memory_used", *l.memory_used);
  json.EndObject();
}

NodeLoad Sum(const std::vector<NodeLoad>& loads) {
  NodeLoad sum;
  for (const NodeLoad& l : loads) {
    sum.cpu_allocatable += l.cpu_allocatable;
    sum.cpu_requested += l.cpu_requested;
    sum.memory_allocatable += l.memory_allocatable;
    sum.memory_requested += l.memory_requested;
    sum.pods_allocatable += l.pods_allocatable;
    sum.pods += l.pods;
  }
  return sum;
}

void WriteSum(const NodeLoad& sum, JsonWriter& json) {
  json.BeginObject()
      .Field("cpu_allocatable", sum.cpu_allocatable)
      .Field("cpu_requested", sum.cpu_requested);
  json.Field("memory_allocatable", sum.memory_allocatable)
      .Field("memory_requested", sum.memory_requested);
  json.Field("pods_allocatable", sum.pods_allocatable).Field("pods", sum.pods).EndObject();
}

}  // namespace

std::vector<NodeLoad> NodeLoads(Picture& picture) {
  std::vector<NodeLoad> out;
  ForEach<kube::Node>(
      picture.All("nodes").objects(), [&](const kube::Object& object, const kube::Node& node) {
        NodeLoad load;
        load.name = object.name();
        load.status = node.status;
        load.schedulable = node.ready() && !node.unschedulable;
        load.cpu_allocatable = kube::Amount(node.allocatable, "cpu").value_or(0);
        load.memory_allocatable = kube::Amount(node.allocatable, "memory").value_or(0);
        load.pods_allocatable =
            static_cast<int64_t>(kube::Amount(node.allocatable, "pods").value_or(0));
        ForEach<kube::Pod>(picture.All("pods").OnNode(object.name()),
                           [&](const kube::Object&, const kube::Pod& pod) {
                             if (pod.phase == "Succeeded" || pod.phase == "Failed") return;
                             ++load.pods;
                             load.cpu_requested += PodAmount(pod.spec, "cpu", false);
                             load.memory_requested += PodAmount(pod.spec, "memory", false);
                           });
        out.push_back(std::move(load));
      });
  return out;
}

absl::StatusOr<ToolResult> NodeCapacity(const ToolCall& call) {
  Picture picture(call.cluster.Picture(call.ctx), "", call.now);
  OPSMESH_RETURN_IF_ERROR(picture.CheckReadable("nodes"));
  const std::string only = call.arguments.String("node_name");
  if (!only.empty()) OPSMESH_RETURN_IF_ERROR(CheckExists(picture, TypeOf("nodes"), "", only));
  std::vector<NodeLoad> loads = NodeLoads(picture);
  if (!only.empty()) std::erase_if(loads, [&](const NodeLoad& l) { return l.name != only; });
  AddUse(call, loads, picture.ledger());
  const bool used = std::any_of(loads.begin(), loads.end(),
                                [](const NodeLoad& l) { return l.cpu_used.has_value(); });

  ToolResult out;
  const NodeLoad sum = Sum(loads);
  JsonWriter json;
  json.BeginObject().Field("total", static_cast<int64_t>(loads.size())).Key("items").BeginArray();
  std::vector<std::string> header = {
      "NODE", "STATUS", "CPU REQUESTED", "CPU %", "MEMORY REQUESTED", "MEMORY %", "PODS"};
  if (used) header.insert(header.end(), {"CPU USED", "MEMORY USED"});
  TextTable table(std::move(header));
  for (const NodeLoad& l : loads) {
    table.AddRow(RowOf(l, used));
    WriteLoad(l, json);
  }
  json.EndArray().Key("sum");
  WriteSum(sum, json);
  json.EndObject();
  out.json = json.Take();
  out.text =
      Say("{0} 个节点：CPU 已申请 {1}/{2}（{3}），内存已申请 {4}/{5}（{6}），Pod {7}/{8}。\n\n",
          "{0} node{9}: CPU requested {1} of {2} ({3}), memory requested {4} of {5} ({6}), pods "
          "{7} of {8}.\n\n",
          loads.size(), kube::FormatCpu(sum.cpu_requested), kube::FormatCpu(sum.cpu_allocatable),
          Percent(sum.cpu_requested, sum.cpu_allocatable), kube::FormatBytes(sum.memory_requested),
          kube::FormatBytes(sum.memory_allocatable),
          Percent(sum.memory_requested, sum.memory_allocatable), sum.pods, sum.pods_allocatable,
          loads.size() == 1 ? "" : "s");
  out.text.AppendBoth(table.Render());
  if (!used) {
    out.text += Text{"\n没有指标服务（metrics-server），实际用量未知。",
                     "\nThere is no metrics server; the actual use is not known."};
  }
  out.AddFact("nodes.total", static_cast<int64_t>(loads.size()));
  out.AddFact("cpu.requested", kube::FormatCpu(sum.cpu_requested));
  out.AddFact("cpu.allocatable", kube::FormatCpu(sum.cpu_allocatable));
  out.AddFact("memory.requested", kube::FormatBytes(sum.memory_requested));
  out.AddFact("memory.allocatable", kube::FormatBytes(sum.memory_allocatable));
  out.AddFact("pods.running", sum.pods);
  out.ledger = picture.ledger();
  return out;
}

}  // namespace opsmesh::k8s
