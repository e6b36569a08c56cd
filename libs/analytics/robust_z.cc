#include "libs/analytics/robust_z.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"
#include "libs/analytics/order_statistics.h"
#include "libs/base/error.h"

namespace opsmesh::analytics {
namespace {

// Makes the MAD of a normal distribution equal its standard deviation: 1 / quantile(0.75).
constexpr double kMadToSigma = 1.4826;
// Where 0.65 lies on the curve below when |z| equals the threshold.
const double kScoreRate = -std::log(1 - 0.65);

double Scale(std::span<const double> values, double median, const RobustZOptions& options) {
  const double mad = kMadToSigma * MedianAbsoluteDeviation(values, median);
  // The floor is relative to the level; a series around zero falls back to its mean deviation.
  double spread = 0;
  for (const double value : values) spread += std::abs(value - median);
  spread /= static_cast<double>(values.size());
  return std::max({mad, options.level_floor * std::abs(median), 0.1 * spread});
}

}  // namespace

absl::StatusOr<RobustZResult> DetectRobustZ(const Series& series, const RobustZOptions& options) {
  std::vector<double> usable;
  usable.reserve(series.values.size());
  for (const double value : series.values) {
    if (std::isfinite(value)) usable.push_back(value);
  }
  if (usable.size() < options.min_samples) {
    return base::FailedPrecondition("INSUFFICIENT_DATA",
                                    fmt::format("The series '{}' has {} usable samples of {}; at least {} are needed.",
                                                series.name, usable.size(), series.values.size(), options.min_samples))
        .Hint("Choose a longer window or a smaller step.");
  }
  RobustZResult result;
  result.sample_count = usable.size();
  result.missing_count = series.values.size() - usable.size();
  result.median = Median(usable);
  result.scale = Scale(usable, result.median, options);
  if (result.scale == 0) return result;  // constant: nothing can stand out
  for (size_t i = 0; i < series.values.size(); ++i) {
    const double value = series.values[i];
    if (!std::isfinite(value)) continue;
    const double z = (value - result.median) / result.scale;
    if (std::abs(z) < options.threshold) continue;
    const double score = 1 - std::exp(-kScoreRate * std::abs(z) / options.threshold);
    result.anomalies.push_back({i, series.times[i], value, z, score});
  }
  return result;
}

}  // namespace opsmesh::analytics
