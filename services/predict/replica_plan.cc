#include "services/predict/replica_plan.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "libs/analytics/forecast/forecaster.h"
#include "libs/analytics/replicas/replay.h"
#include "libs/base/error.h"
#include "services/predict/plan_text.h"
#include "services/predict/replica_rules.h"

namespace opsmesh::predict {
namespace {

constexpr int64_t kDefaultHorizon = 86400;
constexpr int64_t kLongestHorizon = 604800;
constexpr size_t kMostSteps = 2016;

absl::StatusOr<size_t> StepCount(int64_t horizon_seconds, double step) {
  if (horizon_seconds < 0 || horizon_seconds > kLongestHorizon) {
    return base::InvalidArgument("horizon_seconds", "HORIZON",
                                 "horizon_seconds must be between 1 and 604,800 (seven days).");
  }
  const double seconds =
      static_cast<double>(horizon_seconds > 0 ? horizon_seconds : kDefaultHorizon);
  const auto steps = static_cast<size_t>(std::max(1.0, std::ceil(seconds / step - 1e-9)));
  if (steps <= kMostSteps) return steps;
  if (horizon_seconds == 0) return kMostSteps;
  return base::InvalidArgument(
             "horizon_seconds", "HORIZON",
             fmt::format("{} steps of {:g} s are more than {}.", steps, step, kMostSteps))
      .Hint("Ask for fewer hours, or for longer steps.");
}

struct Ahead {
  std::vector<double> mean, planned;  // one a step
  bool by_forest = false;
};

// The first step from the forest, those after it from the combination of forecasts.
absl::StatusOr<Ahead> LookAhead(const Load& load, const analytics::ReplicaRules& rules,
                                size_t steps, const analytics::ForestSource& forests) {
  const analytics::LoadHistory history = load.history();
  analytics::NextStepForecast forecast(history, rules, forests);
  const analytics::NextStep next = forecast.After(history.values.size());
  Ahead ahead{.mean = {next.mean}, .planned = {next.planned}, .by_forest = next.by_forest};
  if (steps == 1) return ahead;
  const double quantile = analytics::PlanQuantile(rules.shortage_cost);
  const analytics::ForecastOptions options{
      .step_seconds = history.step,
      .horizon = steps,
      .levels = {std::clamp(std::abs(2 * quantile - 1), 0.02, 0.98)}};
  OPSMESH_ASSIGN_OR_RETURN(const analytics::CombinedForecast far,
                           analytics::ForecastCombined(load.sourced.series, options));
  const std::vector<double>& edge = quantile >= 0.5 ? far.bands[0].upper : far.bands[0].lower;
  ahead.mean.insert(ahead.mean.end(), far.mean.begin() + 1, far.mean.end());
  ahead.planned.insert(ahead.planned.end(), edge.begin() + 1, edge.end());
  return ahead;
}

void FillSteps(const Load& load, const analytics::ReplicaRules& rules, const Ahead& ahead,
               int running, v1::PlanReplicasResponse& response) {
  const analytics::LoadHistory history = load.history();
  analytics::ReplicaPlanner planner(rules, history.step, running);
  int before = -1;
  for (size_t i = 0; i < ahead.mean.size(); ++i) {
    const analytics::PlanDecision decision =
        planner.Next(ahead.planned[i], i == 0 ? history.values.back() : 0);
    if (i == 0) response.set_reactive_replicas(decision.reactive);
    if (decision.replicas == before) continue;
    before = decision.replicas;
    v1::ReplicaStep& step = *response.add_steps();
    step.mutable_start_time()->set_seconds(static_cast<int64_t>(
        std::llround(history.TimeOf(history.values.size() - 1 + i) + history.step)));
    step.set_replicas(decision.replicas);
    step.set_predicted_qps(ahead.mean[i]);
    step.set_planned_qps(ahead.planned[i]);
    step.set_decided_by(std::string(analytics::NameOf(decision.term)));
  }
}

}  // namespace

absl::StatusOr<v1::PlanReplicasResponse> ReplicaPlanning::Plan(
    const base::Context& ctx, const v1::PlanReplicasRequest& request) const {
  if (request.has_current_replicas() &&
      (request.current_replicas() < 0 || request.current_replicas() > 10000)) {
    return base::InvalidArgument("current_replicas", "REPLICAS",
                                 "current_replicas must be between 0 and 10,000.");
  }
  Wanted wanted = WantedOf(request);
  if (request.has_usage()) wanted.usage = &request.usage();
  if (request.has_current_replicas()) wanted.current_replicas = request.current_replicas();
  v1::PlanReplicasResponse response;
  type::v1::Ledger& ledger = *response.mutable_ledger();
  OPSMESH_ASSIGN_OR_RETURN(const PlanInputs inputs, sources_.Read(ctx, wanted, ledger));
  const Load& load = inputs.load;
  analytics::ReplicaRules rules = inputs.rules;
  OPSMESH_ASSIGN_OR_RETURN(const size_t steps,
                           StepCount(request.horizon_seconds(), load.grid.step));
  const PodCapacity capacity =
      inputs.Capacity(load.history().values, request.has_history(), ledger);
  rules.capacity_qps = capacity.qps;

  OPSMESH_ASSIGN_OR_RETURN(const Ahead ahead, LookAhead(load, rules, steps, forests_.Source()));
  if (inputs.running) response.set_current_replicas(*inputs.running);
  FillSteps(load, rules, ahead, inputs.running.value_or(0), response);
  if (!ahead.by_forest) {
    NotChecked(ledger, "forecast", "the next step",
               "The history is too short to learn from: the next step follows the load of this "
               "moment.");
  }
  if (inputs.facts && !inputs.facts->autoscaler_json.empty())
    response.mutable_autoscaler()->set_raw(inputs.facts->autoscaler_json);
  response.set_model(ahead.by_forest ? "load_forest" : "reactive");
  response.set_capacity_qps(capacity.qps);
  response.set_capacity_source(capacity.source);
  response.set_target_utilization(rules.target_utilization);
  response.set_quantile(analytics::PlanQuantile(rules.shortage_cost));
  response.set_current_qps(load.history().values.back());
  response.set_step_seconds(load.grid.step);
  *response.mutable_summary() =
      PlanSummary(response, rules, inputs.facts ? inputs.facts->autoscaler_name : "");
  return response;
}

}  // namespace opsmesh::predict
