// Judges one series by the methods of a plan. Pure.
#pragma once

#include <optional>
#include <span>

#include "opsmesh/rca/v1/detection.pb.h"
#include "services/rca/detection_plan.h"

namespace opsmesh::rca {

struct JudgedSeries {
  std::span<const double> times;  // epoch seconds, not falling
  std::span<const double> values;
  std::optional<double> until;  // when samples should have come last, when that is known
};

/// Fills scores, anomalies (at most 1000), silences and, when `include_methods`, what each method
/// said. A series of fewer than 30 usable points is not judged, and says so.
void JudgeSeries(JudgedSeries series, const DetectionPlan& plan, bool include_methods,
                 v1::SeriesAnomalies* out);

}  // namespace opsmesh::rca
