// How many requests a second one pod can serve.
#pragma once

#include <span>

#include "absl/status/statusor.h"

namespace opsmesh::analytics {

struct MeasuredCapacity {
  double qps = 0;            // requests/s at which a pod would use all its cores
  double idle_cores = 0;     // what a pod uses without load
  double cores_per_qps = 0;  // what a request a second adds
  double explained =
      0;  // share of the spread of the use that the load explains (of absolute deviations), 0 to 1
  size_t sample_count = 0;
};

/// Line through processor use by load, both a pod, after Theil (1950) and Sen (1968): the median of
/// the slopes between pairs, so that up to three samples in ten may be anything. `cores` and `qps`
/// have the same length; pairs with a value that is not finite or negative are left out.
/// FAILED_PRECONDITION (USAGE) with a sentence when fewer than 20 samples are left, the load hardly
/// varies, or the use does not follow it.
absl::StatusOr<MeasuredCapacity> MeasureCapacity(std::span<const double> qps,
                                                 std::span<const double> cores,
                                                 double cores_per_pod);

/// A guess where nothing was measured: the highest load of the history (99.9th percentile) keeps 12
/// pods fully used. 0 when there is no load.
double CapacityOfHistory(std::span<const double> load);

}  // namespace opsmesh::analytics
