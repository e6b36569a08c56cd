// Models that repeat what was: seasons as they were, averaged, or shifted to the level of the last
// hours.
#include <algorithm>
#include <cmath>

#include "libs/analytics/forecast/model.h"

namespace opsmesh::analytics::forecast {
namespace {

double MeanOf(std::span<const double> values, size_t from, size_t to) {
  double sum = 0;
  for (size_t i = from; i < to; ++i) sum += values[i];
  return to > from ? sum / static_cast<double>(to - from) : 0;
}

std::vector<double> Repeat(std::span<const double> values, size_t origin, size_t period,
                           size_t horizon) {
  std::vector<double> path(horizon);
  for (size_t h = 0; h < horizon; ++h) path[h] = values[origin - period + h % period];
  return path;
}

// How long a shift of the level is remembered: a quarter of the season. A third of an hour of
// samples would be noise, so the shift is measured over a twelfth of the season.
struct Shift {
  double amount = 0;
  double decay_samples = 1;
};

void AddShift(const Shift& shift, std::vector<double>& path) {
  const double factor = std::exp(-1.0 / shift.decay_samples);
  double left = shift.amount;
  for (double& value : path) {
    left *= factor;
    value += left;
  }
}

size_t ShiftWindow(const Problem& problem) { return std::max<size_t>(3, problem.season / 12); }
double ShiftDecay(const Problem& problem) {
  return std::max(1.0, static_cast<double>(problem.season) / 4);
}

template <typename Body>
Paths EachOrigin(const Problem& problem, size_t least, Body body) {
  Paths paths(problem.origins.size());
  for (size_t i = 0; i < paths.size(); ++i) {
    if (least > 0 && problem.origins[i] >= least) paths[i] = body(problem.origins[i]);
  }
  return paths;
}

// Median of each phase over the last `seasons` seasons before `origin`; phase 0 is the first sample
// after it.
std::vector<double> MedianSeason(std::span<const double> values, size_t origin, size_t season,
                                 size_t seasons) {
  std::vector<double> profile(season);
  std::vector<double> phase(seasons);
  for (size_t p = 0; p < season; ++p) {
    for (size_t k = 0; k < seasons; ++k) phase[k] = values[origin - (k + 1) * season + p];
    const auto middle = phase.begin() + static_cast<ptrdiff_t>(seasons / 2);
    std::nth_element(phase.begin(), middle, phase.end());
    double median = *middle;
    if (seasons % 2 == 0) median = (median + *std::max_element(phase.begin(), middle)) / 2;
    profile[p] = median;
  }
  return profile;
}

}  // namespace

Paths LastSeason(const Problem& problem) {
  return EachOrigin(problem, problem.season, [&](size_t origin) {
    return Repeat(problem.values, origin, problem.season, problem.horizon);
  });
}

Paths MeanSeason(const Problem& problem) {
  const size_t m = problem.season;
  return EachOrigin(problem, 2 * m, [&](size_t origin) {
    const size_t seasons = std::min<size_t>(4, origin / m);
    std::vector<double> path(problem.horizon);
    for (size_t h = 0; h < path.size(); ++h) {
      double weight = 1, total = 0, sum = 0;
      for (size_t k = 1; k <= seasons; ++k, weight *= 0.6) {
        sum += weight * problem.values[origin - k * m + h % m];
        total += weight;
      }
      path[h] = sum / total;
    }
    return path;
  });
}

Paths LastLongSeason(const Problem& problem) {
  return EachOrigin(problem, problem.long_season, [&](size_t origin) {
    return Repeat(problem.values, origin, problem.long_season, problem.horizon);
  });
}

Paths SeasonProfile(const Problem& problem) {
  const size_t m = problem.season;
  return EachOrigin(problem, 3 * m, [&](size_t origin) {
    const std::vector<double> profile =
        MedianSeason(problem.values, origin, m, std::min<size_t>(7, origin / m));
    const size_t window = std::min(ShiftWindow(problem), m);
    double error = 0;
    for (size_t i = 1; i <= window; ++i) error += problem.values[origin - i] - profile[m - i];
    std::vector<double> path(problem.horizon);
    for (size_t h = 0; h < path.size(); ++h) path[h] = profile[h % m];
    AddShift({error / static_cast<double>(window), ShiftDecay(problem)}, path);
    return path;
  });
}

Paths LongSeasonProfile(const Problem& problem) {
  const size_t w = problem.long_season;
  return EachOrigin(problem, w == 0 ? 0 : w + ShiftWindow(problem), [&](size_t origin) {
    const size_t window = ShiftWindow(problem);
    std::vector<double> path = Repeat(problem.values, origin, w, problem.horizon);
    const double shift = MeanOf(problem.values, origin - window, origin) -
                         MeanOf(problem.values, origin - w - window, origin - w);
    AddShift({shift, ShiftDecay(problem)}, path);
    return path;
  });
}

std::span<const Model> Pool() {
  static constexpr Model kPool[] = {
      {"last_season", &LastSeason},
      {"mean_season", &MeanSeason, false},
      {"last_week", &LastLongSeason},
      {"season_profile", &SeasonProfile},
      {"week_profile", &LongSeasonProfile},
      {"harmonics", &Harmonics},
      {"smoothing", &Smoothing},
      {"damped_trend", &DampedTrend},
      {"direct_linear", &DirectLinear},
      {"direct_trees", &DirectTrees},
      {"ets", &Ets, false},
  };
  return kPool;
}

}  // namespace opsmesh::analytics::forecast
