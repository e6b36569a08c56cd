// The direct models' view of a sample to forecast: what was known at the origin, relative to the
// sample's seasonal base.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "libs/analytics/forecast/model.h"

namespace opsmesh::analytics::forecast {

/// One sample `ahead` samples after an origin, as features and the base that is added to what is
/// predicted.
class LagFeatures {
 public:
  static constexpr size_t kCount = 12;
  using Row = std::array<double, kCount>;

  explicit LagFeatures(const Problem& problem);

  /// Samples that must be known before the first origin this view can be taken from.
  size_t least_history() const { return 2 * problem_.season; }
  /// `ahead` >= 1; `origin` >= least_history().
  Row At(size_t origin, size_t ahead) const;
  /// The last value of the same phase known at `origin`.
  double Base(size_t origin, size_t ahead) const {
    return problem_.values[BaseIndex(origin, ahead)];
  }

  /// Pairs (origin, ahead) to learn from that end before `end`: at most about `count`, spread
  /// evenly and repeatably.
  struct Pair {
    size_t origin;
    size_t ahead;
  };
  std::vector<Pair> TrainingPairs(size_t end, size_t count) const;

 private:
  size_t BaseIndex(size_t origin, size_t ahead) const;
  double Mean(size_t from, size_t to) const {
    return (sums_[to] - sums_[from]) / static_cast<double>(to - from);
  }

  const Problem& problem_;
  std::vector<double> sums_;  // sums_[i] = sum of values[0, i)
};

}  // namespace opsmesh::analytics::forecast
