// Which series move together, and which leads.
#pragma once

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "opsmesh/rca/v1/detection.pb.h"

namespace opsmesh::rca {

/// Works on at most `threads` threads; the answer does not depend on their number.
/// Errors: INVALID_ARGUMENT (SERIES_SHAPE, TOO_MANY_SERIES, PARAMETER). Thread-safe, deterministic.
absl::StatusOr<v1::CorrelateSeriesResponse> CorrelateSeries(
    const base::Context& ctx, const v1::CorrelateSeriesRequest& request, size_t threads = 1);

}  // namespace opsmesh::rca
