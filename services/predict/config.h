// Settings of the predict service.
#pragma once

#include "absl/status/statusor.h"
#include "libs/config/source.h"
#include "libs/prometheus/probe.h"

namespace opsmesh::predict {

struct PredictConfig {
  /// Fewest and most instances a prediction may name (PREDICTION_MAX_INSTANCES).
  int min_instances = 1;
  int max_instances = 20;
  prometheus::Settings prometheus;
};

/// Reads the sections `predict` and `prometheus`. INVALID_ARGUMENT (CONFIG) with every problem.
absl::StatusOr<PredictConfig> LoadConfig(const config::Source& source);

}  // namespace opsmesh::predict
