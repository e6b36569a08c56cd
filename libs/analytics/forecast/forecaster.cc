#include "libs/analytics/forecast/forecaster.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "fmt/format.h"
#include "libs/analytics/forecast/history.h"
#include "libs/analytics/forecast/intervals.h"
#include "libs/analytics/forecast/model.h"
#include "libs/base/error.h"

namespace opsmesh::analytics {
namespace {

using forecast::History;
using forecast::Paths;
using forecast::Problem;
using forecast::Scale;

constexpr size_t kMostHorizon = 2016;
constexpr size_t kBacktests = 15;
constexpr double kOriginDecay = 0.8;  // weight of an origin against the next later one
constexpr double kSharpness = 2;      // weights go by error to this power

absl::Status Check(const ForecastOptions& options) {
  if (options.horizon < 1 || options.horizon > kMostHorizon) {
    return base::InvalidArgument(
        "horizon_steps", "HORIZON",
        fmt::format("The horizon must be 1 to {} steps, not {}.", kMostHorizon, options.horizon));
  }
  for (const double level : options.levels) {
    if (!(level > 0 && level < 1)) {
      return base::InvalidArgument("levels", "LEVELS",
                                   "Each level must lie above 0 and below 1, for instance 0.95.");
    }
  }
  const std::vector<std::string> known = ForecastModels();
  if (!options.model.empty() &&
      std::find(known.begin(), known.end(), options.model) == known.end()) {
    return base::InvalidArgument("model", "MODEL",
                                 fmt::format("There is no model '{}'.", options.model))
        .Hint(fmt::format("Use one of: {}; or leave it out.", fmt::join(known, ", ")));
  }
  return absl::OkStatus();
}

// Origins of the back-test, oldest first, and the end of the history. They lie a third of a season
// apart, so that every time of day begins a forecast, and none has less than three seasons (or half
// the history) before it.
std::vector<size_t> Origins(const History& history, size_t horizon) {
  const size_t count = history.values.size();
  const size_t spacing = history.season > 0 ? std::max<size_t>(1, history.season / 3)
                                            : std::max<size_t>(1, horizon / 2);
  const size_t least = history.season > 0 ? 3 * history.season : std::max<size_t>(8, count / 2);
  std::vector<size_t> origins{count};
  for (size_t i = 0; i < kBacktests; ++i) {
    const size_t back = horizon + i * spacing;
    if (back > count || count - back < least) break;
    origins.push_back(count - back);
  }
  std::reverse(origins.begin(), origins.end());
  return origins;
}

// A model's paths on the scale of the series.
struct Candidate {
  std::string name;
  Paths paths;
  double error = 0;  // mean absolute, over the back-test, later origins counting more
  double weight = 0;
};

double MeanAbsoluteError(const std::vector<double>& path, const double* actual) {
  double sum = 0;
  for (size_t h = 0; h < path.size(); ++h) sum += std::abs(path[h] - actual[h]);
  return sum / static_cast<double>(path.size());
}

std::vector<Candidate> RunPool(const History& history, const std::vector<size_t>& origins,
                               const ForecastOptions& options) {
  const Scale scale(history.values);
  std::vector<double> scaled;
  scaled.reserve(history.values.size());
  for (const double v : history.values) scaled.push_back(scale.To(v));
  Problem problem{.values = scaled,
                  .start_time = history.start_time,
                  .step = history.step,
                  .season = history.season,
                  .long_season = history.long_season,
                  .horizon = options.horizon,
                  .origins = origins};
  std::vector<Candidate> candidates;
  for (const forecast::Model& model : forecast::Pool()) {
    if (options.model.empty() ? !model.combined : options.model != model.name) continue;
    Candidate candidate{.name = std::string(model.name), .paths = model.run(problem)};
    if (candidate.paths.back().empty()) continue;
    bool finite = true;
    for (std::vector<double>& path : candidate.paths) {
      for (double& value : path) {
        value = scale.From(value);
        finite = finite && std::isfinite(value);
      }
    }
    if (finite) candidates.push_back(std::move(candidate));
  }
  return candidates;
}

void Weigh(const History& history, const std::vector<size_t>& origins,
           std::vector<Candidate>& candidates) {
  const size_t tests = origins.size() - 1;
  double total = 0;
  for (Candidate& candidate : candidates) {
    double sum = 0, weights = 0, weight = 1;
    for (size_t i = tests; i-- > 0; weight *= kOriginDecay) {
      if (candidate.paths[i].empty()) continue;
      sum += weight * MeanAbsoluteError(candidate.paths[i], &history.values[origins[i]]);
      weights += weight;
    }
    // A model that could not be tried counts little beside those that were, and all count alike
    // when none was.
    candidate.error = weights > 0 ? sum / weights : 0;
    candidate.weight = weights > 0 ? std::pow(1 / (candidate.error + 1e-9), kSharpness) : 0;
    total += candidate.weight;
  }
  for (Candidate& candidate : candidates) {
    candidate.weight =
        total > 0 ? candidate.weight / total : 1.0 / static_cast<double>(candidates.size());
  }
}

// Weighted median of values, each standing at the middle of its weight and the line between two
// neighbours followed. Sorts both in place by value; `count` >= 1.
double WeightedMedian(std::pair<double, double>* values, size_t count, double total) {
  std::sort(values, values + count);
  double below = 0;  // weight up to the middle of the value before
  for (size_t i = 0; i < count; ++i) {
    const double middle = below + values[i].second / 2;
    if (middle >= total / 2) {
      if (i == 0) return values[0].first;
      const double before = below - values[i - 1].second / 2;
      const double part = (total / 2 - before) / std::max(middle - before, 1e-300);
      return values[i - 1].first + part * (values[i].first - values[i - 1].first);
    }
    below += values[i].second;
  }
  return values[count - 1].first;
}

// The weighted median of the models, step by step: what is scored is the absolute error, which the
// median minimises, and one model that runs away moves a mean but not a median (Jose and Winkler,
// "Simple robust averages of forecasts", 2008).
std::vector<double> Combine(const std::vector<Candidate>& candidates, size_t origin,
                            size_t horizon) {
  std::vector<const Candidate*> present;
  double total = 0;
  for (const Candidate& candidate : candidates) {
    if (candidate.paths[origin].empty() || candidate.weight <= 0) continue;
    present.push_back(&candidate);
    total += candidate.weight;
  }
  if (present.empty()) return {};
  std::vector<double> combined(horizon);
  std::vector<std::pair<double, double>> values(present.size());
  for (size_t h = 0; h < horizon; ++h) {
    for (size_t i = 0; i < present.size(); ++i)
      values[i] = {present[i]->paths[origin][h], present[i]->weight};
    combined[h] = WeightedMedian(values.data(), values.size(), total);
  }
  return combined;
}

// The first step of the forecast as a sum: the level of the last season, what its time of day and
// of the week add (from the seasons before), and the rest, which is what changed of late.
std::vector<ForecastDriver> Drivers(const History& history, double first) {
  const std::vector<double>& values = history.values;
  const size_t m = history.season;
  const size_t count = values.size();
  const auto mean_of = [&](size_t from, size_t to) {
    return std::accumulate(values.begin() + static_cast<ptrdiff_t>(from),
                           values.begin() + static_cast<ptrdiff_t>(to), 0.0) /
           static_cast<double>(to - from);
  };
  std::vector<ForecastDriver> drivers;
  double rest = first;
  const auto add = [&](std::string_view name, double effect) {
    drivers.push_back({std::string(name), effect});
    rest -= effect;
  };
  add("level", mean_of(count - std::min(count, m > 0 ? m : size_t{8}), count));
  if (m > 0) {
    const size_t seasons = std::min<size_t>(7, count / m);
    double phase = 0;
    for (size_t k = 1; k <= seasons; ++k)
      phase += values[count - k * m] / static_cast<double>(seasons);
    add("day", phase - mean_of(count - seasons * m, count));
    if (const size_t w = history.long_season; w > 0) add("week", values[count - w] - phase);
  }
  drivers.push_back({"recent_change", rest});
  return drivers;
}

}  // namespace

std::vector<std::string> ForecastModels() {
  std::vector<std::string> names;
  for (const forecast::Model& model : forecast::Pool()) names.emplace_back(model.name);
  return names;
}

absl::StatusOr<CombinedForecast> ForecastCombined(const Series& series,
                                                  const ForecastOptions& options) {
  OPSMESH_RETURN_IF_ERROR(Check(options));
  OPSMESH_ASSIGN_OR_RETURN(const History history,
                           forecast::Regularise(series, options.step_seconds));
  const std::vector<size_t> origins = Origins(history, options.horizon);
  std::vector<Candidate> candidates = RunPool(history, origins, options);
  if (candidates.empty()) {
    return base::FailedPrecondition("HISTORY_TOO_SHORT",
                                    fmt::format("The model '{}' cannot forecast from {} samples.",
                                                options.model, history.sample_count))
        .Hint("Give a longer history, or leave the model out.");
  }
  Weigh(history, origins, candidates);

  CombinedForecast result;
  result.mean = Combine(candidates, origins.size() - 1, options.horizon);
  forecast::Backtest backtest;
  for (size_t i = 0; i + 1 < origins.size(); ++i) {
    std::vector<double> mean = Combine(candidates, i, options.horizon);
    if (!mean.empty()) backtest.push_back({std::move(mean), &history.values[origins[i]]});
  }
  result.bands = forecast::Intervals(history, result.mean, backtest, options.levels);
  result.backtest = forecast::Measure(history, backtest, options.levels);
  for (size_t h = 1; h <= options.horizon; ++h) {
    result.times.push_back(history.start_time +
                           history.step * static_cast<double>(history.values.size() - 1 + h));
  }
  for (const Candidate& candidate : candidates) {
    result.models.push_back(
        {candidate.name, candidate.weight, candidate.error / forecast::NaiveScale(history)});
  }
  std::stable_sort(result.models.begin(), result.models.end(),
                   [](const auto& a, const auto& b) { return a.weight > b.weight; });
  result.drivers = Drivers(history, result.mean.front());
  result.step_seconds = history.step;
  result.season_seconds = history.step * static_cast<double>(history.season);
  result.has_week = history.long_season > 0;
  result.sample_count = history.sample_count;
  result.missing_count = history.missing_count;
  return result;
}

}  // namespace opsmesh::analytics
