#include "libs/analytics/series.h"

#include <cmath>

#include "fmt/format.h"
#include "libs/base/error.h"

namespace opsmesh::analytics {
namespace {

constexpr double kLatest = 1e11;

}  // namespace

absl::Status CheckEpochSeconds(double time, std::string_view field) {
  const double size = std::abs(time);
  if (!(size > kLatest)) return absl::OkStatus();
  const std::string_view unit = size < 1e14   ? "milliseconds"
                                : size < 1e17 ? "microseconds"
                                              : "nanoseconds";
  return base::InvalidArgument(
             std::string(field), "TIME_UNIT",
             fmt::format("The time {:.15g} is no epoch second; it looks like {}.", time, unit))
      .Hint("Times are seconds since 1970, with a fraction if need be: divide them.");
}

}  // namespace opsmesh::analytics
