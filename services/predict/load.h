// The load a plan starts from: read, put on a grid, and looked at beside what the pods used.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/analytics/forecast/history.h"
#include "libs/analytics/replicas/capacity.h"
#include "libs/analytics/replicas/load_forest.h"
#include "opsmesh/predict/v1/prediction.pb.h"
#include "services/predict/config.h"
#include "services/predict/forecasting.h"

namespace opsmesh::predict {

/// "{namespace}" and "{name}" of `query` replaced by those of a checked workload, escaped for a
/// regular expression.
std::string ForWorkload(std::string_view query, const v1::Workload& workload);

/// Two weeks of the configured load, or of the workload's, up to `end`.
v1::PrometheusHistory LoadQuery(const PredictConfig& config, const v1::Workload* workload,
                                absl::Time end, int64_t step_seconds);

/// A load without gaps, and where it came from.
struct Load {
  Forecasting::Sourced sourced;
  analytics::forecast::History grid;

  analytics::LoadHistory history() const {
    return {.values = grid.values, .start_time = grid.start_time, .step = grid.step};
  }
};
/// Puts it on a grid; the ledger's first entry gets the counts. INVALID_ARGUMENT (HISTORY),
/// FAILED_PRECONDITION (HISTORY_TOO_SHORT).
absl::StatusOr<Load> OnGrid(Forecasting::Sourced sourced, double step_seconds);

/// What the pods used beside the load, to measure what one can serve. `replicas` may be empty: then
/// `pods` throughout. Samples go together when they are at most half a step apart.
/// FAILED_PRECONDITION (USAGE) as MeasureCapacity.
absl::StatusOr<analytics::MeasuredCapacity> CapacityFromUse(const Load& load,
                                                            const analytics::Series& cores,
                                                            const analytics::Series& replicas,
                                                            std::optional<int> pods,
                                                            double cores_per_pod);

/// A line of a ledger.
void NotChecked(type::v1::Ledger& ledger, std::string_view source, std::string_view subject,
                std::string_view reason);

}  // namespace opsmesh::predict
