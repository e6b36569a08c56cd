// How far a metric moved when the trouble began: robust, two-sided, in units of its own usual
// spread.
//
// Not the maximum but the 80th percentile of the deviation counts (and the 20th downward, with less
// weight): one wild sample is no fault, and a fault that lasts shows in most samples. The spread
// has floors (a share of the standard deviation and of the level), for a flat metric has a median
// absolute deviation of 0. After BARO's RobustScorer (Pham et al., FSE 2024), which takes median
// and interquartile range and the maximum.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace opsmesh::analytics {

struct Deviation {
  double score = 0;   // log(1 + deviation in spreads), >= 0
  double z = 0;       // deviation in spreads, signed
  double before = 0;  // median before
  double after = 0;   // mean after
  double spread = 0;  // of the samples before
  size_t before_count = 0;
  size_t after_count = 0;
};

/// Least samples on either side of the onset for a verdict.
inline constexpr size_t kMinBefore = 5;
inline constexpr size_t kMinAfter = 1;

/// Compares finite samples before and after the onset. All zero when there are fewer than the
/// minima. `scratch` is overwritten; it is handed in so that a thousand metrics need no allocation.
Deviation RobustDeviation(std::span<const double> before, std::span<const double> after,
                          std::vector<double>& scratch);

}  // namespace opsmesh::analytics
