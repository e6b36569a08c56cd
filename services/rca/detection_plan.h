// How the series of a request are judged: mode, methods, threshold and parameters. Pure.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/analytics/detect/methods.h"
#include "opsmesh/rca/v1/detection.pb.h"

namespace opsmesh::rca {

struct DetectionPlan {
  bool streaming = false;  // each point from its past only
  std::vector<analytics::Method> methods;
  bool ensemble = false;    // whether it is among the methods: then it decides
  double threshold = 0.65;  // in [0, 1]
  analytics::MethodOptions options;
};

/// `threshold` counts where the request names none. Errors: INVALID_ARGUMENT (MODE, THRESHOLD,
/// METHOD, PARAMETER).
absl::StatusOr<DetectionPlan> MakeDetectionPlan(const v1::DetectAnomaliesRequest& request,
                                                double threshold);

/// Errors: INVALID_ARGUMENT (TOO_MANY_SERIES, SERIES_SHAPE, TIME_UNIT).
absl::Status CheckInlineSeries(const v1::DetectAnomaliesRequest& request);

}  // namespace opsmesh::rca
