// How many instances a load needs: a short forecast of the load, floored by what the load of this
// moment needs.
#pragma once

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"
#include "opsmesh/predict/v1/prediction.pb.h"
#include "services/predict/config.h"
#include "services/predict/forecasting.h"

namespace opsmesh::predict {

/// Thread-safe.
class InstancePrediction {
 public:
  /// All must outlive it.
  InstancePrediction(const PredictConfig& config, const Forecasting& forecasting,
                     const base::Clock& clock)
      : config_(config), forecasting_(forecasting), clock_(clock) {}

  /// Errors as the RPC's comments say. Without a history it answers by the reactive rule and says
  /// so.
  absl::StatusOr<v1::PredictResponse> Predict(const base::Context& ctx,
                                              const v1::PredictRequest& request) const;

 private:
  /// ceil(qps / (target * capacity)) within the configured bounds; `capped` when more would be
  /// needed.
  int Need(double qps, bool* capped) const;

  const PredictConfig& config_;
  const Forecasting& forecasting_;
  const base::Clock& clock_;
};

}  // namespace opsmesh::predict
