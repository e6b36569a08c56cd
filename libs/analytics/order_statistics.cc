#include "libs/analytics/order_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace opsmesh::analytics {
namespace {

constexpr size_t kBuckets = 1024;
// Fewer samples are selected from directly.
constexpr size_t kWorthBuckets = 96;
// Samples that may share the wanted buckets; more of them mean a skewed series.
constexpr size_t kMostShared = 256;

// Samples of the given ranks (rising) by one histogram over the range: two passes without a
// branch that is hard to predict. False, with nothing done, when the samples do not spread over it.
bool SelectByBuckets(std::span<const double> values, std::span<const size_t> ranks, double* found) {
  const size_t n = values.size();
  if (n < kWorthBuckets || n > UINT32_MAX) return false;
  std::array<double, 4> least, most;
  least.fill(values[0]);
  most.fill(values[0]);
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (size_t l = 0; l < 4; ++l) {
      least[l] = values[i + l] < least[l] ? values[i + l] : least[l];
      most[l] = values[i + l] > most[l] ? values[i + l] : most[l];
    }
  }
  for (; i < n; ++i) {
    least[0] = std::min(least[0], values[i]);
    most[0] = std::max(most[0], values[i]);
  }
  const double low = *std::min_element(least.begin(), least.end());
  const double range = *std::max_element(most.begin(), most.end()) - low;
  if (!(range > 1e-300) || !std::isfinite(range)) return false;
  const double scale = static_cast<double>(kBuckets - 1) / range;
  // Never falls when the value rises, so that ranks within buckets are ranks.
  const auto bucket = [&](double v) {
    return static_cast<size_t>(static_cast<int32_t>((v - low) * scale)) & (kBuckets - 1);
  };
  std::array<uint32_t, kBuckets> count{};
  for (const double v : values) ++count[bucket(v)];
  std::array<uint8_t, kBuckets> wanted{};
  std::array<size_t, 8> place;  // of each rank among the samples of the wanted buckets
  size_t before = 0, shared = 0, next = 0;
  for (size_t b = 0; b < kBuckets && next < ranks.size(); ++b) {
    for (; next < ranks.size() && ranks[next] < before + count[b]; ++next) {
      wanted[b] = 1;
      place[next] = shared + ranks[next] - before;
    }
    before += count[b];
    if (wanted[b] != 0) shared += count[b];
  }
  if (shared > kMostShared) return false;
  std::array<double, kMostShared> near;
  size_t size = 0;
  for (const double v : values) {
    if (wanted[bucket(v)] != 0) near[size++] = v;
  }
  std::sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(size));
  for (size_t k = 0; k < ranks.size(); ++k) found[k] = near[place[k]];
  return true;
}

}  // namespace

double Quantile(std::span<double> values, double p) {
  const double position = p * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(position);
  const std::array<size_t, 2> ranks = {low, std::min(low + 1, values.size() - 1)};
  if (std::array<double, 2> found; SelectByBuckets(values, ranks, found.data()))
    return found[0] + (position - static_cast<double>(low)) * (found[1] - found[0]);
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(low);
  std::nth_element(values.begin(), nth, values.end());
  const double at_low = *nth;
  if (low + 1 >= values.size()) return at_low;
  const double at_high = *std::min_element(nth + 1, values.end());
  return at_low + (position - static_cast<double>(low)) * (at_high - at_low);
}

double SortedQuantile(std::span<const double> sorted, double p) {
  const double position = p * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<size_t>(position);
  if (low + 1 >= sorted.size()) return sorted[low];
  return sorted[low] + (position - static_cast<double>(low)) * (sorted[low + 1] - sorted[low]);
}

double SortedDeviation(std::span<const double> sorted, double center) {
  const size_t n = sorted.size();
  const auto left =
      static_cast<size_t>(std::lower_bound(sorted.begin(), sorted.end(), center) - sorted.begin());
  const auto below = [&](size_t i) {
    return i < left ? std::abs(sorted[left - 1 - i] - center) : INFINITY;
  };
  const auto above = [&](size_t j) {
    return left + j < n ? std::abs(sorted[left + j] - center) : INFINITY;
  };
  // The deviation of rank k: of the k smaller ones `from_left` lie below the center.
  const auto ranked = [&](size_t k) {
    size_t from_left = 0, most = std::min(left, k);
    while (from_left < most) {
      const size_t i = (from_left + most) / 2;
      if (below(i) < above(k - i - 1)) {
        from_left = i + 1;
      } else {
        most = i;
      }
    }
    return std::min(below(from_left), above(k - from_left));
  };
  const double position = 0.5 * static_cast<double>(n - 1);
  const auto low = static_cast<size_t>(position);
  const double at_low = ranked(low);
  if (low + 1 >= n) return at_low;
  return at_low + (position - static_cast<double>(low)) * (ranked(low + 1) - at_low);
}

Quartiles QuartilesOf(std::span<double> values) {
  const double last = static_cast<double>(values.size() - 1);
  std::array<size_t, 6> ranks;
  for (size_t k = 0; k < 3; ++k) {
    const auto low = static_cast<size_t>(0.25 * static_cast<double>(k + 1) * last);
    ranks[2 * k] = low;
    ranks[2 * k + 1] = std::min(low + 1, values.size() - 1);
  }
  std::array<double, 6> found;
  if (!SelectByBuckets(values, ranks, found.data())) {
    size_t from = 0;
    for (size_t k = 0; k < ranks.size(); ++k) {
      const auto nth = values.begin() + static_cast<std::ptrdiff_t>(ranks[k]);
      if (from <= ranks[k])
        std::nth_element(values.begin() + static_cast<std::ptrdiff_t>(from), nth, values.end());
      found[k] = *nth;
      from = ranks[k] + 1;
    }
  }
  const auto between = [&](size_t k) {
    const double position = 0.25 * static_cast<double>(k + 1) * last;
    return found[2 * k] +
           (position - static_cast<double>(ranks[2 * k])) * (found[2 * k + 1] - found[2 * k]);
  };
  return {between(0), between(1), between(2)};
}

double Median(std::span<const double> values) {
  if (values.empty()) return 0;
  std::vector<double> copy(values.begin(), values.end());
  return Quantile(copy, 0.5);
}

double MedianAbsoluteDeviation(std::span<const double> values, double center) {
  std::vector<double> deviations;
  deviations.reserve(values.size());
  for (const double value : values) deviations.push_back(std::abs(value - center));
  return Median(deviations);
}

}  // namespace opsmesh::analytics
