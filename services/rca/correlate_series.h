// Which series move together, and which leads.
#pragma once

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "opsmesh/rca/v1/detection.pb.h"

namespace opsmesh::rca {

/// Errors: INVALID_ARGUMENT (SERIES_SHAPE, TOO_MANY_SERIES, PARAMETER). Thread-safe, deterministic.
absl::StatusOr<v1::CorrelateSeriesResponse> CorrelateSeries(
    const base::Context& ctx, const v1::CorrelateSeriesRequest& request);

}  // namespace opsmesh::rca
