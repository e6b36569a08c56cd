#include "libs/analytics/replicas/replay.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "libs/base/error.h"

namespace opsmesh::analytics {
namespace {

// Serving pods `delay` steps after an order: the fewest of the orders since.
std::vector<int> Serving(std::span<const int> replicas, size_t delay) {
  std::vector<int> serving(replicas.size());
  for (size_t i = 0; i < replicas.size(); ++i) {
    const size_t from = i > delay ? i - delay : 0;
    serving[i] = *std::min_element(replicas.begin() + static_cast<ptrdiff_t>(from),
                                   replicas.begin() + static_cast<ptrdiff_t>(i + 1));
  }
  return serving;
}

}  // namespace

NextStepForecast::NextStepForecast(const LoadHistory& history, const ReplicaRules& rules,
                                   const ForestSource& forests)
    : history_(history),
      forests_(forests),
      lead_(LeadSteps(rules.pod_start_seconds, history.step)),
      quantile_(PlanQuantile(rules.shortage_cost)) {}

NextStep NextStepForecast::After(size_t known) {
  const std::pair<size_t, size_t> range = TrainingRange(history_, known);
  if (forest_ == nullptr || range != range_) {
    range_ = range;
    const LoadHistory training{
        .values = history_.values.subspan(range.first, range.second - range.first),
        .start_time = history_.TimeOf(range.first),
        .step = history_.step};
    forest_ = forests_(training, lead_);
    // Rows of the past alone are ever read from it.
    view_ = std::make_unique<LoadView>(history_, forest_->offset());
  }
  if (!forest_->ready()) {
    const double last = std::max(0.0, history_.values[known - 1]);
    return {.mean = last, .planned = last};
  }
  const LoadForest::Outlook ahead = forest_->Ahead(*view_, known, quantile_);
  return {.mean = ahead.mean, .planned = ahead.planned, .by_forest = true};
}

ReplayFigures JudgeReplicas(std::span<const double> load, std::span<const int> replicas,
                            const ReplicaRules& rules, double step_seconds) {
  ReplayFigures figures;
  const size_t count = std::min(load.size(), replicas.size());
  if (count == 0) return figures;
  const double delay = std::max(0.0, rules.pod_start_seconds) / step_seconds;
  const double late =
      delay - std::floor(delay);  // share of a step in which the newest pods do not serve yet
  const std::vector<int> soon = Serving(replicas, static_cast<size_t>(delay));
  const std::vector<int> later =
      late > 0 ? Serving(replicas, static_cast<size_t>(delay) + 1) : soon;
  double need_sum = 0, ordered_sum = 0, load_sum = 0, lost = 0, missing = 0, excess = 0,
         saturated = 0;
  for (size_t i = 0; i < count; ++i) {
    const int need = ReplicasFor(load[i], rules);
    const auto part = [&](int serving, double share) {
      const double beyond = load[i] - serving * rules.capacity_qps;
      saturated += beyond > 0 ? share : 0;
      lost += share * std::max(0.0, beyond);
      missing += share * std::max(0, need - serving);
    };
    part(soon[i], 1 - late);
    if (late > 0) part(later[i], late);
    excess += std::max(0, replicas[i] - need);
    need_sum += need;
    ordered_sum += replicas[i];
    load_sum += load[i];
    figures.most_replicas = std::max(figures.most_replicas, replicas[i]);
    figures.changes += i > 0 && replicas[i] != replicas[i - 1] ? 1 : 0;
  }
  const auto steps = static_cast<double>(count);
  figures.saturated_minutes = saturated * step_seconds / 60;
  figures.saturated_share = saturated / steps;
  figures.lost_load_share = load_sum > 0 ? lost / load_sum : 0;
  figures.pods_over_oracle = ordered_sum / need_sum;
  figures.cost = (rules.shortage_cost * missing + excess) / need_sum;
  figures.mean_replicas = ordered_sum / steps;
  return figures;
}

absl::StatusOr<PlanReplay> ReplayPlan(const LoadHistory& history, size_t begin,
                                      const ReplicaRules& rules, const ForestSource& forests,
                                      const std::function<absl::Status()>& check) {
  PlanReplay replay;
  NextStepForecast forecast(history, rules, forests);
  ReplicaPlanner planner(rules, history.step, ReplicasFor(history.values[begin - 1], rules));
  for (size_t known = begin; known < history.values.size(); ++known) {
    if ((known - begin) % 64 == 0) OPSMESH_RETURN_IF_ERROR(check());
    const NextStep next = forecast.After(known);
    const PlanDecision decision = planner.Next(next.planned, history.values[known - 1]);
    replay.replicas.push_back(decision.replicas);
    ++replay.decided_by[static_cast<size_t>(decision.term)];
    replay.by_forest += next.by_forest ? 1 : 0;
  }
  return replay;
}

std::vector<int> ReplayAutoscaler(const LoadHistory& history, size_t begin,
                                  const ReplicaRules& rules, double target) {
  ReplicaRules at_target = rules;
  at_target.target_utilization = target;
  Autoscaler autoscaler({.target_utilization = target, .least = rules.least, .most = rules.most},
                        history.step, ReplicasFor(history.values[begin - 1], at_target));
  std::vector<int> replicas;
  for (size_t known = begin; known < history.values.size(); ++known) {
    const double last = std::max(0.0, history.values[known - 1]);
    replicas.push_back(autoscaler.Next(last / (autoscaler.replicas() * rules.capacity_qps)));
  }
  return replicas;
}

std::vector<int> Oracle(std::span<const double> load, const ReplicaRules& rules) {
  std::vector<int> replicas;
  for (const double qps : load) replicas.push_back(ReplicasFor(qps, rules));
  return replicas;
}

}  // namespace opsmesh::analytics
