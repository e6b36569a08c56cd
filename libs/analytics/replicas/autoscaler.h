// The rule of Kubernetes' HorizontalPodAutoscaler (autoscaling/v2, one resource or per-pod metric),
// to replay it.
//
// Source: "Algorithm details" of the HorizontalPodAutoscaler's documentation: wanted =
// ceil(replicas * metric / target), nothing inside a tolerance of 10 %, the highest wish of the
// last five minutes before scaling down, growth by at most 100 % or 4 pods in 15 s.
#pragma once

#include <cstddef>
#include <deque>

namespace opsmesh::analytics {

struct AutoscalerRules {
  double target_utilization = 0.7;  // (0, 1]
  int least = 1;
  int most = 20;
  double tolerance = 0.1;
  double down_stabilization_seconds = 300;
};

/// Not thread-safe.
class Autoscaler {
 public:
  /// Starts with `replicas` running; asked every `step_seconds`.
  Autoscaler(const AutoscalerRules& rules, double step_seconds, int replicas);

  /// Replicas after it saw the pods used to `utilization` (1 = all their capacity), averaged over
  /// them.
  int Next(double utilization);
  int replicas() const { return replicas_; }

 private:
  const AutoscalerRules rules_;
  const double step_seconds_;
  size_t window_ = 1;       // wishes that count
  std::deque<int> wishes_;  // newest last
  int replicas_;
};

}  // namespace opsmesh::analytics
