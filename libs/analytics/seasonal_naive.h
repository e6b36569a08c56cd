// Seasonal naive forecast: the value one season earlier, with intervals from the errors the same rule made in the past
// (Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", 3rd ed., sections 5.2 and 5.5).
#pragma once

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/analytics/series.h"

namespace opsmesh::analytics {

struct SeasonalNaiveOptions {
  size_t season_length = 24;   // samples in a season, >= 1
  size_t horizon = 24;         // samples ahead, >= 1
  double coverage = 0.95;      // of the interval, in (0, 1)
};

/// One forecast sample.
struct ForecastPoint {
  double time = 0;    // epoch seconds
  double mean = 0;
  double lower = 0;   // never below 0 when the history never is
  double upper = 0;
};

/// A forecast that knows its error.
struct Forecast {
  std::vector<ForecastPoint> points;
  /// Mean absolute error of the same rule over the history, and in percent of the mean absolute value.
  double backtest_mae = 0;
  double backtest_percent = 0;
  /// Share of past samples inside the interval the rule would have given.
  double backtest_coverage = 0;
  size_t residual_count = 0;
};

/// Forecasts an evenly spaced series; missing samples take the value one season earlier, or the median.
/// FAILED_PRECONDITION (INSUFFICIENT_DATA) with fewer than two seasons, INVALID_ARGUMENT on options out of range.
absl::StatusOr<Forecast> ForecastSeasonalNaive(const Series& series, const SeasonalNaiveOptions& options);

}  // namespace opsmesh::analytics
