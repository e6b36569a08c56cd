// What autoscalers and the plan would have done with the load of the past.
#pragma once

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "opsmesh/predict/v1/prediction.pb.h"
#include "services/predict/forest_cache.h"
#include "services/predict/plan_inputs.h"

namespace opsmesh::predict {

/// Thread-safe.
class ReplicaReplay {
 public:
  /// All must outlive it.
  ReplicaReplay(const PlanSources& sources, ForestCache& forests)
      : sources_(sources), forests_(forests) {}

  /// Errors as the RPC's comments say.
  absl::StatusOr<v1::ReplayReplicasResponse> Replay(const base::Context& ctx,
                                                    const v1::ReplayReplicasRequest& request) const;

 private:
  const PlanSources& sources_;
  ForestCache& forests_;
};

}  // namespace opsmesh::predict
