// What a plan or a replay starts from: the workload, its load, the rules, and what one of its pods
// can serve.
#pragma once

#include <optional>
#include <span>

#include "absl/status/statusor.h"
#include "libs/analytics/replicas/planner.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"
#include "opsmesh/predict/v1/prediction.pb.h"
#include "services/predict/config.h"
#include "services/predict/forecasting.h"
#include "services/predict/load.h"
#include "services/predict/replica_rules.h"
#include "services/predict/workload_view.h"

namespace opsmesh::predict {

/// What a request says; refers to it.
struct Wanted {
  const v1::Workload* workload = nullptr;
  const type::v1::TimeSeries* history = nullptr;
  const v1::PrometheusHistory* prometheus = nullptr;
  const v1::PodUsage* usage = nullptr;
  int64_t step_seconds = 0;
  std::optional<int> current_replicas;
  StatedRules rules;
};

template <typename Request>
Wanted WantedOf(const Request& request) {
  return {.workload = request.has_workload() ? &request.workload() : nullptr,
          .history = request.has_history() ? &request.history() : nullptr,
          .prometheus = request.has_prometheus() ? &request.prometheus() : nullptr,
          .step_seconds = request.step_seconds(),
          .rules = Stated(request)};
}

struct PlanInputs {
  const PredictConfig* config = nullptr;
  std::optional<WorkloadFacts> facts;
  std::optional<int> running;      // replicas there are now
  std::optional<double> measured;  // requests/s one pod serves
  std::optional<double> given;     // the same, as the request states it
  analytics::ReplicaRules rules;   // without a capacity
  Load load;

  /// The capacity of a pod; that of `past` is used when `by_history`. A guess is told in the
  /// ledger.
  PodCapacity Capacity(std::span<const double> past, bool by_history,
                       type::v1::Ledger& ledger) const;
};

/// Thread-safe.
class PlanSources {
 public:
  /// All must outlive it; `cluster` may be null.
  PlanSources(const PredictConfig& config, const Forecasting& forecasting, WorkloadView* cluster,
              const base::Clock& clock)
      : config_(config), forecasting_(forecasting), cluster_(cluster), clock_(clock) {}

  /// What was read and what could not be goes to `ledger`. INVALID_ARGUMENT (HISTORY, HORIZON,
  /// WORKLOAD and those of RulesOf), NOT_FOUND (WORKLOAD), FAILED_PRECONDITION (NO_LOAD_SOURCE,
  /// HISTORY_TOO_SHORT), and Prometheus' errors.
  absl::StatusOr<PlanInputs> Read(const base::Context& ctx, const Wanted& wanted,
                                  type::v1::Ledger& ledger) const;

 private:
  absl::StatusOr<std::optional<WorkloadFacts>> Facts(const base::Context& ctx,
                                                     const v1::Workload& workload,
                                                     type::v1::Ledger& ledger) const;
  absl::StatusOr<Load> ReadLoad(const base::Context& ctx, const Wanted& wanted,
                                const v1::Workload* workload) const;
  std::optional<double> Measured(const base::Context& ctx, const Wanted& wanted,
                                 const v1::Workload* workload, const PlanInputs& inputs,
                                 type::v1::Ledger& ledger) const;
  absl::Status ReadUse(const base::Context& ctx, const Wanted& wanted, const v1::Workload& workload,
                       analytics::Series& cores, analytics::Series& pods,
                       type::v1::Ledger& ledger) const;

  const PredictConfig& config_;
  const Forecasting& forecasting_;
  WorkloadView* const cluster_;
  const base::Clock& clock_;
};

}  // namespace opsmesh::predict
