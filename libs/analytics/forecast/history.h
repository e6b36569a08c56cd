// A history as the models need it: evenly spaced, without gaps, on a scale where the seasons add
// up.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/analytics/series.h"

namespace opsmesh::analytics::forecast {

/// The series on its grid.
struct History {
  std::vector<double> values;  // no NaN
  double start_time = 0;
  double step = 0;
  size_t season = 0;       // samples; 0 = none
  size_t long_season = 0;  // samples; 0 = none
  size_t sample_count = 0;
  size_t missing_count = 0;
};

/// Longest history in grid points; older samples are left out.
inline constexpr size_t kMaxGrid = 100'000;

/// Puts the samples on a grid (mean of those in a cell), finds the season, fills gaps from a season
/// before. INVALID_ARGUMENT (HISTORY), FAILED_PRECONDITION (HISTORY_TOO_SHORT).
absl::StatusOr<History> Regularise(const Series& series, double step_seconds);

/// log(value + 2 % of the mean level) for what is never negative, the value itself otherwise: a
/// season of load grows with its level, and a forecast must not fall below zero.
class Scale {
 public:
  explicit Scale(const std::vector<double>& values);
  double To(double value) const;
  double From(double scaled) const;
  double offset() const { return offset_; }
  bool positive() const { return positive_; }

 private:
  bool positive_ = false;
  double offset_ = 0;
  double highest_ = 0;  // on the log scale: four times the most ever seen
};

}  // namespace opsmesh::analytics::forecast
