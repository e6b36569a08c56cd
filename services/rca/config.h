// Settings of the rca service.
#pragma once

#include "absl/status/statusor.h"
#include "libs/config/source.h"
#include "libs/prometheus/probe.h"

namespace opsmesh::rca {

struct RcaConfig {
  /// Least score of an anomaly, 0 to 1 (RCA_ANOMALY_THRESHOLD).
  double anomaly_threshold = 0.65;
  prometheus::Settings prometheus;
};

/// Reads the sections `rca` and `prometheus`. INVALID_ARGUMENT (CONFIG) with every problem.
absl::StatusOr<RcaConfig> LoadConfig(const config::Source& source);

}  // namespace opsmesh::rca
