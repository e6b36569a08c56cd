// Forecasts a series: the median of a pool of models, weighted by how well each did on the recent
// past, with intervals from the errors the combination made there (split conformal prediction, Lei
// et al. 2018, with later errors counting more, Barber et al. 2023).
//
// Everything is a pure function of the request: no clock, no random state. The same request gives
// the same bytes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/analytics/series.h"

namespace opsmesh::analytics {

struct ForecastOptions {
  /// Seconds between samples of the history and of the forecast; 0 = the median distance of the
  /// history's times.
  double step_seconds = 0;
  /// Steps ahead, 1 to 2,016.
  size_t horizon = 24;
  /// Levels of the intervals, each in (0, 1). Answered narrowest first.
  std::vector<double> levels = {0.8, 0.95};
  /// Use this model alone ("seasonal_naive" is "last_season"); empty = the weighted combination.
  std::string model;
};

/// Lower and upper ends of one level, one a step.
struct ForecastBand {
  double level = 0;
  std::vector<double> lower;
  std::vector<double> upper;
};

/// How the same method did on the end of the history, forecasting from earlier times.
struct BacktestFigures {
  size_t origins = 0;  // times it was tried from; 0 = the history is too short for a back-test
  double mase = 0;  // mean absolute error by that of repeating the last season (of the last value
                    // without one)
  double smape_percent = 0;
  double coverage = 0;  // share of actual values inside the widest interval
  double msis = 0;      // mean scaled interval score of the widest interval
};

/// One model's part.
struct ModelShare {
  std::string name;
  double weight = 0;  // of the combination, sums to 1
  double mase = 0;    // its own error on the back-test; 0 when there was none
};

/// What moved the forecast, in the units of the series at its first step.
struct ForecastDriver {
  std::string name;  // "level", "day", "week", "recent_change"
  double effect = 0;
};

struct CombinedForecast {
  std::vector<double> times;  // epoch seconds
  std::vector<double> mean;
  std::vector<ForecastBand> bands;
  std::vector<ModelShare> models;  // heaviest first
  std::vector<ForecastDriver> drivers;
  BacktestFigures backtest;
  double step_seconds = 0;
  double season_seconds = 0;  // 0 = none was found
  bool has_week = false;
  size_t sample_count = 0;   // samples used, after they were put on the grid
  size_t missing_count = 0;  // grid points without a sample; filled from a season before
};

/// Names ForecastOptions::model may have, in a stable order.
std::vector<std::string> ForecastModels();

/// Forecasts. INVALID_ARGUMENT (HISTORY, HORIZON, LEVELS, MODEL) on a request that cannot be;
/// FAILED_PRECONDITION (HISTORY_TOO_SHORT) with fewer than 8 usable samples. With less than three
/// seasons only models without a season run.
absl::StatusOr<CombinedForecast> ForecastCombined(const Series& history,
                                                  const ForecastOptions& options);

}  // namespace opsmesh::analytics
