// A time series as the analytics take it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace opsmesh::analytics {

/// Samples of one series: `times` in epoch seconds, strictly rising; `values` of the same length,
/// NaN = missing.
struct Series {
  std::string name;
  std::vector<double> times;
  std::vector<double> values;
};

/// Stamps that cannot be epoch seconds because they are milliseconds or finer (beyond the year 5138
/// either way): INVALID_ARGUMENT (TIME_UNIT) naming `field`.
absl::Status CheckEpochSeconds(double time, std::string_view field);

}  // namespace opsmesh::analytics
