#include "services/predict/instances.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "libs/analytics/forecast/forecaster.h"
#include "libs/analytics/replicas/replay.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/predict/plan_text.h"
#include "services/predict/replica_rules.h"

namespace opsmesh::predict {

struct InstancePrediction::Expectation {
  double qps = 0;       // expected
  double plan_qps = 0;  // what is planned for
  double confidence = 0;
  std::string model = "reactive";
  bool too_far = false;  // the time asked for is not within the next seven days
};

struct InstancePrediction::Basis {
  std::optional<Load> load;
  absl::Status trouble;  // why there is none
  std::optional<int> running;
  PodCapacity capacity;
  analytics::ReplicaRules rules;
};

namespace {

// The load is read no longer than this: the reactive rule answers without it.
constexpr absl::Duration kMostReading = absl::Seconds(8);

// Beyond this a load that is stated has nothing to do with the one that was measured.
constexpr double kMostShift = 1000;
constexpr int64_t kStepSeconds = 300;
constexpr absl::Duration kLongestAhead = absl::Hours(7 * 24);

// The levels answered, and the one whose upper end is planned for further ahead.
analytics::ForecastOptions Levels(const analytics::ReplicaRules& rules, size_t horizon,
                                  double step) {
  const double plan = 2 * analytics::PlanQuantile(rules.shortage_cost) - 1;
  return {.step_seconds = step, .horizon = horizon, .levels = {plan, 0.8, 0.95}};
}

std::string Capitalised(std::string_view text) {
  std::string upper(text);
  if (!upper.empty() && upper[0] >= 'a' && upper[0] <= 'z')
    upper[0] = static_cast<char>(upper[0] - 'a' + 'A');
  return upper;
}

void Describe(const PodCapacity& capacity, const analytics::ReplicaRules& rules,
              analytics::PlanTerm term, double plan_qps, bool too_far,
              v1::PredictResponse& response) {
  const std::string_view name = analytics::NameOf(term);
  std::string en = Capitalised(TermInEnglish(name));
  std::string zh(TermInChinese(name));
  if (term == analytics::PlanTerm::kForecast) {
    en += fmt::format(": {:.4g} requests/s are expected and {:.4g} planned for.",
                      response.predicted_qps(), plan_qps);
    zh += fmt::format("：预计 {:.4g} 次请求/秒，按 {:.4g} 规划。", response.predicted_qps(),
                      plan_qps);
  } else {
    en += fmt::format(": {:.4g} requests/s.", response.current_qps());
    zh += fmt::format("：{:.4g} 次请求/秒。", response.current_qps());
  }
  if (too_far) {
    en += " The time asked for is not within the next seven days, so nothing was forecast.";
    zh += "所问时间不在未来七天之内，因此没有预测。";
  } else if (response.model() == "reactive") {
    en += " There is too little history for a forecast, so the reactive rule was used.";
    zh += "历史不足，无法预测，采用反应式规则。";
  }
  en += fmt::format(" One instance is taken to serve {:g} requests/s ({}), used to {:.0f} %.",
                    capacity.qps, SourceInEnglish(capacity.source), 100 * rules.target_utilization);
  zh += fmt::format("每个实例按 {:g} 次请求/秒（{}）、利用率 {:.0f}% 计算。", capacity.qps,
                    SourceInChinese(capacity.source), 100 * rules.target_utilization);
  if (response.capped()) {
    en += fmt::format(" More than the configured most of {} would be needed.", rules.most);
    zh += fmt::format("需求超过配置上限 {}。", rules.most);
  }
  response.mutable_reason()->set_en(std::move(en));
  response.mutable_reason()->set_zh(std::move(zh));
}

absl::Status Check(const v1::PredictRequest& request) {
  if (request.has_current_qps() &&
      !(request.current_qps() >= 0 && std::isfinite(request.current_qps()))) {
    return base::InvalidArgument("current_qps", "QPS", "current_qps must be 0 or more.");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<InstancePrediction::Basis> InstancePrediction::Read(
    const base::Context& caller, const v1::PredictRequest& request, absl::Time now,
    type::v1::Ledger& ledger) const {
  Basis basis;
  const base::Context ctx = caller.WithTimeout(kMostReading);
  if (request.has_workload()) {
    absl::StatusOr<PlanInputs> inputs =
        sources_.Read(ctx, {.workload = &request.workload(), .step_seconds = kStepSeconds}, ledger);
    if (inputs.ok()) {
      basis.capacity = inputs->Capacity({}, false, ledger);
      basis.rules = inputs->rules;
      basis.rules.capacity_qps = basis.capacity.qps;
      basis.running = inputs->running;
      basis.load = std::move(inputs->load);
      return basis;
    }
    if (base::DetailOf(inputs.status()).reason == "WORKLOAD" ||
        absl::IsPermissionDenied(inputs.status()))
      return inputs.status();
    basis.trouble = inputs.status();
  } else {
    absl::StatusOr<Forecasting::Sourced> sourced =
        forecasting_.Read(ctx, LoadQuery(config_, nullptr, now, kStepSeconds));
    absl::StatusOr<Load> load =
        sourced.ok() ? OnGrid(*std::move(sourced), kStepSeconds) : sourced.status();
    if (load.ok()) {
      ledger.MergeFrom(load->sourced.ledger);
      basis.load = *std::move(load);
    } else {
      basis.trouble = load.status();
    }
  }
  if (absl::IsDeadlineExceeded(basis.trouble) && caller.Check().ok()) {
    basis.trouble = base::Error(
        absl::StatusCode::kDeadlineExceeded, "PROMETHEUS_SLOW",
        fmt::format("Prometheus did not answer within {}.", absl::FormatDuration(kMostReading)));
  }
  basis.capacity = ChooseCapacity(config_, std::nullopt, std::nullopt, {});
  basis.rules = ConfiguredRules(config_, basis.capacity);
  if (!basis.trouble.ok()) {
    NotChecked(ledger, "prometheus",
               request.has_workload() ? request.workload().name() : config_.qps_query,
               base::ToStd(basis.trouble.message()));
  }
  return basis;
}

// The load at the time asked for: the next step from the load forest, later ones from the
// combination of forecasts, whose ranges are answered in both cases.
InstancePrediction::Expectation InstancePrediction::Expect(const Load& load, double current_qps,
                                                           absl::Duration ahead,
                                                           const analytics::ReplicaRules& rules,
                                                           v1::PredictResponse& response) const {
  const analytics::LoadHistory history = load.history();
  const auto steps =
      static_cast<size_t>(std::max<int64_t>(1, absl::ToInt64Seconds(ahead) / kStepSeconds));
  const absl::StatusOr<analytics::CombinedForecast> forecast = analytics::ForecastCombined(
      load.sourced.series, Levels(rules, std::min<size_t>(steps, 2016), history.step));
  if (!forecast.ok()) {
    NotChecked(*response.mutable_ledger(), "forecast", "the load",
               base::ToStd(forecast.status().message()));
    return {.qps = current_qps, .plan_qps = current_qps};
  }
  // A load the caller states replaces what Prometheus saw last: the forecast moves with it.
  const double seen = history.values.back();
  const double shift = seen > 0 ? std::min(current_qps / seen, kMostShift) : 1;
  const size_t last = forecast->mean.size() - 1;
  for (size_t i = 1; i < forecast->bands.size(); ++i) {
    v1::Interval& interval = *response.add_intervals();
    interval.set_level(forecast->bands[i].level);
    interval.set_lower(shift * forecast->bands[i].lower[last]);
    interval.set_upper(shift * forecast->bands[i].upper[last]);
  }
  double planned = forecast->bands[0].upper[last];
  if (steps == 1) {
    const analytics::ForestSource forests = forests_.Source();
    analytics::NextStepForecast near(history, rules, forests);
    if (const analytics::NextStep next = near.After(history.values.size()); next.by_forest)
      planned = next.planned;
  }
  return {.qps = shift * forecast->mean[last],
          .plan_qps = shift * planned,
          .confidence = forecast->backtest.coverage,
          .model = "combination"};
}

absl::StatusOr<v1::PredictResponse> InstancePrediction::Predict(
    const base::Context& ctx, const v1::PredictRequest& request) const {
  OPSMESH_RETURN_IF_ERROR(Check(request));
  const absl::Time now = clock_.Now();
  const absl::Time when =
      request.has_timestamp() ? absl::FromUnixSeconds(request.timestamp().seconds()) : now;
  v1::PredictResponse response;
  response.mutable_timestamp()->set_seconds(absl::ToUnixSeconds(when));
  type::v1::Ledger& ledger = *response.mutable_ledger();
  OPSMESH_ASSIGN_OR_RETURN(const Basis basis, Read(ctx, request, now, ledger));
  if (!basis.load && !request.has_current_qps()) {
    return base::FailedPrecondition("NO_LOAD_SOURCE",
                                    fmt::format("No load is given and none can be read: {}",
                                                base::ToStd(basis.trouble.message())))
        .Hint("POST {\"current_qps\": …}, or set PROMETHEUS_HOST and predict.qps_query.");
  }
  if (basis.running) response.set_current_instances(*basis.running);
  const double current =
      request.has_current_qps() ? request.current_qps() : basis.load->history().values.back();
  response.set_current_qps(current);

  const PodCapacity& capacity = basis.capacity;
  const analytics::ReplicaRules& rules = basis.rules;
  Expectation expected{.qps = current, .plan_qps = current};
  const absl::Duration ahead = std::max(when - now, absl::Seconds(kStepSeconds));
  if (basis.load && ahead <= kLongestAhead && when >= now - absl::Hours(1)) {
    expected = Expect(*basis.load, current, ahead, rules, response);
  } else if (basis.load) {
    expected.too_far = true;
    NotChecked(ledger, "forecast", "the load",
               "The time asked for is not within the next seven days.");
  }
  analytics::ReplicaPlanner planner(rules, kStepSeconds, 0);
  const analytics::PlanDecision decision = planner.Next(expected.plan_qps, current);
  response.set_reactive_instances(decision.reactive);
  response.set_instances(decision.replicas);
  response.set_capped(decision.capped);
  response.set_predicted_qps(expected.qps);
  response.set_confidence(expected.confidence);
  response.set_model(expected.model);
  Describe(capacity, rules, decision.term, expected.plan_qps, expected.too_far, response);
  return response;
}

}  // namespace opsmesh::predict
