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
  /// Read when a root-cause question names no metrics: metrics, selectors or PromQL.
  std::vector<std::string> metrics = {
      "sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{container!=\"\"}[5m]))",
      "sum by (namespace, pod) (container_memory_working_set_bytes{container!=\"\"})",
      "sum by (namespace, pod) (rate(container_network_receive_bytes_total[5m]))",
      "sum by (namespace, pod) (rate(container_network_transmit_bytes_total[5m]))",
      "sum by (namespace, pod) (kube_pod_container_status_restarts_total)",
      "sum by (service) (rate(http_requests_total[5m]))",
      "sum by (service) (rate(http_requests_total{status=~\"5..\"}[5m]))",
      "histogram_quantile(0.95, sum by (service, le) "
      "(rate(http_request_duration_seconds_bucket[5m])))"};
  prometheus::Settings prometheus;
};

/// Reads the sections `rca` and `prometheus`. INVALID_ARGUMENT (CONFIG) with every problem.
absl::StatusOr<RcaConfig> LoadConfig(const config::Source& source);

}  // namespace opsmesh::rca
