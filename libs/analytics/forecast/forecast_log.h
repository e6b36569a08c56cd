// What became of the forecasts that were made: intervals of a series that was forecast before are
// widened or narrowed until as many values lie inside as they promise.
//
// The adaptive step of Gibbs and Candes ("Adaptive conformal inference under distribution shift",
// 2021) on the width instead of the level: after a forecast's values came, log(width) moves by
// kRate x (share outside - share that may lie outside). Whatever the series does, the share outside
// comes near what was promised in the long run.
//
// Bounded: series beyond the limit replace what was asked for longest ago; of a series at most
// eight forecasts wait for their values, made at least a sixth of their horizon apart, so that
// asking often counts no more than asking seldom. In memory only. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "libs/analytics/forecast/forecaster.h"
#include "libs/analytics/series.h"

namespace opsmesh::analytics {

/// How wide the intervals of one level should be, and why.
struct LearntWidth {
  double level = 0;
  double factor = 1;  // 0.5 to 3, of the width that the back-test gives
  size_t values = 0;  // that came since they were forecast
  size_t inside = 0;  // of these
};

class ForecastLog {
 public:
  explicit ForecastLog(size_t max_series = 256) : max_series_(max_series) {}

  /// Compares what was forecast under `key` with the history as it is now (finite values, times
  /// within half a step), scales the bands of `forecast` by what was learnt, and remembers them.
  /// One entry a band; factor 1 and no values when nothing came yet.
  std::vector<LearntWidth> Adapt(const std::string& key, const Series& history,
                                 CombinedForecast& forecast);

 private:
  struct Made {
    double step = 0;
    std::vector<double> times;
    std::vector<ForecastBand> bands;
    size_t compared = 0;  // leading points that were compared
  };
  struct Known {
    std::deque<Made> waiting;
    std::map<double, LearntWidth> widths;  // by level
    uint64_t used = 0;
  };
  static void Compare(const Series& history, Known& known);
  void Forget();

  const size_t max_series_;
  std::mutex mutex_;
  std::map<std::string, Known> series_;
  uint64_t uses_ = 0;
};

}  // namespace opsmesh::analytics
