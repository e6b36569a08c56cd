// A root-cause question: whether it can be answered, and the figures it brings along. Pure.
#pragma once

#include "absl/status/status.h"
#include "libs/analytics/cause/attribution.h"
#include "opsmesh/rca/v1/analysis.pb.h"

namespace opsmesh::rca {

/// Errors: INVALID_ARGUMENT (TIME_WINDOW, SERIES_SHAPE, TOO_MANY_SERIES, MAX_CAUSES).
absl::Status CheckRootCauseRequest(const v1::AnalyzeRootCauseRequest& request);

/// Appends the series given inline: values that are no numbers as NaN, shuffled points sorted.
void TakeInlineSeries(const v1::AnalyzeRootCauseRequest& request, analytics::CauseInput& input);

/// An onset before or after all figures leaves nothing to compare: INVALID_ARGUMENT (ONSET).
absl::Status CheckOnset(const analytics::CauseInput& input);

}  // namespace opsmesh::rca
