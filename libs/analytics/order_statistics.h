// Order statistics over contiguous samples. Pure; NaN must have been removed by the caller.
#pragma once

#include <span>
#include <vector>

namespace opsmesh::analytics {

/// The p-quantile (0 <= p <= 1) with linear interpolation between the two nearest ranks (type 7 of Hyndman and Fan, 1996).
/// `values` is reordered. Must not be empty.
double Quantile(std::span<double> values, double p);

/// Median of a copy of `values`; 0 when empty.
double Median(std::span<const double> values);

/// Median absolute deviation from `center`, not scaled; 0 when empty.
double MedianAbsoluteDeviation(std::span<const double> values, double center);

}  // namespace opsmesh::analytics
