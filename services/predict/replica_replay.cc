#include "services/predict/replica_replay.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "libs/analytics/replicas/replay.h"
#include "libs/base/error.h"
#include "services/predict/plan_text.h"
#include "services/predict/replica_rules.h"

namespace opsmesh::predict {
namespace {

constexpr double kLongestDefault = 4 * 86400;
constexpr size_t kMostSteps = 20000;
constexpr int kMostTargets = 8;

absl::Status CheckTargets(const v1::ReplayReplicasRequest& request) {
  for (const double target : request.hpa_targets()) {
    if (!(target >= 0.05 && target <= 1)) {
      return base::InvalidArgument(
          "hpa_targets", "TARGET",
          "Each of hpa_targets must be between 0.05 and 1, for instance 0.6.");
    }
  }
  if (request.hpa_targets_size() > kMostTargets) {
    return base::InvalidArgument("hpa_targets", "TARGET",
                                 fmt::format("There may be at most {} hpa_targets.", kMostTargets));
  }
  return absl::OkStatus();
}

std::vector<double> Targets(const v1::ReplayReplicasRequest& request, const PlanInputs& inputs) {
  if (request.hpa_targets_size() > 0)
    return {request.hpa_targets().begin(), request.hpa_targets().end()};
  if (inputs.facts && inputs.facts->autoscaler_target) return {*inputs.facts->autoscaler_target};
  return {inputs.rules.target_utilization};
}

// Index of the first sample that is replayed.
absl::StatusOr<size_t> Begin(const v1::ReplayReplicasRequest& request,
                             const analytics::LoadHistory& history) {
  const size_t count = history.values.size();
  size_t begin = 0;
  if (request.has_start_time()) {
    const double index =
        std::ceil((request.start_time() - history.start_time) / history.step - 1e-6);
    if (!(index >= 1 && index < static_cast<double>(count))) {
      return base::InvalidArgument(
          "start_time", "START_TIME",
          "start_time must lie inside the history, after its first sample.");
    }
    begin = static_cast<size_t>(index);
  } else {
    const auto most = static_cast<size_t>(std::max(1.0, kLongestDefault / history.step));
    begin = count - std::min(count / 2, most);
  }
  if (count - begin > kMostSteps) {
    return base::InvalidArgument(
               "start_time", "START_TIME",
               fmt::format("The replay would have {} steps; at most {} go at once.", count - begin,
                           kMostSteps))
        .Hint("Give a later start_time.");
  }
  return begin;
}

class Outcomes {
 public:
  Outcomes(std::span<const double> load, const analytics::ReplicaRules& rules, double step,
           bool series, v1::ReplayReplicasResponse& response)
      : load_(load), rules_(rules), step_(step), series_(series), response_(response) {}

  void Add(std::string name, const std::vector<int>& replicas) {
    const analytics::ReplayFigures figures =
        analytics::JudgeReplicas(load_, replicas, rules_, step_);
    v1::ReplayOutcome& outcome = *response_.add_outcomes();
    outcome.set_name(std::move(name));
    outcome.set_saturated_minutes(figures.saturated_minutes);
    outcome.set_saturated_share(figures.saturated_share);
    outcome.set_lost_load_share(figures.lost_load_share);
    outcome.set_pods_over_oracle(figures.pods_over_oracle);
    outcome.set_cost(figures.cost);
    outcome.set_mean_replicas(figures.mean_replicas);
    outcome.set_most_replicas(figures.most_replicas);
    outcome.set_change_count(static_cast<int32_t>(figures.changes));
    if (series_) outcome.mutable_replicas()->Add(replicas.begin(), replicas.end());
  }

 private:
  const std::span<const double> load_;
  const analytics::ReplicaRules& rules_;
  const double step_;
  const bool series_;
  v1::ReplayReplicasResponse& response_;
};

}  // namespace

absl::StatusOr<v1::ReplayReplicasResponse> ReplicaReplay::Replay(
    const base::Context& ctx, const v1::ReplayReplicasRequest& request) const {
  OPSMESH_RETURN_IF_ERROR(CheckTargets(request));
  v1::ReplayReplicasResponse response;
  type::v1::Ledger& ledger = *response.mutable_ledger();
  OPSMESH_ASSIGN_OR_RETURN(const PlanInputs inputs, sources_.Read(ctx, WantedOf(request), ledger));
  const analytics::LoadHistory history = inputs.load.history();
  OPSMESH_ASSIGN_OR_RETURN(const size_t begin, Begin(request, history));
  const PodCapacity capacity = inputs.Capacity(history.values.first(begin), true, ledger);
  analytics::ReplicaRules rules = inputs.rules;
  rules.capacity_qps = capacity.qps;

  const std::span<const double> replayed = history.values.subspan(begin);
  Outcomes outcomes(replayed, rules, history.step, request.include_replicas(), response);
  const analytics::ForestSource forests = forests_.Source();
  OPSMESH_ASSIGN_OR_RETURN(
      const analytics::PlanReplay plan,
      analytics::ReplayPlan(history, begin, rules, forests, [&ctx] { return ctx.Check(); }));
  outcomes.Add("plan", plan.replicas);
  // An autoscaler counts by what its pods request, the capacity by what they may use.
  const double share = inputs.facts ? inputs.facts->request_share : 1;
  for (const double target : Targets(request, inputs)) {
    const double of_capacity = std::clamp(target * share, 0.01, 1.0);
    outcomes.Add(fmt::format("hpa {:.3g}%", 100 * target),
                 analytics::ReplayAutoscaler(history, begin, rules, of_capacity));
  }
  outcomes.Add("oracle", analytics::Oracle(replayed, rules));
  const auto past = history.values.first(begin);
  const int peak = analytics::ReplicasFor(*std::max_element(past.begin(), past.end()), rules);
  outcomes.Add("static peak", std::vector<int>(replayed.size(), peak));

  response.set_start_time(history.TimeOf(begin));
  response.set_end_time(history.TimeOf(history.values.size() - 1));
  response.set_step_seconds(history.step);
  response.set_step_count(static_cast<int32_t>(replayed.size()));
  response.set_capacity_qps(capacity.qps);
  response.set_capacity_source(capacity.source);
  response.set_quantile(analytics::PlanQuantile(rules.shortage_cost));
  for (size_t term = 0; term < analytics::kPlanTerms; ++term) {
    (*response.mutable_decided_by())[std::string(analytics::NameOf(
        static_cast<analytics::PlanTerm>(term)))] = static_cast<int32_t>(plan.decided_by[term]);
  }
  *response.mutable_summary() = ReplaySummary(response, rules, plan.by_forest > 0);
  return response;
}

}  // namespace opsmesh::predict
