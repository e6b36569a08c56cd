// A time series as the analytics take it.
#pragma once

#include <string>
#include <vector>

namespace opsmesh::analytics {

/// Samples of one series: `times` in epoch seconds, strictly rising; `values` of the same length,
/// NaN = missing.
struct Series {
  std::string name;
  std::vector<double> times;
  std::vector<double> values;
};

}  // namespace opsmesh::analytics
