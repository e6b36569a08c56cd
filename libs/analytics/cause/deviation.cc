#include "libs/analytics/cause/deviation.h"

#include <algorithm>
#include <cmath>

#include "libs/analytics/order_statistics.h"

namespace opsmesh::analytics {
namespace {

constexpr double kMadToSigma = 1.4826;
// Falls count less than rises: most faults raise something.
constexpr double kDownWeight = 0.7;

}  // namespace

double LeastSpread(const KnownNoise& noise, double before, double after) {
  const double least = std::max(noise.least_spread, noise.least_share * std::abs(before));
  if (!(noise.counted_over > 0)) return least;
  // (after - before) / spread = (sqrt(n after) - sqrt(n before)) / (1/2)
  const auto root = [&](double rate) {
    return std::sqrt(std::max(0.0, rate) * noise.counted_over);
  };
  return std::max(least, (root(before) + root(after)) / (2 * noise.counted_over));
}

Deviation RobustDeviation(std::span<const double> before, std::span<const double> after,
                          std::vector<double>& scratch, const KnownNoise& noise) {
  Deviation result;
  scratch.clear();
  double sum = 0;
  for (const double value : before) {
    if (!std::isfinite(value)) continue;
    scratch.push_back(value);
    sum += value;
  }
  result.before_count = scratch.size();
  if (scratch.size() < kMinBefore) return result;
  const double count = static_cast<double>(scratch.size());
  const double mean = sum / count;
  double squares = 0;
  for (const double value : scratch) squares += (value - mean) * (value - mean);
  const double sigma = std::sqrt(squares / count);
  const double median = Quantile(scratch, 0.5);
  for (double& value : scratch) value = std::abs(value - median);
  const double mad = kMadToSigma * Quantile(scratch, 0.5);
  result.before = median;

  scratch.clear();
  sum = 0;
  for (const double value : after) {
    if (!std::isfinite(value)) continue;
    scratch.push_back(value - median);
    sum += value;
  }
  result.after_count = scratch.size();
  if (scratch.size() < kMinAfter) return result;
  result.after = sum / static_cast<double>(scratch.size());
  const double rise = Quantile(scratch, 0.8);
  const double fall = -Quantile(scratch, 0.2);
  const bool rose = rise >= kDownWeight * fall;
  // The floor knows both levels: a metric that was 0 and is 1 has not moved by 10^9 spreads.
  result.spread =
      std::max({mad, 0.3 * sigma, 1e-3 * (std::abs(median) + std::abs(result.after)) + 1e-9,
                LeastSpread(noise, median, median + (rose ? rise : -fall))});
  const double up = rise / result.spread;
  const double down = fall / result.spread;
  result.z = rose ? up : -down;
  result.score = std::log1p(std::max(0.0, std::max(up, kDownWeight * down)));
  return result;
}

}  // namespace opsmesh::analytics
