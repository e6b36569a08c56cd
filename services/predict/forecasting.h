// Forecasts of series: from figures given with the request, or from a Prometheus query.
#pragma once

#include "absl/status/statusor.h"
#include "libs/analytics/forecast/forecast_log.h"
#include "libs/analytics/forecast/forecast_memo.h"
#include "libs/analytics/series.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"
#include "libs/http_client/http_client.h"
#include "opsmesh/predict/v1/forecast.pb.h"
#include "services/predict/config.h"

namespace opsmesh::predict {

/// Thread-safe. The same history given with a request gives the same answer; forecasts that were
/// made are kept for the next time. The intervals of a query's forecasts also learn from what
/// became of earlier forecasts of the same query, and the ledger says what they learnt.
class Forecasting {
 public:
  /// All must outlive it.
  Forecasting(const PredictConfig& config, http_client::Client& http, const base::Clock& clock)
      : config_(config), http_(http), clock_(clock) {}

  /// Errors as the RPC's comments say.
  absl::StatusOr<v1::ForecastSeriesResponse> Forecast(
      const base::Context& ctx, const v1::ForecastSeriesRequest& request) const;
  absl::StatusOr<v1::RunBacktestResponse> Backtest(const base::Context& ctx,
                                                   const v1::RunBacktestRequest& request) const;

  /// A history and where it came from.
  struct Sourced {
    analytics::Series series;
    type::v1::Ledger ledger;
  };
  /// What `query` yields over a window; the first series when there are several, and the ledger
  /// says so. FAILED_PRECONDITION (NO_PROMETHEUS), NOT_FOUND (NO_SERIES) when it yields none, and
  /// Prometheus' own errors.
  absl::StatusOr<Sourced> Read(const base::Context& ctx, const v1::PrometheusHistory& query) const;
  /// Exactly one of a history given with a request and a query. INVALID_ARGUMENT (HISTORY), and the
  /// errors of Read.
  absl::StatusOr<Sourced> Source(const base::Context& ctx, bool has_history,
                                 const type::v1::TimeSeries& history, bool has_query,
                                 const v1::PrometheusHistory& query) const;

  const PredictConfig& config_;
  http_client::Client& http_;
  const base::Clock& clock_;
  mutable analytics::ForecastMemo memo_;
  mutable analytics::ForecastLog log_;
};

}  // namespace opsmesh::predict
