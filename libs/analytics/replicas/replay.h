// What a plan and autoscalers would have done with the load of the past, and what that would have
// been worth.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/analytics/replicas/autoscaler.h"
#include "libs/analytics/replicas/load_forest.h"
#include "libs/analytics/replicas/planner.h"

namespace opsmesh::analytics {

/// Gives LoadForest::Fit(training, lead), made or remembered.
using ForestSource =
    std::function<std::shared_ptr<const LoadForest>(const LoadHistory& training, size_t lead)>;

/// The step after the last known: what is expected, and what is planned for.
struct NextStep {
  double mean = 0;
  double planned = 0;
  bool by_forest = false;  // false = too little history: both are the last load
};

/// Looks ahead step by step; keeps a forest while its training set stays the same. Not thread-safe.
/// All arguments must outlive it.
class NextStepForecast {
 public:
  NextStepForecast(const LoadHistory& history, const ReplicaRules& rules,
                   const ForestSource& forests);
  /// Of the step after the first `known` samples (1 or more), from these alone.
  NextStep After(size_t known);

 private:
  const LoadHistory& history_;
  const ForestSource& forests_;
  const size_t lead_;
  const double quantile_;
  std::pair<size_t, size_t> range_{0, 0};
  std::shared_ptr<const LoadForest> forest_;
  std::unique_ptr<LoadView> view_;
};

/// What one way of scaling was worth.
struct ReplayFigures {
  double saturated_minutes = 0;  // load above the capacity of the pods that serve
  double saturated_share = 0;    // of the time
  double lost_load_share = 0;    // load beyond that capacity, by all load
  double pods_over_oracle = 0;   // mean replicas by those of need
  double cost = 0;  // (shortage_cost * pods missing + pods too many) by need, each step's need
                    // being what its load needs
  double mean_replicas = 0;
  int most_replicas = 0;
  size_t changes = 0;
};

/// Judges `replicas`, ordered for each step of `load`. A pod serves pod_start_seconds after it was
/// ordered; within a step that is shared out. With pod_start_seconds = 0 these are the figures of a
/// plan that is in force at once.
ReplayFigures JudgeReplicas(std::span<const double> load, std::span<const int> replicas,
                            const ReplicaRules& rules, double step_seconds);

/// Replicas of the plan for the samples from `begin` (1 or more) on; each from the samples before
/// it alone. Asks `check` now and then and ends with its error.
struct PlanReplay {
  std::vector<int> replicas;
  std::array<size_t, kPlanTerms> decided_by{};  // steps by PlanTerm
  size_t by_forest = 0;                         // steps that had a forecast
};
absl::StatusOr<PlanReplay> ReplayPlan(const LoadHistory& history, size_t begin,
                                      const ReplicaRules& rules, const ForestSource& forests,
                                      const std::function<absl::Status()>& check);

/// Replicas an autoscaler at `target` would have had, starting with what the load before `begin`
/// needs at that target.
std::vector<int> ReplayAutoscaler(const LoadHistory& history, size_t begin,
                                  const ReplicaRules& rules, double target);

/// What each step's own load needs: known only afterwards.
std::vector<int> Oracle(std::span<const double> load, const ReplicaRules& rules);

}  // namespace opsmesh::analytics
