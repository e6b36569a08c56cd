// How many replicas a load needs, step by step: the rules of a plan, without where the load comes
// from.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string_view>

namespace opsmesh::analytics {

/// What a plan must keep to.
struct ReplicaRules {
  double capacity_qps = 1;          // requests/s one pod serves at full use, above 0
  double target_utilization = 0.7;  // share of it a pod should be used to, (0, 1]
  int least = 1;
  int most = 20;
  double shortage_cost = 10;     // of a missing pod against one too many
  double pod_start_seconds = 0;  // until a new pod serves
  double down_stabilization_seconds =
      300;  // a number is kept at least so long before it is undercut
};

/// ceil(qps / (target * capacity)) within least and most; `unbounded` (optional) gets the number
/// before the bounds.
int ReplicasFor(double qps, const ReplicaRules& rules, double* unbounded = nullptr);

/// The quantile of the load to plan for: a newsvendor's (Arrow, Harris and Marschak, 1951),
/// shortage / (shortage + excess), where a pod must be expected to save twice what it costs. 10:1
/// gives 0.83. (Without that hurdle it would be 0.91: at the same cost on real traffic it takes a
/// tenth more pods, because the cost is flat there.)
double PlanQuantile(double shortage_cost);

/// Steps a new pod takes to serve, to the nearest: the plan covers the highest load until then.
size_t LeadSteps(double pod_start_seconds, double step_seconds);

/// What decided a number.
enum class PlanTerm { kForecast, kReactive, kLeast, kMost, kStabilisation, kRateLimit };
inline constexpr size_t kPlanTerms = 6;
/// "forecast", "reactive", "least", "most", "stabilisation", "rate_limit".
std::string_view NameOf(PlanTerm term);

/// Most replicas after `seconds` from `now` on by the default policy of a HorizontalPodAutoscaler:
/// in 15 s they may double or grow by 4, whichever is more.
int MostAfter(int now, double seconds, int most);

struct PlanDecision {
  int replicas = 0;
  PlanTerm term = PlanTerm::kReactive;
  int reactive = 0;     // what the load of the moment needs, within the bounds
  bool capped = false;  // more than `most` would be needed
};

/// Goes from step to step. Not thread-safe.
class ReplicaPlanner {
 public:
  /// `running` = replicas there are; 0 = unknown, then the first number is not limited in its
  /// growth.
  ReplicaPlanner(const ReplicaRules& rules, double step_seconds, int running);

  /// The number for the next step: at least what `planned_qps` and `current_qps` need (the latter 0
  /// for steps further ahead), within the bounds, held and limited. The term is the last one that
  /// raised or lowered it.
  PlanDecision Next(double planned_qps, double current_qps);

 private:
  const ReplicaRules rules_;
  const double step_seconds_;
  size_t held_steps_ = 0;   // earlier wishes that still hold
  std::deque<int> wishes_;  // newest last
  int last_ = 0;
};

}  // namespace opsmesh::analytics
