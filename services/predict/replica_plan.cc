#include "services/predict/replica_plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "libs/analytics/forecast/forecaster.h"
#include "libs/analytics/replicas/replay.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
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

absl::StatusOr<Load> ReplicaPlanning::ReadLoad(const base::Context& ctx,
                                               const v1::PlanReplicasRequest& request,
                                               const v1::Workload* workload) const {
  const auto step = static_cast<double>(request.step_seconds());
  if (request.has_history() || request.has_prometheus() || workload == nullptr) {
    OPSMESH_ASSIGN_OR_RETURN(Forecasting::Sourced sourced,
                             forecasting_.Source(ctx, request.has_history(), request.history(),
                                                 request.has_prometheus(), request.prometheus()));
    return OnGrid(std::move(sourced), step);
  }
  absl::StatusOr<Forecasting::Sourced> sourced =
      forecasting_.Read(ctx, LoadQuery(config_, workload, clock_.Now(), request.step_seconds()));
  const base::ErrorDetail detail = base::DetailOf(sourced.status());
  if (detail.reason == "NO_PROMETHEUS" || detail.reason == "NO_SERIES") {
    return base::FailedPrecondition(
               "NO_LOAD_SOURCE",
               fmt::format("The load of {}/{} cannot be read: {}", workload->namespace_(),
                           workload->name(), base::ToStd(sourced.status().message())))
        .Hint(
            "Set PROMETHEUS_HOST and predict.workload_qps_query, or give 'history' or "
            "'prometheus'.");
  }
  OPSMESH_RETURN_IF_ERROR(sourced.status());
  return OnGrid(*std::move(sourced), step);
}

std::optional<WorkloadFacts> ReplicaPlanning::Facts(const base::Context& ctx,
                                                    const v1::Workload& workload,
                                                    type::v1::Ledger& ledger,
                                                    absl::Status& refused) const {
  const std::string subject =
      fmt::format("{} {}/{}", workload.kind(), workload.namespace_(), workload.name());
  if (cluster_ == nullptr) {
    NotChecked(ledger, "apiserver", subject, "No k8s service is configured for this process.");
    return std::nullopt;
  }
  absl::StatusOr<WorkloadFacts> facts = cluster_->Read(ctx, workload);
  if (absl::IsNotFound(facts.status()) || absl::IsPermissionDenied(facts.status())) {
    refused = facts.status();
    return std::nullopt;
  }
  if (!facts.ok()) {
    NotChecked(ledger, "apiserver", subject, base::ToStd(facts.status().message()));
    return std::nullopt;
  }
  type::v1::LedgerEntry& entry = *ledger.add_checked();
  entry.set_source("apiserver");
  entry.set_subject(subject);
  if (!facts->autoscaler_trouble.empty()) {
    NotChecked(ledger, "apiserver", "autoscaler of " + subject, facts->autoscaler_trouble);
  }
  return *std::move(facts);
}

// What the pods used: given, or read for a workload. Nothing, and a line in the ledger that says
// why, when that cannot be.
std::optional<double> ReplicaPlanning::Measured(const base::Context& ctx,
                                                const v1::PlanReplicasRequest& request,
                                                const v1::Workload* workload,
                                                const WorkloadFacts* facts, const Load& load,
                                                type::v1::Ledger& ledger) const {
  const v1::PodUsage& usage = request.usage();
  std::optional<double> cores_per_pod = facts != nullptr ? facts->cores_per_pod : std::nullopt;
  if (usage.has_cores_per_pod()) cores_per_pod = usage.cores_per_pod();
  if (!request.has_usage() && workload == nullptr) {
    return std::nullopt;
  }
  const auto unmeasured = [&](std::string_view why) {
    NotChecked(ledger, "capacity", "requests per second one pod serves", why);
    return std::nullopt;
  };
  if (!cores_per_pod) {
    return unmeasured(
        "Its containers have neither a limit nor a request of cores, and none are given.");
  }
  analytics::Series cores, pods;
  if (usage.has_cpu_cores()) {
    cores.times.assign(usage.cpu_cores().times().begin(), usage.cpu_cores().times().end());
    cores.values.assign(usage.cpu_cores().values().begin(), usage.cpu_cores().values().end());
    pods.times.assign(usage.replicas().times().begin(), usage.replicas().times().end());
    pods.values.assign(usage.replicas().values().begin(), usage.replicas().values().end());
    cores.values.resize(cores.times.size());
    pods.values.resize(pods.times.size());
  } else if (workload != nullptr) {
    v1::PrometheusHistory query =
        LoadQuery(config_, workload, clock_.Now(), request.step_seconds());
    for (auto& [series, text] :
         {std::pair<analytics::Series*, const std::string*>{&cores, &config_.workload_cpu_query},
          {&pods, &config_.workload_pods_query}}) {
      query.set_query(ForWorkload(*text, *workload));
      absl::StatusOr<Forecasting::Sourced> read = forecasting_.Read(ctx, query);
      if (!read.ok()) return unmeasured(base::ToStd(read.status().message()));
      *series = std::move(read->series);
      ledger.MergeFrom(read->ledger);
    }
  }
  std::optional<int> running;
  if (request.has_current_replicas())
    running = request.current_replicas();
  else if (facts != nullptr)
    running = facts->replicas;
  const auto measured = CapacityFromUse(load, cores, pods, running, *cores_per_pod);
  if (!measured.ok()) return unmeasured(base::ToStd(measured.status().message()));
  return measured->qps;
}

absl::StatusOr<v1::PlanReplicasResponse> ReplicaPlanning::Plan(
    const base::Context& ctx, const v1::PlanReplicasRequest& request) const {
  if (!request.has_workload() && !request.has_history() && !request.has_prometheus()) {
    return base::InvalidArgument("workload", "HISTORY",
                                 "There is neither a workload nor a load to plan for.")
        .Hint(
            "Give workload: {namespace, name}, history: {times, values}, or prometheus: {query}.");
  }
  OPSMESH_RETURN_IF_ERROR(CheckStep(request.step_seconds()));
  std::optional<v1::Workload> workload;
  if (request.has_workload()) {
    OPSMESH_ASSIGN_OR_RETURN(workload, CheckedWorkload(request.workload()));
  }
  const v1::Workload* const of = workload ? &*workload : nullptr;
  v1::PlanReplicasResponse response;
  type::v1::Ledger& ledger = *response.mutable_ledger();
  std::optional<WorkloadFacts> facts;
  if (of != nullptr) {
    absl::Status refused;
    facts = Facts(ctx, *of, ledger, refused);
    OPSMESH_RETURN_IF_ERROR(refused);
  }
  OPSMESH_ASSIGN_OR_RETURN(
      analytics::ReplicaRules rules,
      RulesOf(config_, Stated(request), facts ? facts->bounds : AutoscalerBounds{}));
  if (request.has_current_replicas() &&
      (request.current_replicas() < 0 || request.current_replicas() > 10000)) {
    return base::InvalidArgument("current_replicas", "REPLICAS",
                                 "current_replicas must be between 0 and 10,000.");
  }
  OPSMESH_ASSIGN_OR_RETURN(const Load load, ReadLoad(ctx, request, of));
  OPSMESH_ASSIGN_OR_RETURN(const size_t steps,
                           StepCount(request.horizon_seconds(), load.grid.step));
  ledger.MergeFrom(load.sourced.ledger);

  const auto given =
      request.has_capacity_qps() ? std::optional(request.capacity_qps()) : std::nullopt;
  const std::optional<double> measured =
      given ? std::nullopt : Measured(ctx, request, of, facts ? &*facts : nullptr, load, ledger);
  const PodCapacity capacity =
      ChooseCapacity(config_, given, measured,
                     request.has_history() ? load.history().values : std::span<const double>());
  if (capacity.source == "assumed" || capacity.source == "history") {
    NotChecked(ledger, "capacity", "requests per second one pod serves",
               fmt::format("{:.4g} is {}.", capacity.qps, SourceInEnglish(capacity.source)));
  }
  rules.capacity_qps = capacity.qps;

  OPSMESH_ASSIGN_OR_RETURN(const Ahead ahead, LookAhead(load, rules, steps, forests_.Source()));
  int running = facts ? facts->replicas : 0;
  if (request.has_current_replicas()) running = request.current_replicas();
  if (facts || request.has_current_replicas()) response.set_current_replicas(running);
  FillSteps(load, rules, ahead, running, response);
  if (!ahead.by_forest) {
    NotChecked(
        ledger, "forecast", "the next step",
        "The history is too short to learn from: the next step follows the load of this moment.");
  }
  if (facts && !facts->autoscaler_json.empty())
    response.mutable_autoscaler()->set_raw(facts->autoscaler_json);
  response.set_model(ahead.by_forest ? "load_forest" : "reactive");
  response.set_capacity_qps(capacity.qps);
  response.set_capacity_source(capacity.source);
  response.set_target_utilization(rules.target_utilization);
  response.set_quantile(analytics::PlanQuantile(rules.shortage_cost));
  response.set_current_qps(load.history().values.back());
  response.set_step_seconds(load.grid.step);
  *response.mutable_summary() = PlanSummary(response, rules, facts ? facts->autoscaler_name : "");
  return response;
}

}  // namespace opsmesh::predict
