#include "libs/analytics/seasonal_naive.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"
#include "libs/analytics/order_statistics.h"
#include "libs/base/error.h"

namespace opsmesh::analytics {
namespace {

absl::Status CheckOptions(const SeasonalNaiveOptions& options) {
  if (options.season_length < 1 || options.horizon < 1) {
    return base::InvalidArgument("horizon", "OUT_OF_RANGE", "Season length and horizon must be at least 1.");
  }
  if (!(options.coverage > 0 && options.coverage < 1)) {
    return base::InvalidArgument("coverage", "OUT_OF_RANGE", "The coverage must lie between 0 and 1.");
  }
  return absl::OkStatus();
}

// Missing samples take what the rule itself would have said, so that they add no error of their own.
std::vector<double> Filled(const Series& series, size_t season) {
  std::vector<double> usable;
  for (const double value : series.values) {
    if (std::isfinite(value)) usable.push_back(value);
  }
  const double median = Median(usable);
  std::vector<double> filled = series.values;
  for (size_t i = 0; i < filled.size(); ++i) {
    if (!std::isfinite(filled[i])) filled[i] = i >= season ? filled[i - season] : median;
  }
  return filled;
}

}  // namespace

absl::StatusOr<Forecast> ForecastSeasonalNaive(const Series& series, const SeasonalNaiveOptions& options) {
  OPSMESH_RETURN_IF_ERROR(CheckOptions(options));
  const size_t season = options.season_length;
  const size_t count = series.values.size();
  if (count < 2 * season) {
    return base::FailedPrecondition("INSUFFICIENT_DATA",
                                    fmt::format("The series '{}' has {} samples; two seasons of {} are needed.",
                                                series.name, count, season))
        .Hint("Give a longer history.");
  }
  const std::vector<double> history = Filled(series, season);
  std::vector<double> errors;
  std::vector<double> magnitudes;
  double level = 0;
  for (size_t i = season; i < count; ++i) {
    const double error = history[i] - history[i - season];
    errors.push_back(error);
    magnitudes.push_back(std::abs(error));
    level += std::abs(history[i]);
  }
  Forecast forecast;
  forecast.residual_count = errors.size();
  for (const double magnitude : magnitudes) forecast.backtest_mae += magnitude;
  forecast.backtest_mae /= static_cast<double>(errors.size());
  level /= static_cast<double>(errors.size());
  forecast.backtest_percent = level > 0 ? 100 * forecast.backtest_mae / level : 0;

  const double tail = (1 - options.coverage) / 2;
  std::vector<double> sorted = errors;
  const double low = Quantile(sorted, tail);
  const double high = Quantile(sorted, 1 - tail);
  const auto inside = std::count_if(errors.begin(), errors.end(), [&](double e) { return e >= low && e <= high; });
  forecast.backtest_coverage = static_cast<double>(inside) / static_cast<double>(errors.size());

  const bool never_negative = *std::min_element(history.begin(), history.end()) >= 0;
  const double step = (series.times.back() - series.times.front()) / static_cast<double>(count - 1);
  for (size_t h = 1; h <= options.horizon; ++h) {
    const double mean = history[count - season + (h - 1) % season];
    // The errors of k seasons ahead add up like a random walk over seasons.
    const double widen = std::sqrt(static_cast<double>((h - 1) / season + 1));
    ForecastPoint point;
    point.time = series.times.back() + step * static_cast<double>(h);
    point.mean = mean;
    point.lower = mean + widen * low;
    point.upper = mean + widen * high;
    if (never_negative) point.lower = std::max(0.0, point.lower);
    forecast.points.push_back(point);
  }
  return forecast;
}

}  // namespace opsmesh::analytics
