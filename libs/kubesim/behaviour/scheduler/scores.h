// The scores of the default profile: which of the feasible nodes a pod goes to.
#pragma once

#include <string>
#include <vector>

#include "libs/kubesim/behaviour/scheduler/cluster_view.h"

namespace opsmesh::kubesim::scheduling {

struct Score {
  const NodeInfo* node = nullptr;
  /// Weighted sum of TaintToleration (3), NodeAffinity, PodTopologySpread, InterPodAffinity (2
  /// each), LeastAllocated, BalancedAllocation and ImageLocality (1 each), each 0 to 100.
  int64_t total = 0;
};

/// In the order of `nodes`. Pure.
std::vector<Score> ScoreNodes(const ClusterView& view, const PodInfo& pod,
                              const std::vector<const NodeInfo*>& nodes);

/// The best; among equals one by a hash of pod and node, so that the same cluster gives the same
/// choice.
const NodeInfo* BestNode(const std::vector<Score>& scores, const PodInfo& pod);

}  // namespace opsmesh::kubesim::scheduling
