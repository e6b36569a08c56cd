// Anomalies of single series: which points are unusual, and which methods say so.
#pragma once

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "opsmesh/rca/v1/detection.pb.h"
#include "services/rca/metric_source.h"

namespace opsmesh::rca {

struct DetectOptions {
  double threshold = 0.65;  // when the request names none
  size_t threads = 2;       // series are independent; the answer does not depend on it
};

/// Judges the request's series and those it names in Prometheus. Errors: INVALID_ARGUMENT
/// (SERIES_SHAPE, TOO_MANY_SERIES, METHOD, MODE, THRESHOLD, NO_SERIES), those of `source`,
/// DEADLINE_EXCEEDED. Thread-safe.
absl::StatusOr<v1::DetectAnomaliesResponse> DetectAnomalies(
    const base::Context& ctx, const v1::DetectAnomaliesRequest& request, const MetricSource& source,
    const DetectOptions& options);

}  // namespace opsmesh::rca
