#include "services/predict/forecasting.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "libs/analytics/forecast/forecaster.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/prometheus/client.h"
#include "libs/prometheus/series_reader.h"

namespace opsmesh::predict {
namespace {

using analytics::CombinedForecast;
using analytics::ForecastOptions;

constexpr double kDefaultStep = 300;
// Two weeks of samples every 15 s are more than a forecast needs: then one every five minutes.
constexpr size_t kMaxRawSamples = 20'000;
constexpr absl::Duration kDefaultWindow = absl::Hours(14 * 24);

absl::Time TimeOf(const google::protobuf::Timestamp& stamp) {
  return absl::FromUnixSeconds(stamp.seconds()) + absl::Nanoseconds(stamp.nanos());
}

void Checked(type::v1::Ledger& ledger, std::string_view source, std::string subject) {
  type::v1::LedgerEntry& entry = *ledger.add_checked();
  entry.set_source(std::string(source));
  entry.set_subject(std::move(subject));
}

void FillPoints(const CombinedForecast& forecast, v1::ForecastSeriesResponse& response) {
  for (size_t h = 0; h < forecast.mean.size(); ++h) {
    v1::ForecastPoint& point = *response.add_points();
    point.set_time(forecast.times[h]);
    point.set_mean(forecast.mean[h]);
    for (const analytics::ForecastBand& band : forecast.bands) {
      v1::Interval& interval = *point.add_intervals();
      interval.set_level(band.level);
      interval.set_lower(band.lower[h]);
      interval.set_upper(band.upper[h]);
    }
  }
}

std::string Season(double seconds, bool english) {
  if (seconds <= 0) return english ? "no repeating pattern was found" : "没有发现周期";
  if (seconds == 86400) return english ? "it repeats daily" : "按天重复";
  return english ? fmt::format("it repeats every {:.0f} s", seconds)
                 : fmt::format("每 {:.0f} 秒重复", seconds);
}

void FillSummary(const CombinedForecast& forecast, v1::ForecastSeriesResponse& response) {
  const auto [low, high] = std::minmax_element(forecast.mean.begin(), forecast.mean.end());
  const std::string& model = forecast.models.front().name;
  std::string en = fmt::format(
      "{} steps of {:g} s ahead from {} samples: between {:.4g} and {:.4g}; {}; heaviest model {}.",
      forecast.mean.size(), forecast.step_seconds, forecast.sample_count, *low, *high,
      Season(forecast.season_seconds, true), model);
  std::string zh = fmt::format(
      "根据 {} 个样本向前预测 {} 步（每步 {:g} 秒）：在 {:.4g} 与 {:.4g} "
      "之间；{}；权重最大的模型是 {}。",
      forecast.sample_count, forecast.mean.size(), forecast.step_seconds, *low, *high,
      Season(forecast.season_seconds, false), model);
  const analytics::BacktestFigures& past = forecast.backtest;
  if (past.origins > 0) {
    en += fmt::format(
        " Tried from {} earlier times its error was {:.2f} of repeating the last season, and "
        "{:.0f} % of what came lay inside the widest range.",
        past.origins, past.mase, 100 * past.coverage);
    zh += fmt::format(
        "从过去 {} 个时刻回测，误差是重复上一周期的 {:.2f} 倍，{:.0f}% 的实际值落在最宽区间内。",
        past.origins, past.mase, 100 * past.coverage);
  } else {
    en += " The history is too short to try the method on the past: take the ranges with care.";
    zh += "历史太短，无法回测，区间仅供参考。";
  }
  response.mutable_summary()->set_en(std::move(en));
  response.mutable_summary()->set_zh(std::move(zh));
}

void FillFigures(const CombinedForecast& forecast, v1::ForecastSeriesResponse& response) {
  v1::ForecastBacktest& backtest = *response.mutable_backtest();
  backtest.set_origin_count(static_cast<int32_t>(forecast.backtest.origins));
  backtest.set_mase(forecast.backtest.mase);
  backtest.set_smape_percent(forecast.backtest.smape_percent);
  backtest.set_coverage(forecast.backtest.coverage);
  backtest.set_msis(forecast.backtest.msis);
  for (const analytics::ForecastDriver& driver : forecast.drivers) {
    v1::ForecastDriver& out = *response.add_drivers();
    out.set_name(driver.name);
    out.set_effect(driver.effect);
  }
  for (const analytics::ModelShare& share : forecast.models) {
    v1::ModelShare& out = *response.add_models();
    out.set_name(share.name);
    out.set_weight(share.weight);
    out.set_mase(share.mase);
  }
  response.set_step_seconds(forecast.step_seconds);
  if (forecast.season_seconds > 0) response.set_season_seconds(forecast.season_seconds);
}

// What the intervals learnt from forecasts made before: the widest level's.
void NoteLearnt(const std::vector<analytics::LearntWidth>& learnt, type::v1::Ledger& ledger) {
  if (learnt.empty() || learnt.back().values == 0) return;
  const analytics::LearntWidth& width = learnt.back();
  type::v1::LedgerEntry entry;
  entry.set_source("forecasts made before");
  entry.set_subject(fmt::format(
      "{:.0f} % of {} values lay inside the {:g} % range, which is now {:.2f} times as wide",
      100 * static_cast<double>(width.inside) / static_cast<double>(width.values), width.values,
      100 * width.level, width.factor));
  entry.set_shown_count(static_cast<int64_t>(width.inside));
  entry.set_total_count(static_cast<int64_t>(width.values));
  // The entry of the history stays the last one.
  ledger.mutable_checked()->Add(std::move(entry));
  if (ledger.checked_size() > 1)
    ledger.mutable_checked()->SwapElements(ledger.checked_size() - 1, ledger.checked_size() - 2);
}

void NoteGaps(const CombinedForecast& forecast, type::v1::Ledger& ledger) {
  type::v1::LedgerEntry& entry = *ledger.mutable_checked(ledger.checked_size() - 1);
  entry.set_shown_count(static_cast<int64_t>(forecast.sample_count));
  entry.set_total_count(static_cast<int64_t>(forecast.sample_count + forecast.missing_count));
}

}  // namespace

absl::StatusOr<Forecasting::Sourced> Forecasting::Read(const base::Context& ctx,
                                                       const v1::PrometheusHistory& query) const {
  if (config_.prometheus.base_url.empty()) {
    return base::FailedPrecondition("NO_PROMETHEUS",
                                    "No Prometheus is configured, so its history cannot be read.")
        .Hint("Set PROMETHEUS_HOST (prometheus.url), or give the history with the request.");
  }
  const absl::Time end = query.has_end_time() ? TimeOf(query.end_time()) : clock_.Now();
  const absl::Time start =
      query.has_start_time() ? TimeOf(query.start_time()) : end - kDefaultWindow;
  OPSMESH_ASSIGN_OR_RETURN(const prometheus::SeriesQuery understood,
                           prometheus::UnderstandQuery(query.query()));
  const prometheus::Client client(http_, {.address = config_.prometheus.base_url});
  prometheus::RangeSeries first;
  size_t count = 0;
  OPSMESH_ASSIGN_OR_RETURN(
      const prometheus::SeriesRead read,
      prometheus::ReadSeries(ctx, client, understood,
                             {.start = start,
                              .end = end,
                              .step_seconds = static_cast<double>(query.step_seconds()),
                              .range_step_seconds = kDefaultStep,
                              .max_raw_samples = kMaxRawSamples},
                             [&](prometheus::RangeSeries series) {
                               if (count++ == 0) first = std::move(series);
                               return absl::OkStatus();
                             }));
  if (count == 0) {
    return base::NotFound(
               "NO_SERIES",
               fmt::format("Prometheus has no samples for '{}' in the window.", query.query()))
        .Hint("Check the metric's name and labels in Prometheus, or give another query.");
  }
  Sourced sourced;
  sourced.series.name = query.query();
  sourced.series.times = std::move(first.times);
  sourced.series.values = std::move(first.values);
  Checked(sourced.ledger, "prometheus", query.query());
  if (count > 1) {
    type::v1::LedgerEntry& rest = *sourced.ledger.add_not_checked();
    rest.set_source("prometheus");
    rest.set_subject(query.query());
    rest.set_reason(fmt::format(
        "The query yields {} series; the first one was used. Add sum() around it to join them.",
        count));
  }
  for (const std::string& note : read.notes) {
    type::v1::LedgerEntry& partial = *sourced.ledger.add_failed();
    partial.set_source("prometheus");
    partial.set_subject(query.query());
    partial.set_reason(note);
  }
  if (!read.ended_early.ok()) {
    type::v1::LedgerEntry& partial = *sourced.ledger.add_failed();
    partial.set_source("prometheus");
    partial.set_subject(query.query());
    partial.set_reason(std::string(base::ToStd(read.ended_early.message())));
  }
  return sourced;
}

absl::StatusOr<Forecasting::Sourced> Forecasting::Source(const base::Context& ctx, bool has_history,
                                                         const type::v1::TimeSeries& history,
                                                         bool has_query,
                                                         const v1::PrometheusHistory& query) const {
  if (has_history == has_query) {
    return base::InvalidArgument(
               "history", "HISTORY",
               has_history ? "Both 'history' and 'prometheus' are given; give one of them."
                           : "There is no history to forecast from.")
        .Hint("Give history: {times, values}, or prometheus: {query}.");
  }
  if (has_query) return Read(ctx, query);
  Sourced sourced;
  sourced.series.name = history.metric();
  sourced.series.times.assign(history.times().begin(), history.times().end());
  sourced.series.values.assign(history.values().begin(), history.values().end());
  Checked(sourced.ledger, "request", "history");
  return sourced;
}

absl::StatusOr<v1::ForecastSeriesResponse> Forecasting::Forecast(
    const base::Context& ctx, const v1::ForecastSeriesRequest& request) const {
  OPSMESH_ASSIGN_OR_RETURN(Sourced sourced, Source(ctx, request.has_history(), request.history(),
                                                   request.has_prometheus(), request.prometheus()));
  ForecastOptions options;
  options.step_seconds = request.step_seconds();
  if (request.horizon_steps() < 1) {
    return base::InvalidArgument("horizon_steps", "HORIZON", "horizon_steps must be at least 1.");
  }
  options.horizon = static_cast<size_t>(request.horizon_steps());
  if (request.levels_size() > 0)
    options.levels.assign(request.levels().begin(), request.levels().end());
  options.model = request.model();
  OPSMESH_ASSIGN_OR_RETURN(const std::shared_ptr<const CombinedForecast> kept,
                           memo_.Forecast(sourced.series, options));
  CombinedForecast forecast = *kept;
  if (request.has_prometheus() && !forecast.mean.empty()) {
    const std::string key = fmt::format("{} {} {} {}", request.prometheus().query(),
                                        forecast.step_seconds, options.horizon, options.model);
    NoteLearnt(log_.Adapt(key, sourced.series, forecast), sourced.ledger);
  }
  v1::ForecastSeriesResponse response;
  FillPoints(forecast, response);
  FillFigures(forecast, response);
  FillSummary(forecast, response);
  *response.mutable_ledger() = std::move(sourced.ledger);
  NoteGaps(forecast, *response.mutable_ledger());
  return response;
}

absl::StatusOr<v1::RunBacktestResponse> Forecasting::Backtest(
    const base::Context& ctx, const v1::RunBacktestRequest& request) const {
  OPSMESH_ASSIGN_OR_RETURN(Sourced sourced, Source(ctx, request.has_history(), request.history(),
                                                   request.has_prometheus(), request.prometheus()));
  if (request.horizon_steps() < 1) {
    return base::InvalidArgument("horizon_steps", "HORIZON", "horizon_steps must be at least 1.");
  }
  std::vector<std::string> models(request.models().begin(), request.models().end());
  if (models.empty()) {
    models = analytics::ForecastModels();
    models.push_back("combination");
  }
  v1::RunBacktestResponse response;
  for (const std::string& model : models) {
    OPSMESH_RETURN_IF_ERROR(ctx.Check());
    ForecastOptions options{.step_seconds = request.step_seconds(),
                            .horizon = static_cast<size_t>(request.horizon_steps()),
                            .levels = {0.95},
                            .model = model == "combination" ? "" : model};
    const absl::StatusOr<CombinedForecast> forecast =
        analytics::ForecastCombined(sourced.series, options);
    if (!forecast.ok()) {
      // A model that needs more history is left out and said; a request that is wrong for every
      // model is refused.
      if (forecast.status().code() == absl::StatusCode::kInvalidArgument || models.size() == 1)
        return forecast.status();
      type::v1::LedgerEntry& entry = *sourced.ledger.add_not_checked();
      entry.set_source("model");
      entry.set_subject(model);
      entry.set_reason(std::string(forecast.status().message()));
      continue;
    }
    v1::BacktestScore& score = *response.add_scores();
    score.set_model(model);
    score.set_mase(forecast->backtest.mase);
    score.set_smape_percent(forecast->backtest.smape_percent);
    score.set_coverage(forecast->backtest.coverage);
    score.set_msis(forecast->backtest.msis);
    response.set_origin_count(
        std::max(response.origin_count(), static_cast<int32_t>(forecast->backtest.origins)));
  }
  if (response.origin_count() == 0) {
    return base::FailedPrecondition("HISTORY_TOO_SHORT",
                                    "The history is too short to try a forecast on its end.")
        .Hint("Give more than three days, or a shorter horizon.");
  }
  std::stable_sort(response.mutable_scores()->begin(), response.mutable_scores()->end(),
                   [](const auto& a, const auto& b) { return a.mase() < b.mase(); });
  const v1::BacktestScore& best = response.scores(0);
  response.mutable_summary()->set_en(fmt::format(
      "Best of {} on {} earlier times: {}, with {:.2f} of the error of repeating the last season.",
      response.scores_size(), response.origin_count(), best.model(), best.mase()));
  response.mutable_summary()->set_zh(
      fmt::format("在 {} 个过去时刻上比较 {} 个模型，最好的是 {}，误差是重复上一周期的 {:.2f} 倍。",
                  response.origin_count(), response.scores_size(), best.model(), best.mase()));
  *response.mutable_ledger() = std::move(sourced.ledger);
  return response;
}

}  // namespace opsmesh::predict
