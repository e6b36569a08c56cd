// Making room: which pods of lower priority have to go so that a pod fits.
#pragma once

#include <string>
#include <vector>

#include "libs/kubesim/behaviour/scheduler/filters.h"

namespace opsmesh::kubesim::scheduling {

/// A PodDisruptionBudget.
struct Budget {
  std::string ns, name;
  LabelSelector selector;
  int64_t allowed = 0;               // status.disruptionsAllowed
  std::vector<std::string> already;  // status.disruptedPods: they are counted already
};

struct PreemptionPlan {
  std::string node;  // "" = nothing helps
  std::vector<PodInfoPtr> victims;
  int64_t budget_violations = 0;
  /// When nothing helps, what to say behind "preemption: ".
  std::string sentence;
};

/// Pure. `refused`: what the filters said of every node.
PreemptionPlan PlanPreemption(const ClusterView& view, const PodInfo& pod,
                              const PreFilter& prefilter, const std::vector<NodeVerdict>& refused,
                              const std::vector<Budget>& budgets);

}  // namespace opsmesh::kubesim::scheduling
