#include "libs/analytics/forecast/lag_features.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace opsmesh::analytics::forecast {

LagFeatures::LagFeatures(const Problem& problem)
    : problem_(problem), sums_(problem.values.size() + 1) {
  for (size_t i = 0; i < problem.values.size(); ++i) sums_[i + 1] = sums_[i] + problem.values[i];
}

size_t LagFeatures::BaseIndex(size_t origin, size_t ahead) const {
  const size_t m = problem_.season;
  return origin - 1 + ahead - m * ((ahead + m - 1) / m);
}

LagFeatures::Row LagFeatures::At(size_t origin, size_t ahead) const {
  const auto& y = problem_.values;
  const size_t m = problem_.season;
  const size_t w = problem_.long_season;
  const size_t base_index = BaseIndex(origin, ahead);
  const double base = y[base_index];
  const auto lag = [&](size_t back, double otherwise) {
    return base_index >= back ? y[base_index - back] - base : otherwise;
  };
  const size_t brief = std::max<size_t>(1, m / 24);
  const size_t quarter = std::max<size_t>(1, m / 4);

  // How the last hour, quarter and whole of a season differ from a season before.
  const auto change = [&](size_t window) {
    return Mean(origin - window, origin) - Mean(origin - window - m, origin - m);
  };
  const double hour_change = change(brief);
  const double ratio = static_cast<double>(ahead) / static_cast<double>(m);
  const double time = problem_.TimeOf(origin - 1 + ahead);
  Row row;
  row[0] = lag(m, 0);
  row[1] = lag(2 * m, row[0]);
  row[2] = 0;
  if (w > 0) {
    const size_t week_back = w * ((ahead + w - 1) / w);
    const size_t index = origin - 1 + ahead;
    row[2] = index >= week_back ? y[index - week_back] - base : 0;
  }
  row[3] = hour_change;
  row[4] = change(quarter);
  row[5] = change(m);
  row[6] = hour_change * std::exp(-4 * ratio);
  row[7] = Mean(origin - m, origin) - base;
  row[8] = ratio;
  row[9] = std::fmod(time / (problem_.step * static_cast<double>(m)), 1.0);
  row[10] = std::fmod(std::floor(time / 86400) + 3, 7);
  row[11] = y[origin - 1] - base;
  return row;
}

std::vector<LagFeatures::Pair> LagFeatures::TrainingPairs(size_t end, size_t count) const {
  std::vector<Pair> pairs;
  const size_t first = least_history();
  if (end <= first + 1) return pairs;
  constexpr size_t kAheads = 6;
  const size_t stride = std::max<size_t>(1, (end - first) * kAheads / std::max<size_t>(count, 1));
  uint64_t state = 0x9E3779B97F4A7C15u;  // splitmix64: the same pairs every time
  for (size_t origin = first; origin + 1 <= end; origin += stride) {
    const size_t room = std::min(problem_.horizon, end - origin);
    if (room == 0) break;
    for (size_t k = 0; k < kAheads; ++k) {
      uint64_t z = (state += 0x9E3779B97F4A7C15u);
      z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
      z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
      z ^= z >> 31;
      // One ahead from each sixth of the horizon, so that near and far are learnt alike.
      const size_t low = k * room / kAheads;
      const size_t span = std::max<size_t>(1, (k + 1) * room / kAheads - low);
      pairs.push_back({origin, std::min(room, 1 + low + static_cast<size_t>(z % span))});
    }
  }
  return pairs;
}

}  // namespace opsmesh::analytics::forecast
