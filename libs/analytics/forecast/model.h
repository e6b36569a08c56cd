// What a forecasting model sees and gives. Internal to libs/analytics/forecast.
//
// Every model forecasts from several origins in one call: the last origin is the forecast asked
// for, the others are the back-test from which weights and intervals come. What costs much (a fit,
// a filter pass) is shared by all origins.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace opsmesh::analytics::forecast {

/// An evenly spaced history without gaps, on the scale models work on (see scale.h).
struct Problem {
  std::span<const double> values;
  double start_time = 0;   // epoch seconds of values[0]
  double step = 300;       // seconds between samples
  size_t season = 0;       // samples of the main season, 0 = none
  size_t long_season = 0;  // samples of the longer one (a week), 0 = none or too little history
  size_t horizon = 1;      // samples ahead
  /// Numbers of known samples, rising; the last is values.size(). A forecast from origin o uses
  /// values[0, o) only.
  std::vector<size_t> origins;

  double TimeOf(size_t index) const { return start_time + step * static_cast<double>(index); }
};

/// One path of `horizon` values an origin; an empty path where the history before it is too short.
using Paths = std::vector<std::vector<double>>;

struct Model {
  std::string_view name;
  Paths (*run)(const Problem& problem);
  /// False: runs only when it is asked for by name; what it says the others say better.
  bool combined = true;
};

/// All models, in the order answers name them.
std::span<const Model> Pool();

// The families, one file each.
Paths LastSeason(const Problem& problem);  // y[t - m]
Paths MeanSeason(const Problem& problem);  // exponentially decayed mean of the last four seasons
Paths LastLongSeason(const Problem& problem);  // y[t - 7 m]
Paths SeasonProfile(
    const Problem& problem);  // median season, shifted to the recent level, the shift decays
Paths LongSeasonProfile(const Problem& problem);
Paths Harmonics(const Problem& problem);  // ridge on harmonics of day and week and the calendar
Paths Smoothing(
    const Problem& problem);  // exponential smoothing with one or two seasons and an AR(1) error
Paths DampedTrend(const Problem& problem);  // exponential smoothing without a season
Paths Ets(
    const Problem& problem);  // the best of six additive forms of exponential smoothing by AICc
Paths DirectLinear(
    const Problem& problem);  // regression on seasonal lags and level changes, horizon by features
Paths DirectTrees(const Problem& problem);  // boosted trees on the same features

}  // namespace opsmesh::analytics::forecast
