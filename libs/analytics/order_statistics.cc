#include "libs/analytics/order_statistics.h"

#include <algorithm>
#include <cmath>

namespace opsmesh::analytics {

double Quantile(std::span<double> values, double p) {
  const double position = p * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(position);
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(low);
  std::nth_element(values.begin(), nth, values.end());
  const double at_low = *nth;
  if (low + 1 >= values.size()) return at_low;
  const double at_high = *std::min_element(nth + 1, values.end());
  return at_low + (position - static_cast<double>(low)) * (at_high - at_low);
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
