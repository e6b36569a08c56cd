// Samples that did not come: holes between the stamps of a series, and series that ended while the
// others go on. No score of a point shows these, because there is no point.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "google/protobuf/repeated_ptr_field.h"
#include "opsmesh/rca/v1/detection.pb.h"

namespace opsmesh::rca {

/// Adds an anomaly of the channel "missing" for each silence of `threshold` or more, in its place
/// in time: at the last sample before it. `until` is when samples should have come last; nothing =
/// not known, or the end of a series is no news. Values that are missing at stamps that came are
/// judged by the main detector.
void AddSilences(std::span<const double> times, std::span<const double> values, double threshold,
                 std::optional<double> until, v1::SeriesAnomalies* out);

/// When the series given together end: the latest stamp when at least 3 series, and half of them,
/// reach it; nothing otherwise.
std::optional<double> CommonEnd(const google::protobuf::RepeatedPtrField<v1::NamedSeries>& series);

}  // namespace opsmesh::rca
