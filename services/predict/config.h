// Settings of the predict service.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/config/source.h"
#include "libs/prometheus/probe.h"

namespace opsmesh::predict {

struct PredictConfig {
  /// Fewest and most instances a prediction may name (PREDICTION_MAX_INSTANCES).
  int min_instances = 1;
  int max_instances = 20;
  /// PromQL that yields the load in requests per second (predict.qps_query).
  std::string qps_query = "sum(rate(http_requests_total[5m]))";
  /// Requests per second one instance serves at full use (predict.capacity_qps). Assumed until it
  /// is set.
  double capacity_qps = 20;
  bool capacity_is_assumed = true;
  /// Share of that an instance should be used to, above 0 to 1 (predict.target_utilization).
  double target_utilization = 0.7;
  /// Until a new pod serves (predict.pod_start).
  absl::Duration pod_start = absl::Seconds(30);
  /// PromQL of one workload: its load in requests per second, the cores its pods use together, how
  /// many they are. "{namespace}" and "{name}" are replaced.
  std::string workload_qps_query =
      R"(sum(rate(http_requests_total{namespace="{namespace}",service="{name}"}[5m])))";
  std::string workload_cpu_query =
      R"(sum(rate(container_cpu_usage_seconds_total{namespace="{namespace}",pod=~"{name}-.+",container!=""}[5m])))";
  std::string workload_pods_query =
      R"(count(count by (pod) (rate(container_cpu_usage_seconds_total{namespace="{namespace}",pod=~"{name}-.+",container!=""}[5m]))))";
  prometheus::Settings prometheus;
};

/// Reads the sections `predict` and `prometheus`. INVALID_ARGUMENT (CONFIG) with every problem.
absl::StatusOr<PredictConfig> LoadConfig(const config::Source& source);

}  // namespace opsmesh::predict
