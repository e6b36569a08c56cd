#include "libs/analytics/cause/onset.h"

#include <algorithm>
#include <cmath>

#include "libs/analytics/order_statistics.h"

namespace opsmesh::analytics {
namespace {

constexpr size_t kMinColumns = 10;
constexpr double kMadToSigma = 1.4826;
// Jumps below this are everyday noise and add nothing.
constexpr double kQuiet = 2;
// log1p(jump) is cut here: e^4 spreads say no more than e^5.
constexpr double kLoud = 4;
// Share of the samples from the onset to the end that may be usual again.
constexpr double kStays = 0.25;

// For each column the distance of the samples from there on from the samples before it, in spreads
// of these.
class Jumps {
 public:
  Jumps(size_t before, size_t after) : before_(before), after_(after) {}

  // Adds weight times the jump at each column from `first` (> 0) on to `sum`.
  void Add(std::span<const double> values, const KnownNoise& noise, size_t first, double weight,
           std::vector<double>& sum) {
    sorted_.clear();
    for (size_t k = first - std::min(first, before_); k < first; ++k) Insert(values[k]);
    for (size_t k = first; k < values.size(); ++k) {
      if (k > first) {
        if (k > before_) Remove(values[k - 1 - before_]);
        Insert(values[k - 1]);
      }
      sum[k] += weight * At(values, noise, k);
    }
  }

 private:
  // `sorted_` holds the finite samples of the window before k.
  double At(std::span<const double> values, const KnownNoise& noise, size_t k) {
    if (sorted_.size() < 4) return 0;
    Collect(values, k, std::min(values.size(), k + after_));
    if (scratch_.empty()) return 0;
    std::sort(scratch_.begin(), scratch_.end());
    const double median = SortedQuantile(sorted_, 0.5);
    const double distance = SortedQuantile(scratch_, 0.5) - median;
    // In the order of time, as a sum depends on its order in the last digit.
    const double count = static_cast<double>(sorted_.size());
    double mean = 0, squares = 0;
    for (size_t i = k > before_ ? k - before_ : 0; i < k; ++i) {
      if (std::isfinite(values[i])) mean += values[i];
    }
    mean /= count;
    for (size_t i = k > before_ ? k - before_ : 0; i < k; ++i) {
      if (std::isfinite(values[i])) squares += (values[i] - mean) * (values[i] - mean);
    }
    const double sigma = std::sqrt(squares / count);
    // Most samples are quiet: the cheap parts of the spread tell so, and the rest is spared.
    double spread = std::max({0.5 * sigma, 1e-2 * std::abs(median) + 1e-9,
                              LeastSpread(noise, median, median + distance)});
    if (Log(distance / spread) == 0) return 0;
    spread = std::max(kMadToSigma * SortedDeviation(sorted_, median), spread);
    const double jump = Log(distance / spread);
    if (jump == 0) return 0;
    // What has recovered since is not the trouble that is asked about: the samples up to the end
    // must stay away too.
    CollectSpaced(values, k, values.size());
    const double up = (Quantile(scratch_, kStays) - median) / spread;
    const double down = (median - Quantile(scratch_, 1 - kStays)) / spread;
    return std::min(jump, Log(std::max({up, down, 0.0})));
  }

  static double Log(double z) {
    z = std::abs(z);
    return z < kQuiet ? 0 : std::min(kLoud, std::log1p(z - kQuiet));
  }

  void CollectSpaced(std::span<const double> values, size_t from, size_t to) {
    scratch_.clear();
    const size_t stride = std::max<size_t>(1, (to - from) / 24);
    for (size_t i = from; i < to; i += stride) {
      if (std::isfinite(values[i])) scratch_.push_back(values[i]);
    }
  }

  void Collect(std::span<const double> values, size_t from, size_t to) {
    scratch_.clear();
    for (size_t i = from; i < to; ++i) {
      if (std::isfinite(values[i])) scratch_.push_back(values[i]);
    }
  }

  void Insert(double value) {
    if (!std::isfinite(value)) return;
    sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), value), value);
  }

  void Remove(double value) {
    if (!std::isfinite(value)) return;
    sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), value));
  }

  const size_t before_;
  const size_t after_;
  std::vector<double> scratch_;
  std::vector<double> sorted_;
};

}  // namespace

std::optional<Onset> FindOnset(const SeriesBlock& block, const OnsetOptions& options) {
  const size_t n = block.columns;
  if (n < kMinColumns || block.rows == 0) return std::nullopt;
  const size_t normal =
      std::max<size_t>(4, static_cast<size_t>(options.normal_share * static_cast<double>(n)));
  std::vector<double> sum(n, 0);
  double weight = 0;
  Jumps jumps(options.before, options.after);
  for (size_t r = 0; r < block.rows; ++r) {
    jumps.Add(block.values.subspan(r * n, n), block.noise.empty() ? KnownNoise{} : block.noise[r],
              normal, block.weights[r], sum);
    weight += block.weights[r];
  }
  if (weight <= 0) return std::nullopt;
  // A jump seen in the last sample or two only may be noise: it counts less.
  for (size_t k = n - std::min(n, options.after); k < n; ++k) {
    sum[k] *= static_cast<double>(n - k) / static_cast<double>(options.after);
  }
  size_t best = normal;
  for (size_t k = normal; k < n; ++k) {
    if (sum[k] > sum[best]) best = k;
  }
  if (sum[best] < options.least_jump) return std::nullopt;
  Onset onset{best, 0};
  for (size_t k = normal; k < n; ++k) {
    if (sum[k] >= 0.9 * sum[best])
      onset.uncertainty = std::max(onset.uncertainty, k > best ? k - best : best - k);
  }
  return onset;
}

}  // namespace opsmesh::analytics
