// What a request, the configuration and measurements say a plan of replicas must keep to.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/analytics/replicas/planner.h"
#include "opsmesh/predict/v1/prediction.pb.h"
#include "services/predict/config.h"

namespace opsmesh::predict {

/// Requests per second one pod serves at full use, and where that comes from.
struct PodCapacity {
  double qps = 0;
  std::string source;  // "given", "measured", "configured", "history" or "assumed"
};
/// `source` in words: "measured from its processor use", ...
std::string_view SourceInEnglish(std::string_view source);
std::string_view SourceInChinese(std::string_view source);

/// The first that there is: given, measured, configured, that of a history (`load`, may be empty),
/// assumed.
PodCapacity ChooseCapacity(const PredictConfig& config, std::optional<double> given,
                           std::optional<double> measured, std::span<const double> load);

/// As the requests state them; absent = nothing said.
struct StatedRules {
  std::optional<double> capacity_qps, target_utilization, pod_start_seconds,
      down_stabilization_seconds;
  std::optional<int> least, most;
  double shortage_cost = 0;
};
StatedRules Stated(const v1::PlanReplicasRequest& request);
StatedRules Stated(const v1::ReplayReplicasRequest& request);

/// Bounds an autoscaler of the workload has; used where the request says nothing.
struct AutoscalerBounds {
  std::optional<int> least, most;
};

/// Rules without a capacity (1). INVALID_ARGUMENT (CAPACITY, TARGET, REPLICAS, COST, POD_START)
/// naming the field.
absl::StatusOr<analytics::ReplicaRules> RulesOf(const PredictConfig& config,
                                                const StatedRules& stated,
                                                const AutoscalerBounds& autoscaler = {});

/// The configured rules with that capacity.
analytics::ReplicaRules ConfiguredRules(const PredictConfig& config, const PodCapacity& capacity);

/// A step given in seconds (0 = by itself): INVALID_ARGUMENT (HORIZON) outside 1 to 86,400.
absl::Status CheckStep(int64_t step_seconds);

}  // namespace opsmesh::predict
