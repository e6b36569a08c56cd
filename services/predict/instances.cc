#include "services/predict/instances.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::predict {
namespace {

constexpr int64_t kStepSeconds = 300;
constexpr absl::Duration kLongestAhead = absl::Hours(7 * 24);
// Ten to one: a missing pod costs ten times one too many (newsvendor), so the load planned for is
// its 91st percentile, the upper end of a central interval of 82 %.
constexpr double kPlanLevel = 0.82;

struct Outlook {
  double qps = 0;       // expected
  double plan_qps = 0;  // what is planned for
  double confidence = 0;
  std::string model = "reactive";
};

void Describe(const PredictConfig& config, const Outlook& outlook, v1::PredictResponse& response) {
  const bool reactive = outlook.model == "reactive";
  const bool forecast_decides = !reactive && response.instances() > response.reactive_instances();
  std::string en =
      forecast_decides
          ? fmt::format(
                "The forecast decides: {:.4g} requests/s are expected and {:.4g} planned for.",
                outlook.qps, outlook.plan_qps)
          : fmt::format("The load of this moment decides: {:.4g} requests/s.",
                        response.current_qps());
  std::string zh = forecast_decides
                       ? fmt::format("由预测决定：预计 {:.4g} 次请求/秒，按 {:.4g} 规划。",
                                     outlook.qps, outlook.plan_qps)
                       : fmt::format("由当前负载决定：{:.4g} 次请求/秒。", response.current_qps());
  if (reactive) {
    en += " There is too little history for a forecast, so the reactive rule was used.";
    zh += "历史不足，无法预测，采用反应式规则。";
  }
  en += fmt::format(" One instance is taken to serve {:g} requests/s ({}), used to {:.0f} %.",
                    config.capacity_qps,
                    config.capacity_is_assumed ? "assumed; set predict.capacity_qps" : "configured",
                    100 * config.target_utilization);
  zh += fmt::format("每个实例按 {:g} 次请求/秒（{}）、利用率 {:.0f}% 计算。", config.capacity_qps,
                    config.capacity_is_assumed ? "假定值，请设置 predict.capacity_qps" : "配置值",
                    100 * config.target_utilization);
  if (response.capped()) {
    en +=
        fmt::format(" More than the configured most of {} would be needed.", config.max_instances);
    zh += fmt::format("需求超过配置上限 {}。", config.max_instances);
  }
  response.mutable_reason()->set_en(std::move(en));
  response.mutable_reason()->set_zh(std::move(zh));
}

void NotChecked(type::v1::Ledger& ledger, std::string_view subject, std::string_view reason) {
  type::v1::LedgerEntry& entry = *ledger.add_not_checked();
  entry.set_source("prometheus");
  entry.set_subject(std::string(subject));
  entry.set_reason(std::string(reason));
}

}  // namespace

int InstancePrediction::Need(double qps, bool* capped) const {
  const double need =
      std::ceil(std::max(0.0, qps) / (config_.capacity_qps * config_.target_utilization) - 1e-9);
  *capped = *capped || need > config_.max_instances;
  return static_cast<int>(std::clamp(need, static_cast<double>(config_.min_instances),
                                     static_cast<double>(config_.max_instances)));
}

absl::StatusOr<v1::PredictResponse> InstancePrediction::Predict(
    const base::Context& ctx, const v1::PredictRequest& request) const {
  if (request.has_current_qps() &&
      !(request.current_qps() >= 0 && std::isfinite(request.current_qps()))) {
    return base::InvalidArgument("current_qps", "QPS", "current_qps must be 0 or more.");
  }
  const absl::Time now = clock_.Now();
  const absl::Time when =
      request.has_timestamp() ? absl::FromUnixSeconds(request.timestamp().seconds()) : now;
  v1::PredictResponse response;
  response.mutable_timestamp()->set_seconds(absl::ToUnixSeconds(when));

  v1::PrometheusHistory query;
  query.set_query(config_.qps_query);
  query.set_step_seconds(kStepSeconds);
  query.mutable_end_time()->set_seconds(absl::ToUnixSeconds(now));
  absl::StatusOr<Forecasting::Sourced> history = forecasting_.Read(ctx, query);
  if (!history.ok() && !request.has_current_qps()) {
    return base::FailedPrecondition("NO_LOAD_SOURCE",
                                    fmt::format("No load is given and none can be read: {}",
                                                std::string(history.status().message())))
        .Hint("POST {\"current_qps\": …}, or set PROMETHEUS_HOST and predict.qps_query.");
  }
  if (history.ok())
    *response.mutable_ledger() = history->ledger;
  else
    NotChecked(*response.mutable_ledger(), config_.qps_query, base::ToStd(history.status().message()));
  const double current = request.has_current_qps()        ? request.current_qps()
                         : history->series.values.empty() ? 0
                                                          : history->series.values.back();
  response.set_current_qps(current);

  Outlook outlook{.qps = current, .plan_qps = current};
  const absl::Duration ahead = std::max(when - now, absl::Seconds(kStepSeconds));
  if (history.ok() && ahead <= kLongestAhead && when >= now - absl::Hours(1)) {
    v1::ForecastSeriesRequest forecast;
    forecast.mutable_history()->mutable_times()->Add(history->series.times.begin(),
                                                     history->series.times.end());
    forecast.mutable_history()->mutable_values()->Add(history->series.values.begin(),
                                                      history->series.values.end());
    forecast.set_step_seconds(static_cast<double>(kStepSeconds));
    const auto steps =
        static_cast<int32_t>(std::max<int64_t>(1, absl::ToInt64Seconds(ahead) / kStepSeconds));
    forecast.set_horizon_steps(std::min(steps, 2016));
    forecast.add_levels(kPlanLevel);
    forecast.add_levels(0.95);
    const absl::StatusOr<v1::ForecastSeriesResponse> series = forecasting_.Forecast(ctx, forecast);
    if (series.ok()) {
      const v1::ForecastPoint& point = *series->points().rbegin();
      // A load the caller states replaces what Prometheus saw last: the forecast moves with it.
      const double seen = history->series.values.empty() ? 0 : history->series.values.back();
      const double shift = request.has_current_qps() && seen > 0 ? current / seen : 1;
      outlook = {.qps = shift * point.mean(),
                 .plan_qps = shift * point.intervals(0).upper(),
                 .confidence = series->backtest().coverage(),
                 .model = "combination"};
      for (v1::Interval interval : point.intervals()) {
        interval.set_lower(shift * interval.lower());
        interval.set_upper(shift * interval.upper());
        *response.add_intervals() = interval;
      }
    } else {
      NotChecked(*response.mutable_ledger(), "forecast", base::ToStd(series.status().message()));
    }
  } else if (history.ok()) {
    NotChecked(*response.mutable_ledger(), "forecast",
               "The time asked for is not within the next seven days.");
  }
  bool capped = false;
  response.set_reactive_instances(Need(current, &capped));
  response.set_instances(std::max(response.reactive_instances(), Need(outlook.plan_qps, &capped)));
  response.set_capped(capped);
  response.set_predicted_qps(outlook.qps);
  response.set_confidence(outlook.confidence);
  response.set_model(outlook.model);
  Describe(config_, outlook, response);
  return response;
}

}  // namespace opsmesh::predict
