// The arithmetic of the HorizontalPodAutoscaler: from usage to a number of replicas, and the limits
// on how fast it changes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// Pods as the calculation sees them.
struct MetricPods {
  std::map<std::string, long double> usage;     // of those that count now
  std::map<std::string, long double> requests;  // of all that have any
  size_t ready = 0;                             // with usage, not unready
  std::vector<std::string> unready, missing;
};

struct Proposal {
  int64_t replicas = 0;
  int64_t utilization = 0;  // per cent of the requests, for a Utilization target
  long double average = 0;  // a pod, in thousandths
};

/// Usage against requests (`target` in per cent).
Proposal ByUtilization(const MetricPods& pods, int64_t target, int64_t current, double tolerance);
/// Average usage against a value (in thousandths).
Proposal ByAverage(const MetricPods& pods, long double target, int64_t current, double tolerance);

/// What an autoscaler remembers between its rounds. Small, copyable, and lost without harm.
struct ScalingMemory {
  struct Recommendation {
    absl::Time time;
    int64_t replicas = 0;
  };
  struct Change {
    absl::Time time;
    int64_t replicas = 0;  // how many were added or removed
  };
  std::vector<Recommendation> recommendations;
  std::vector<Change> ups, downs;
};

struct Limited {
  int64_t replicas = 0;
  std::string able_reason, able_message;  // of AbleToScale; empty = leave
  bool limited = false;
  std::string limited_reason, limited_message;
};

/// Stabilization and policies of spec.behavior (their defaults without it), then min and max.
/// Updates the recommendations.
Limited Limit(const Json& spec, int64_t current, int64_t desired, ScalingMemory& memory,
              absl::Time now);

}  // namespace opsmesh::kubesim
