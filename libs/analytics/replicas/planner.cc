#include "libs/analytics/replicas/planner.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace opsmesh::analytics {
namespace {

constexpr double kHurdle = 2;  // what a pod must be expected to save, by what it costs
constexpr double kPolicyPeriod = 15;
constexpr int kPolicyPods = 4;
constexpr double kMostNeed = 1e12;

}  // namespace

int ReplicasFor(double qps, const ReplicaRules& rules, double* unbounded) {
  // Rounding of the division must not cost a pod: 7 / (0.7 * 10) is one.
  const double exact =
      std::clamp(qps / (rules.target_utilization * rules.capacity_qps), 0.0, kMostNeed);
  const double need = std::ceil(exact - 1e-9 * std::max(1.0, exact));
  if (unbounded != nullptr) *unbounded = need;
  return static_cast<int>(
      std::clamp(need, static_cast<double>(rules.least), static_cast<double>(rules.most)));
}

double PlanQuantile(double shortage_cost) { return shortage_cost / (shortage_cost + kHurdle); }

size_t LeadSteps(double pod_start_seconds, double step_seconds) {
  return static_cast<size_t>(std::floor(std::max(0.0, pod_start_seconds) / step_seconds + 0.5));
}

std::string_view NameOf(PlanTerm term) {
  constexpr std::array<std::string_view, kPlanTerms> kNames = {
      "forecast", "reactive", "least", "most", "stabilisation", "rate_limit"};
  return kNames[static_cast<size_t>(term)];
}

int MostAfter(int now, double seconds, int most) {
  for (double left = seconds; left >= kPolicyPeriod && now < most; left -= kPolicyPeriod) {
    now = std::min(most, std::max(now > most / 2 ? most : 2 * now, now + kPolicyPods));
  }
  return now;
}

ReplicaPlanner::ReplicaPlanner(const ReplicaRules& rules, double step_seconds, int running)
    : rules_(rules), step_seconds_(step_seconds), last_(running) {
  const double steps = std::ceil(rules.down_stabilization_seconds / step_seconds - 1e-9);
  held_steps_ = steps > 1 ? static_cast<size_t>(steps) - 1 : 0;
}

PlanDecision ReplicaPlanner::Next(double planned_qps, double current_qps) {
  double planned_need = 0, reactive_need = 0;
  const int planned = ReplicasFor(planned_qps, rules_, &planned_need);
  PlanDecision decision{.reactive = ReplicasFor(current_qps, rules_, &reactive_need)};
  const double need = std::max(planned_need, reactive_need);
  decision.capped = need > rules_.most;
  decision.replicas = std::max(planned, decision.reactive);
  decision.term = planned_need > reactive_need ? PlanTerm::kForecast : PlanTerm::kReactive;
  if (decision.capped) decision.term = PlanTerm::kMost;
  if (need < rules_.least) decision.term = PlanTerm::kLeast;

  wishes_.push_back(decision.replicas);
  if (wishes_.size() > held_steps_ + 1) wishes_.pop_front();
  const int held = *std::max_element(wishes_.begin(), wishes_.end());
  if (held > decision.replicas) {
    decision.replicas = held;
    decision.term = PlanTerm::kStabilisation;
  }
  if (last_ > 0) {
    const int reachable = std::max(rules_.least, MostAfter(last_, step_seconds_, rules_.most));
    if (reachable < decision.replicas) {
      decision.replicas = reachable;
      decision.term = PlanTerm::kRateLimit;
    }
  }
  last_ = decision.replicas;
  return decision;
}

}  // namespace opsmesh::analytics
