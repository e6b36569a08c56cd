// Plans replicas: the next step by the load forest and the rules, the hours after it as an outlook.
#pragma once

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "opsmesh/predict/v1/prediction.pb.h"
#include "services/predict/forest_cache.h"
#include "services/predict/plan_inputs.h"

namespace opsmesh::predict {

/// Thread-safe.
class ReplicaPlanning {
 public:
  /// All must outlive it.
  ReplicaPlanning(const PlanSources& sources, ForestCache& forests)
      : sources_(sources), forests_(forests) {}

  /// Errors as the RPC's comments say.
  absl::StatusOr<v1::PlanReplicasResponse> Plan(const base::Context& ctx,
                                                const v1::PlanReplicasRequest& request) const;

 private:
  const PlanSources& sources_;
  ForestCache& forests_;
};

}  // namespace opsmesh::predict
