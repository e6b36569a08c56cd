// Order statistics over contiguous samples. Pure; NaN must have been removed by the caller.
#pragma once

#include <span>
#include <vector>

namespace opsmesh::analytics {

/// The p-quantile (0 <= p <= 1) with linear interpolation between the two nearest ranks (type 7 of
/// Hyndman and Fan, 1996). `values` may be reordered. Must not be empty.
double Quantile(std::span<double> values, double p);

/// The same of values that are already in rising order. Must not be empty.
double SortedQuantile(std::span<const double> sorted, double p);

/// Median of |value - center| of values in rising order, not scaled: by halving, without a
/// copy. Must not be empty.
double SortedDeviation(std::span<const double> sorted, double center);

/// The three quartiles, each as Quantile gives it, for the price of little more than one.
struct Quartiles {
  double lower = 0;
  double median = 0;
  double upper = 0;
};

/// `values` may be reordered. Must not be empty.
Quartiles QuartilesOf(std::span<double> values);

/// Median of a copy of `values`; 0 when empty.
double Median(std::span<const double> values);

/// Median absolute deviation from `center`, not scaled; 0 when empty.
double MedianAbsoluteDeviation(std::span<const double> values, double center);

}  // namespace opsmesh::analytics
