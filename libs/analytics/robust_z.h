// Robust z-score (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993): distance from the median in units of
// the scaled median absolute deviation. One outlier cannot hide itself by widening the scale, as it can with a plain z.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/analytics/series.h"

namespace opsmesh::analytics {

struct RobustZOptions {
  /// A sample is anomalous when its |z| is at least this. Iglewicz and Hoaglin recommend 3.5.
  double threshold = 3.5;
  /// Fewer usable samples than this are no basis for a verdict.
  size_t min_samples = 12;
  /// Floor of the scale as a share of the level, so that a flat series does not turn rounding into an anomaly.
  double level_floor = 0.01;
};

/// One anomalous sample.
struct Anomaly {
  size_t index = 0;   // into the series
  double time = 0;    // epoch seconds
  double value = 0;
  double z = 0;       // signed robust z-score
  double score = 0;   // calibrated to [0, 1): 0.65 exactly at the threshold (decision 29)
};

/// Median, scale and what lies outside.
struct RobustZResult {
  double median = 0;
  double scale = 0;              // 1.4826 * MAD, floored
  size_t sample_count = 0;       // usable samples
  size_t missing_count = 0;      // NaN or infinite
  std::vector<Anomaly> anomalies;  // in time order
};

/// Scores every sample. FAILED_PRECONDITION (INSUFFICIENT_DATA) with the counts when there are too few usable samples.
absl::StatusOr<RobustZResult> DetectRobustZ(const Series& series, const RobustZOptions& options = {});

}  // namespace opsmesh::analytics
