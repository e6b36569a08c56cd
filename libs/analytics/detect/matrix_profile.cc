#include "libs/analytics/detect/matrix_profile.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace opsmesh::analytics {
namespace {

constexpr size_t kMaxNeighbour = 8;

// The k smallest squared distances seen of each stretch, of which the largest is the result.
class Nearest {
 public:
  Nearest(size_t count, size_t k)
      : k_(std::clamp<size_t>(k, 1, kMaxNeighbour)), best_(count * k_, INFINITY) {}
  void Offer(size_t i, double d) {
    double* list = best_.data() + i * k_;
    if (d >= list[k_ - 1]) return;
    size_t at = k_ - 1;
    while (at > 0 && list[at - 1] > d) {
      list[at] = list[at - 1];
      --at;
    }
    list[at] = d;
  }
  double Get(size_t i) const { return best_[i * k_ + k_ - 1]; }

 private:
  const size_t k_;
  std::vector<double> best_;
};

}  // namespace

std::vector<double> MatrixProfile(std::span<const double> values,
                                  const MatrixProfileOptions& options) {
  const size_t n = values.size(), m = options.window;
  if (m < 2 || n < 2 * m) return {};
  const size_t count = n - m + 1;
  // Away from zero sums lose digits: work around the mean.
  // A stream's begin must not depend on what follows, to the last digit.
  const size_t known = options.past_only ? std::min(n, 2 * m) : n;
  double level = 0;
  for (const double v : values.first(known)) level += v;
  level /= static_cast<double>(known);
  std::vector<double> x(n);
  for (size_t i = 0; i < n; ++i) x[i] = values[i] - level;
  std::vector<double> mean(count), inverse(count), energy(count);
  double sum = 0, squares = 0, total = 0;
  for (size_t i = 0; i < known; ++i) total += x[i] * x[i];
  const double floor = 1e-12 * std::max(total / static_cast<double>(known), 1e-300);
  for (size_t i = 0; i < count; ++i) {
    if (i == 0) {
      for (size_t k = 0; k < m; ++k) {
        sum += x[k];
        squares += x[k] * x[k];
      }
    } else {
      sum += x[i + m - 1] - x[i - 1];
      squares += x[i + m - 1] * x[i + m - 1] - x[i - 1] * x[i - 1];
    }
    mean[i] = sum / static_cast<double>(m);
    const double variance = squares / static_cast<double>(m) - mean[i] * mean[i];
    inverse[i] = variance > floor ? 1 / std::sqrt(variance) : 0;  // 0 = flat
    energy[i] = squares;
  }
  Nearest nearest(count, options.neighbour);
  const size_t apart = options.past_only ? m : std::max<size_t>(1, m / 2);
  const double length = static_cast<double>(m);
  for (size_t lag = apart; lag < count; ++lag) {
    double dot = 0;
    for (size_t k = 0; k < m; ++k) dot += x[k] * x[k + lag];
    for (size_t i = 0; i + lag < count; ++i) {
      const size_t j = i + lag;
      if (i > 0) dot += x[i + m - 1] * x[j + m - 1] - x[i - 1] * x[j - 1];
      double d = 0;
      if (!options.normalise) {
        d = std::max(0.0, energy[i] + energy[j] - 2 * dot);
      } else if (inverse[i] == 0 || inverse[j] == 0) {
        d = inverse[i] == inverse[j] ? 0 : 2 * length;  // flat is like flat only
      } else {
        const double r = (dot / length - mean[i] * mean[j]) * inverse[i] * inverse[j];
        d = 2 * length * (1 - std::clamp(r, -1.0, 1.0));
      }
      nearest.Offer(j, d);
      if (!options.past_only) nearest.Offer(i, d);
    }
  }
  std::vector<double> profile(count);
  for (size_t i = 0; i < count; ++i) {
    const double d = nearest.Get(i);
    profile[i] = std::isfinite(d) ? std::sqrt(d) : std::nan("");
  }
  return profile;
}

}  // namespace opsmesh::analytics
