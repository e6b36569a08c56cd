// Intervals by split conformal prediction: the errors of the back-test, a bucket of the horizon at
// a time.
#pragma once

#include <cstddef>
#include <vector>

#include "libs/analytics/forecast/forecaster.h"
#include "libs/analytics/forecast/history.h"

namespace opsmesh::analytics::forecast {

/// A forecast made from an earlier time, and what came.
struct BacktestPath {
  std::vector<double> mean;
  const double* actual;  // mean.size() values of the history
};
using Backtest = std::vector<BacktestPath>;

/// One band a level, narrowest first. Without a back-test the errors of repeating the last season
/// (or value) stand in.
std::vector<ForecastBand> Intervals(const History& history, const std::vector<double>& mean,
                                    const Backtest& backtest, const std::vector<double>& levels);

/// Mean absolute difference between a value and the one a season (or, without a season, a sample)
/// before: the unit of mase.
double NaiveScale(const History& history);

/// How the back-test went; coverage and score are those of the widest level, each origin judged by
/// the errors of the others.
BacktestFigures Measure(const History& history, const Backtest& backtest,
                        const std::vector<double>& levels);

}  // namespace opsmesh::analytics::forecast
