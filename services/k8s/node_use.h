// How busy nodes are: what the performance tools share.
#pragma once

#include <string>
#include <vector>

#include "services/k8s/capacity.h"
#include "services/k8s/finding.h"
#include "services/k8s/picture.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

/// Shares of what a node can give from which it counts as busy, and as full.
inline constexpr double kNodeBusy = 0.80;
inline constexpr double kNodeFull = 0.90;

/// "83%"; "-" of nothing.
std::string Share(double part, double whole);

/// Notes what the metrics API does not tell.
void NotSeen(Ledger& ledger, std::string subject, std::string reason);

/// Loads of the nodes with what they use, read from the metrics API; without it, noted in the
/// picture's ledger, use is absent.
std::vector<NodeLoad> LoadsWithUse(const ToolCall& call, Picture& picture);

Finding NodeFinding(std::string code, Severity severity, const std::string& node, Text summary,
                    Text cause, Text next);

/// NODE_CPU_BUSY, NODE_MEMORY_BUSY (use), NODE_CPU_COMMITTED, NODE_MEMORY_COMMITTED (requests),
/// NODE_POD_SLOTS.
void JudgeNodes(const std::vector<NodeLoad>& loads, std::vector<Finding>* out);

}  // namespace opsmesh::k8s
