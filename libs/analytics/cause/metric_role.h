// What a metric tells, guessed from its name: which figures can be attributed along calls (latency,
// failures, requests) and which belong to one workload alone (processor, memory, disk). Names are
// those of Prometheus exporters, OpenTelemetry, CloudWatch and service meshes; an unknown name is
// kOther and is judged by its deviation alone. Pure.
#pragma once

#include <string_view>

namespace opsmesh::analytics {

enum class MetricRole {
  kLatency,
  kRequests,
  kAvailability,
  kErrors,
  kProcessor,
  kMemory,
  kDisk,
  kNetwork,
  kOther
};

MetricRole RoleOf(std::string_view metric);

/// True for a mean ("latency.Average", "avg", "mean"): means add up along calls, percentiles do
/// not.
bool IsMean(std::string_view metric);

/// True when the metric belongs to the workload itself and not to those it waits for.
inline bool IsResource(MetricRole role) {
  return role == MetricRole::kProcessor || role == MetricRole::kMemory || role == MetricRole::kDisk;
}

/// "latency", "requests", ...
std::string_view RoleName(MetricRole role);

}  // namespace opsmesh::analytics
