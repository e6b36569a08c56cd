#include "services/k8s/node_use.h"

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/k8s/say.h"

namespace opsmesh::k8s {

std::string Share(double part, double whole) {
  return whole > 0 ? fmt::format("{:.0f}%", 100 * part / whole) : "-";
}

void NotSeen(Ledger& ledger, std::string subject, std::string reason) {
  ledger.NotChecked("metrics API", std::move(subject), std::move(reason));
}

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
      if (!used || whole <= 0 || *used < kNodeBusy * whole) return;
      out->push_back(NodeFinding(
          code, *used >= kNodeFull * whole ? Severity::kCritical : Severity::kWarning, l.name,
          Say("节点 {0} 的{1}用量为 {3}。", "Node {0} uses {3} of its {2}.", l.name, what.zh,
              what.en, Share(*used, whole)),
          {"其上的 Pod 用量过高，会互相争抢。", "Its pods use too much and compete."},
          {"用 identify_resource_hotspots 找出用量最大的 Pod，迁移或调大节点。",
           "Find the biggest pods with identify_resource_hotspots, move them or grow the node."}));
    };
    busy("NODE_CPU_BUSY", l.cpu_used, l.cpu_allocatable, {"CPU", "CPU"});
    busy("NODE_MEMORY_BUSY", l.memory_used, l.memory_allocatable, {"内存", "memory"});
    const auto committed = [&](const char* code, double requested, double whole, const Text& what) {
      if (whole <= 0 || requested < kNodeFull * whole) return;
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
        static_cast<double>(l.pods) >= kNodeFull * static_cast<double>(l.pods_allocatable)) {
      out->push_back(NodeFinding(
          "NODE_POD_SLOTS", Severity::kWarning, l.name,
          Say("节点 {0} 上有 {1} 个 Pod，上限 {2}。", "Node {0} runs {1} pods of at most {2}.",
              l.name, l.pods, l.pods_allocatable),
          {"很快放不下新的 Pod。", "Soon no pod will fit."}, {"增加节点。", "Add nodes."}));
    }
  }
}

}  // namespace opsmesh::k8s
