// How many instances a load needs: the planner of replicas asked for one time.
#pragma once

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"
#include "opsmesh/predict/v1/prediction.pb.h"
#include "services/predict/config.h"
#include "services/predict/forecasting.h"
#include "services/predict/forest_cache.h"
#include "services/predict/plan_inputs.h"

namespace opsmesh::predict {

/// Thread-safe.
class InstancePrediction {
 public:
  /// All must outlive it.
  InstancePrediction(const PredictConfig& config, const Forecasting& forecasting,
                     const PlanSources& sources, ForestCache& forests, const base::Clock& clock)
      : config_(config),
        forecasting_(forecasting),
        sources_(sources),
        forests_(forests),
        clock_(clock) {}

  /// Errors as the RPC's comments say. Without a history it answers by the reactive rule and says
  /// so.
  absl::StatusOr<v1::PredictResponse> Predict(const base::Context& ctx,
                                              const v1::PredictRequest& request) const;

 private:
  struct Expectation;
  /// Load, rules and capacity of the workload or of the configured load. Without a load (which
  /// `trouble` tells, and a line of `ledger`) the configured rules.
  struct Basis;
  absl::StatusOr<Basis> Read(const base::Context& ctx, const v1::PredictRequest& request,
                             absl::Time now, type::v1::Ledger& ledger) const;
  Expectation Expect(const Load& load, double current_qps, absl::Duration ahead,
                     const analytics::ReplicaRules& rules, v1::PredictResponse& response) const;

  const PredictConfig& config_;
  const Forecasting& forecasting_;
  const PlanSources& sources_;
  ForestCache& forests_;
  const base::Clock& clock_;
};

}  // namespace opsmesh::predict
