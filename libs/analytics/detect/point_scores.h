// The plain detectors: z-score, robust z and interquartile range, in units of their own spread. A
// stream is judged from its past (a window of at most 7 days at 30 s), a batch from the whole
// series.
//
// Sources: z-score, textbook; robust z, Iglewicz and Hoaglin 1993 (3.5 is theirs); outer fences at
// 3 interquartile ranges, Tukey 1977. Pure, deterministic.
#pragma once

#include <span>
#include <vector>

namespace opsmesh::analytics {

/// Distance and expected value of each sample; 0 and the value itself where there is nothing to
/// compare with.
struct PointDistances {
  std::vector<double> distance;  // >= 0, in spreads
  std::vector<double> expected;
};

/// Least samples a distance is measured against.
inline constexpr size_t kMinPast = 20;

/// Values that are not finite are missing: distance 0, not learnt.
PointDistances ZScores(std::span<const double> values, bool streaming);
PointDistances RobustZScores(std::span<const double> values, bool streaming);
/// Distance beyond the quartiles, in interquartile ranges.
PointDistances IqrDistances(std::span<const double> values, bool streaming);

}  // namespace opsmesh::analytics
