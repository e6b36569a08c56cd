// Settings of the rca service.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/config/source.h"
#include "libs/prometheus/probe.h"

namespace opsmesh::rca {

struct RcaConfig {
  /// Least score of an anomaly, 0 to 1 (RCA_ANOMALY_THRESHOLD).
  double anomaly_threshold = 0.65;
  /// Threads one request may use for independent series, 1 to 64. The answer does not depend on it.
  size_t threads = 2;
  /// Read when a root-cause question names no metrics: metrics, selectors or PromQL. Empty = the
  /// standard ones (standard_queries.cc).
  std::vector<std::string> metrics;
  prometheus::Settings prometheus;
};

/// Reads the sections `rca` and `prometheus`. INVALID_ARGUMENT (CONFIG) with every problem.
absl::StatusOr<RcaConfig> LoadConfig(const config::Source& source);

}  // namespace opsmesh::rca
