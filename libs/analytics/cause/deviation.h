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

/// What is known of a metric's noise beside its samples. A metric of rare events, or one that rests
/// at a limit, has hardly any spread before its first usual move.
struct KnownNoise {
  double least_spread = 0;  // in the metric's unit, >= 0: moves of about that size are no news
  double least_share = 0;   // the same as a share of the level before, for what follows the load
  /// Seconds over which single events were counted to give a rate, 0 = it is no such rate. The
  /// counts are taken as Poisson's, whose square root has a standard deviation of about 1/2
  /// (Anscombe, Biometrika 1948).
  double counted_over = 0;
};

/// The spread that a move between two levels must be measured in at least.
double LeastSpread(const KnownNoise& noise, double before, double after);

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
                          std::vector<double>& scratch, const KnownNoise& noise = {});

}  // namespace opsmesh::analytics
