// Plans replicas: the next step by the load forest and the rules, the hours after it as an outlook.
#pragma once

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"
#include "opsmesh/predict/v1/prediction.pb.h"
#include "services/predict/config.h"
#include "services/predict/forecasting.h"
#include "services/predict/forest_cache.h"
#include "services/predict/load.h"
#include "services/predict/workload_view.h"

namespace opsmesh::predict {

/// Thread-safe.
class ReplicaPlanning {
 public:
  /// All must outlive it; `cluster` may be null.
  ReplicaPlanning(const PredictConfig& config, const Forecasting& forecasting,
                  WorkloadView* cluster, ForestCache& forests, const base::Clock& clock)
      : config_(config),
        forecasting_(forecasting),
        cluster_(cluster),
        forests_(forests),
        clock_(clock) {}

  /// Errors as the RPC's comments say.
  absl::StatusOr<v1::PlanReplicasResponse> Plan(const base::Context& ctx,
                                                const v1::PlanReplicasRequest& request) const;

 private:
  absl::StatusOr<Load> ReadLoad(const base::Context& ctx, const v1::PlanReplicasRequest& request,
                                const v1::Workload* workload) const;
  std::optional<WorkloadFacts> Facts(const base::Context& ctx, const v1::Workload& workload,
                                     type::v1::Ledger& ledger, absl::Status& refused) const;
  std::optional<double> Measured(const base::Context& ctx, const v1::PlanReplicasRequest& request,
                                 const v1::Workload* workload, const WorkloadFacts* facts,
                                 const Load& load, type::v1::Ledger& ledger) const;

  const PredictConfig& config_;
  const Forecasting& forecasting_;
  WorkloadView* const cluster_;
  ForestCache& forests_;
  const base::Clock& clock_;
};

}  // namespace opsmesh::predict
