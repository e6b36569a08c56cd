// Exponential smoothing in the additive error form: a level, one or two seasons and an AR(1) error
// (Taylor, "Short-term electricity demand forecasting using double seasonal exponential smoothing",
// 2003), and the damped trend without a season (Gardner and McKenzie, 1985). The parameters
// minimise the clipped one-step error; a pass is O(samples).
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "libs/analytics/forecast/exponential_smoothing.h"
#include "libs/analytics/forecast/model.h"

namespace opsmesh::analytics::forecast {
namespace {

// Level, season, long season, AR(1) of the error; for the damped trend: level, trend, damping,
// unused.
using Parameters = std::array<double, 4>;

// Errors beyond this many running mean absolute errors are cut: an outlier must not move the level.
constexpr double kClip = 5;

class Clip {
 public:
  double operator()(double error) {
    const double cut = seen_ < 24 ? error : std::clamp(error, -kClip * mean_, kClip * mean_);
    const double weight = std::max(0.01, 1.0 / (seen_ + 1));
    mean_ += weight * (std::abs(cut) - mean_);
    ++seen_;
    return cut;
  }

 private:
  double mean_ = 0;
  double seen_ = 0;
};

struct Seasonal {
  double level = 0;
  std::vector<double> season;
  std::vector<double> long_season;
  double error = 0;
};

Seasonal Initial(const Problem& problem) {
  Seasonal state;
  const size_t m = problem.season;
  const size_t seasons =
      std::min<size_t>(problem.long_season > 0 ? 7 : 3, problem.values.size() / m);
  const size_t count = seasons * m;
  for (size_t i = 0; i < count; ++i) state.level += problem.values[i];
  state.level /= static_cast<double>(count);
  state.season.assign(m, 0);
  for (size_t i = 0; i < count; ++i)
    state.season[i % m] += (problem.values[i] - state.level) / static_cast<double>(seasons);
  if (problem.long_season > 0) state.long_season.assign(problem.long_season, 0);
  return state;
}

// One pass over the history; calls `at(origin, state)` when an origin is reached. Returns the mean
// absolute clipped error after the first season (or the first long one).
template <typename AtOrigin>
double SeasonalPass(const Problem& problem, const Parameters& p, Seasonal state, AtOrigin at) {
  const size_t m = problem.season;
  const size_t w = problem.long_season;
  Clip clip;
  double loss = 0;
  size_t next = 0;
  size_t phase = 0, long_phase = 0;
  const size_t warm = w > 0 ? std::min(w, problem.values.size() / 2) : m;
  for (size_t i = 0; i <= problem.values.size(); ++i) {
    while (next < problem.origins.size() && problem.origins[next] == i)
      at(next++, state, phase, long_phase);
    if (i == problem.values.size()) break;
    double& season = state.season[phase];
    double* const long_season = w > 0 ? &state.long_season[long_phase] : nullptr;
    const double fitted = state.level + season + (long_season ? *long_season : 0);
    const double raw = problem.values[i] - fitted;
    const double innovation = clip(raw - p[3] * state.error);
    state.error = p[3] * state.error + innovation;
    state.level += p[0] * innovation;
    season += p[1] * innovation;
    if (long_season) *long_season += p[2] * innovation;
    if (i >= warm) loss += innovation * innovation;
    if (++phase == m) phase = 0;
    if (w > 0 && ++long_phase == w) long_phase = 0;
  }
  return loss;
}

struct Trend {
  double level = 0;
  double slope = 0;
};

template <typename AtOrigin>
double TrendPass(const Problem& problem, const Parameters& p, AtOrigin at) {
  Trend state{problem.values[0], 0};
  Clip clip;
  double loss = 0;
  size_t next = 0;
  for (size_t i = 0; i <= problem.values.size(); ++i) {
    while (next < problem.origins.size() && problem.origins[next] == i) at(next++, state);
    if (i == problem.values.size()) break;
    const double innovation = clip(problem.values[i] - state.level - p[2] * state.slope);
    state.level += p[2] * state.slope + p[0] * innovation;
    state.slope = p[2] * state.slope + p[1] * innovation;
    loss += innovation * innovation;
  }
  return loss;
}

// Pattern search: one parameter at a time, halving the step. Deterministic, no gradient.
template <typename Loss>
Parameters Search(Parameters best, const Parameters& low, const Parameters& high, Loss loss) {
  double least = loss(best);
  Parameters step;
  for (size_t i = 0; i < step.size(); ++i) step[i] = (high[i] - low[i]) / 4;
  for (int round = 0; round < 4; ++round) {
    for (size_t i = 0; i < best.size(); ++i) {
      if (step[i] == 0) continue;
      for (const double direction : {1.0, -1.0}) {
        Parameters trial = best;
        trial[i] = std::clamp(best[i] + direction * step[i], low[i], high[i]);
        if (trial[i] == best[i]) continue;
        const double value = loss(trial);
        if (value < least) {
          least = value;
          best = trial;
          break;
        }
      }
    }
    for (double& s : step) s /= 2;
  }
  return best;
}

}  // namespace

Paths Smoothing(const Problem& problem) {
  Paths paths(problem.origins.size());
  const size_t m = problem.season;
  if (m < 2 || problem.values.size() < 3 * m) return paths;
  const Seasonal initial = Initial(problem);
  const auto nothing = [](size_t, const Seasonal&, size_t, size_t) {};
  const Parameters low{0, 0, 0, 0};
  const Parameters high{0.5, 0.6, problem.long_season > 0 ? 0.6 : 0, 0.98};
  const Parameters best =
      Search({0.05, 0.2, problem.long_season > 0 ? 0.2 : 0, 0.5}, low, high,
             [&](const Parameters& p) { return SeasonalPass(problem, p, initial, nothing); });
  SeasonalPass(problem, best, initial,
               [&](size_t i, const Seasonal& state, size_t phase, size_t long_phase) {
                 if (problem.origins[i] < 3 * m) return;
                 double error = state.error;
                 for (size_t h = 0; h < problem.horizon; ++h) {
                   error *= best[3];
                   double value = state.level + state.season[(phase + h) % m] + error;
                   if (problem.long_season > 0)
                     value += state.long_season[(long_phase + h) % problem.long_season];
                   paths[i].push_back(value);
                 }
               });
  return paths;
}

Paths DampedTrend(const Problem& problem) {
  Paths paths(problem.origins.size());
  // A line through a season forecasts nothing: this model is for what has none.
  if (problem.season > 0 || problem.values.size() < 8) return paths;
  const auto nothing = [](size_t, const Trend&) {};
  const Parameters best =
      Search({0.3, 0.05, 0.9, 0}, {0.01, 0, 0.8, 0}, {0.99, 0.3, 0.98, 0},
             [&](const Parameters& p) { return TrendPass(problem, p, nothing); });
  TrendPass(problem, best, [&](size_t i, const Trend& state) {
    if (problem.origins[i] < 8) return;
    double slope = state.slope, level = state.level;
    for (size_t h = 0; h < problem.horizon; ++h) {
      slope *= best[2];
      level += slope;
      paths[i].push_back(level);
    }
  });
  return paths;
}

// The fit of the back-test is learnt once, from what was known at its first origin, and moved on;
// that of the forecast from all.
Paths Ets(const Problem& problem) {
  Paths paths(problem.origins.size());
  std::optional<SmoothingFit> past;
  size_t known = 0;
  for (size_t i = 0; i + 1 < paths.size(); ++i) {
    const size_t origin = problem.origins[i];
    if (!past) {
      past = FitBestSmoothing(problem.values.first(origin), problem.season);
      known = origin;
      if (!past) continue;
    }
    for (; known < origin; ++known) past->Advance(problem.values[known]);
    paths[i] = past->Forecast(problem.horizon);
  }
  if (const auto now = FitBestSmoothing(problem.values, problem.season))
    paths.back() = now->Forecast(problem.horizon);
  return paths;
}

}  // namespace opsmesh::analytics::forecast
