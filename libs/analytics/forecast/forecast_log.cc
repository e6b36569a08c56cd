#include "libs/analytics/forecast/forecast_log.h"

#include <algorithm>
#include <cmath>

namespace opsmesh::analytics {
namespace {

// How far one forecast's values move the logarithm of the width, when all of them came.
constexpr double kRate = 0.7;
constexpr double kLeast = 0.5, kMost = 3;
constexpr size_t kWaiting = 8;
// Forecasts closer together than this share of their horizon tell the same.
constexpr double kApart = 1.0 / 6;

// The value at a time, NaN when none is within half a step.
double ValueAt(const Series& history, double time, double step) {
  const auto after = std::lower_bound(history.times.begin(), history.times.end(), time);
  double best = std::nan(""), distance = step / 2;
  for (auto at = after == history.times.begin() ? after : after - 1;
       at != history.times.end() && at <= after; ++at) {
    if (std::abs(*at - time) > distance) continue;
    distance = std::abs(*at - time);
    best = history.values[static_cast<size_t>(at - history.times.begin())];
  }
  return best;
}

}  // namespace

void ForecastLog::Compare(const Series& history, Known& known) {
  if (history.times.empty()) return;
  for (Made& made : known.waiting) {
    const size_t from = made.compared;
    size_t to = from;
    while (to < made.times.size() && made.times[to] <= history.times.back()) ++to;
    if (to == from) continue;
    made.compared = to;
    for (const ForecastBand& band : made.bands) {
      size_t values = 0, inside = 0;
      for (size_t i = from; i < to; ++i) {
        const double value = ValueAt(history, made.times[i], made.step);
        if (!std::isfinite(value)) continue;
        ++values;
        inside += value >= band.lower[i] && value <= band.upper[i] ? 1 : 0;
      }
      if (values == 0) continue;
      LearntWidth& width = known.widths[band.level];
      const double outside = 1 - static_cast<double>(inside) / static_cast<double>(values);
      const double part = static_cast<double>(values) / static_cast<double>(made.times.size());
      width.level = band.level;
      width.factor = std::clamp(
          width.factor * std::exp(kRate * part * (outside - (1 - band.level))), kLeast, kMost);
      width.values += values;
      width.inside += inside;
    }
  }
  while (!known.waiting.empty() &&
         known.waiting.front().compared == known.waiting.front().times.size())
    known.waiting.pop_front();
}

void ForecastLog::Forget() {
  while (series_.size() > max_series_) {
    series_.erase(std::min_element(
        series_.begin(), series_.end(),
        [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
  }
}

std::vector<LearntWidth> ForecastLog::Adapt(const std::string& key, const Series& history,
                                            CombinedForecast& forecast) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Known& known = series_[key];
  known.used = ++uses_;
  Compare(history, known);
  std::vector<LearntWidth> learnt;
  const bool never_negative =
      std::none_of(history.values.begin(), history.values.end(), [](double v) { return v < 0; });
  for (ForecastBand& band : forecast.bands) {
    const auto found = known.widths.find(band.level);
    const LearntWidth width =
        found == known.widths.end() ? LearntWidth{.level = band.level} : found->second;
    for (size_t h = 0; h < forecast.mean.size() && width.values > 0; ++h) {
      const double mean = forecast.mean[h];
      band.lower[h] = mean + width.factor * (band.lower[h] - mean);
      if (never_negative) band.lower[h] = std::max(0.0, band.lower[h]);
      band.upper[h] = mean + width.factor * (band.upper[h] - mean);
    }
    learnt.push_back(width);
  }
  // A level's range holds those of the lower levels, whatever each learnt.
  for (size_t b = 1; b < forecast.bands.size(); ++b) {
    const ForecastBand& inner = forecast.bands[b - 1];
    ForecastBand& outer = forecast.bands[b];
    for (size_t h = 0; h < outer.lower.size(); ++h) {
      outer.lower[h] = std::min(outer.lower[h], inner.lower[h]);
      outer.upper[h] = std::max(outer.upper[h], inner.upper[h]);
    }
  }
  const double horizon = forecast.step_seconds * static_cast<double>(forecast.mean.size());
  const bool apart =
      known.waiting.empty() ||
      forecast.times.front() >= known.waiting.back().times.front() + kApart * horizon;
  if (apart) {
    known.waiting.push_back({forecast.step_seconds, forecast.times, forecast.bands, 0});
    if (known.waiting.size() > kWaiting) known.waiting.pop_front();
  }
  Forget();
  return learnt;
}

}  // namespace opsmesh::analytics
