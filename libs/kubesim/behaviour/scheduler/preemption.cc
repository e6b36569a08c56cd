#include "libs/kubesim/behaviour/scheduler/preemption.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace opsmesh::kubesim::scheduling {
namespace {

// More important first: priority, then who has run longer.
bool MoreImportant(const PodInfoPtr& x, const PodInfoPtr& y) {
  return x->priority != y->priority ? x->priority > y->priority : x->started < y->started;
}

// Splits victims by whether their going breaks a budget.
void SplitByBudgets(const std::vector<PodInfoPtr>& pods, std::vector<Budget> budgets,
                    std::vector<PodInfoPtr>* violating, std::vector<PodInfoPtr>* others) {
  for (const PodInfoPtr& pod : pods) {
    bool violates = false;
    for (Budget& budget : budgets) {
      if (budget.ns != pod->ns || pod->labels.empty() || budget.selector.empty() ||
          !budget.selector.Matches(pod->labels))
        continue;
      if (std::find(budget.already.begin(), budget.already.end(), pod->name) !=
          budget.already.end())
        continue;
      if (--budget.allowed < 0) violates = true;
    }
    (violates ? violating : others)->push_back(pod);
  }
}

// What is left of a node without all pods that may have to go, and who has to after all.
Verdict SelectVictims(const PodInfo& pod, const PreFilter& prefilter, const NodeInfo& node,
                      const std::vector<Budget>& budgets, PreemptionPlan* plan) {
  NodeInfo copy = node;
  std::vector<PodInfoPtr> removed;
  for (const PodInfoPtr& other : node.pods) {
    if (other->priority < pod.priority) removed.push_back(other);
  }
  if (removed.empty())
    return {
        Fit::kUnresolvable, "DefaultPreemption", {"No preemption victims found for incoming pod"}};
  for (const PodInfoPtr& other : removed) copy.RemovePod(other->uid);
  if (Verdict verdict = prefilter.Check(copy, removed); verdict.fit != Fit::kFits) return verdict;

  // Among equals, who was there first.
  std::stable_sort(removed.begin(), removed.end(), MoreImportant);
  std::vector<PodInfoPtr> violating, others;
  SplitByBudgets(removed, budgets, &violating, &others);
  auto reprieve = [&](const PodInfoPtr& other) {
    copy.AddPod(other);
    std::vector<PodInfoPtr> without = removed;
    std::erase(without, other);
    if (prefilter.Check(copy, without).fit == Fit::kFits) {
      removed = std::move(without);
      return true;
    }
    copy.RemovePod(other->uid);
    return false;
  };
  for (const PodInfoPtr& other : violating) plan->budget_violations += !reprieve(other);
  for (const PodInfoPtr& other : others) reprieve(other);
  plan->victims = removed;
  return {};
}

// Least harm first: budgets broken, highest priority, sum of priorities, count; then the latest
// start.
auto Harm(const PreemptionPlan& plan) {
  int64_t highest = std::numeric_limits<int32_t>::min(), sum = 0;
  absl::Time earliest = absl::InfiniteFuture();
  for (const PodInfoPtr& pod : plan.victims) {
    highest = std::max(highest, pod->priority);
    sum += pod->priority + (int64_t{1} << 31);
  }
  for (const PodInfoPtr& pod : plan.victims) {
    if (pod->priority == highest) earliest = std::min(earliest, pod->started);
  }
  return std::make_tuple(plan.budget_violations, highest, sum, plan.victims.size(),
                         -absl::ToUnixNanos(earliest));
}

std::string NotEligible(const ClusterView& view, const PodInfo& pod) {
  if (pod.preemption_policy == "Never") return "not eligible due to preemptionPolicy=Never.";
  const NodeInfo* nominated = pod.nominated_node.empty() ? nullptr : view.Node(pod.nominated_node);
  if (nominated == nullptr) return "";
  for (const PodInfoPtr& other : nominated->pods) {
    if (other->terminating && other->priority < pod.priority)
      return "not eligible due to a terminating pod on the nominated node.";
  }
  return "";
}

}  // namespace

PreemptionPlan PlanPreemption(const ClusterView& view, const PodInfo& pod,
                              const PreFilter& prefilter, const std::vector<NodeVerdict>& refused,
                              const std::vector<Budget>& budgets) {
  PreemptionPlan best;
  best.sentence = NotEligible(view, pod);
  if (!best.sentence.empty()) return best;
  std::vector<NodeVerdict> why;
  for (const NodeVerdict& one : refused) {
    const NodeInfo* node = view.Node(one.node);
    if (one.verdict.fit == Fit::kUnresolvable || node == nullptr) {
      why.push_back({one.node,
                     {Fit::kUnresolvable,
                      "DefaultPreemption",
                      {"Preemption is not helpful for scheduling"}}});
      continue;
    }
    PreemptionPlan plan;
    plan.node = one.node;
    Verdict verdict = SelectVictims(pod, prefilter, *node, budgets, &plan);
    if (verdict.fit != Fit::kFits) {
      why.push_back({one.node, std::move(verdict)});
    } else if (best.node.empty() || Harm(plan) < Harm(best)) {
      best = std::move(plan);
    }
  }
  if (best.node.empty())
    best.sentence = CountedReasons(static_cast<int64_t>(view.nodes().size()), why);
  return best;
}

}  // namespace opsmesh::kubesim::scheduling
