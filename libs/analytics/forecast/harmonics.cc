// Ridge regression on harmonics of the season and the week, the calendar and a line, plus the
// decaying recent error.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "libs/analytics/forecast/linear.h"
#include "libs/analytics/forecast/model.h"

namespace opsmesh::analytics::forecast {
namespace {

constexpr int kSeasonHarmonics = 4;
constexpr int kWeekHarmonics = 3;
constexpr size_t kColumns = 2 + 2 * kSeasonHarmonics + 2 * kWeekHarmonics + 1;
using Row = std::array<double, kColumns>;

Row RowAt(const Problem& problem, size_t index) {
  const double day = problem.step * static_cast<double>(problem.season);
  const double t = problem.TimeOf(index);
  Row row{};
  size_t column = 0;
  row[column++] = 1;
  row[column++] = (t - problem.start_time) / (30 * 86400.0);
  for (int k = 1; k <= kSeasonHarmonics; ++k) {
    const double phase = 2 * std::numbers::pi * k * t / day;
    row[column++] = std::sin(phase);
    row[column++] = std::cos(phase);
  }
  if (problem.long_season > 0) {
    const double week = problem.step * static_cast<double>(problem.long_season);
    for (int k = 1; k <= kWeekHarmonics; ++k) {
      const double phase = 2 * std::numbers::pi * k * t / week;
      row[column++] = std::sin(phase);
      row[column++] = std::cos(phase);
    }
    // 1970-01-01 was a Thursday: day 2 of the week that begins on Monday is 5 and 6 from it.
    row[column] = std::fmod(std::floor(t / 86400) + 3, 7) >= 5 ? 1 : 0;
  }
  return row;
}

}  // namespace

Paths Harmonics(const Problem& problem) {
  Paths paths(problem.origins.size());
  const size_t m = problem.season;
  if (m < 4) return paths;
  const size_t last = problem.values.size() + problem.horizon;
  std::vector<Row> rows(last);
  for (size_t i = 0; i < last; ++i) rows[i] = RowAt(problem, i);

  Ridge ridge(kColumns, 1e-3);
  const auto value = [](const Row& row, const std::vector<double>& beta) {
    double sum = 0;
    for (size_t c = 0; c < kColumns; ++c) sum += row[c] * beta[c];
    return sum;
  };
  size_t known = 0;
  for (size_t i = 0; i < problem.origins.size(); ++i) {
    const size_t origin = problem.origins[i];
    for (; known < origin; ++known) ridge.Add(rows[known], problem.values[known]);
    if (origin < 5 * m) continue;
    const std::vector<double> beta = ridge.Solve();
    if (beta.empty()) continue;
    const size_t window = std::max<size_t>(3, m / 12);
    double error = 0;
    for (size_t k = 1; k <= window; ++k)
      error += problem.values[origin - k] - value(rows[origin - k], beta);
    error /= static_cast<double>(window);
    const double factor = std::exp(-4.0 / static_cast<double>(m));
    for (size_t h = 0; h < problem.horizon; ++h) {
      error *= factor;
      paths[i].push_back(value(rows[origin + h], beta) + error);
    }
  }
  return paths;
}

}  // namespace opsmesh::analytics::forecast
