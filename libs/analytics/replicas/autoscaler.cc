#include "libs/analytics/replicas/autoscaler.h"

#include <algorithm>
#include <cmath>

#include "libs/analytics/replicas/planner.h"

namespace opsmesh::analytics {

Autoscaler::Autoscaler(const AutoscalerRules& rules, double step_seconds, int replicas)
    : rules_(rules),
      step_seconds_(step_seconds),
      window_(1 + static_cast<size_t>(rules.down_stabilization_seconds / step_seconds)),
      wishes_{replicas},
      replicas_(replicas) {}

int Autoscaler::Next(double utilization) {
  const double ratio = utilization / rules_.target_utilization;
  int wish = replicas_;
  if (std::abs(ratio - 1) > rules_.tolerance) {
    wish =
        static_cast<int>(std::clamp(std::ceil(replicas_ * ratio), static_cast<double>(rules_.least),
                                    static_cast<double>(rules_.most)));
  }
  wishes_.push_back(wish);
  if (wishes_.size() > window_) wishes_.pop_front();
  const int held = *std::max_element(wishes_.begin(), wishes_.end());
  replicas_ =
      std::min(held, std::max(rules_.least, MostAfter(replicas_, step_seconds_, rules_.most)));
  return replicas_;
}

}  // namespace opsmesh::analytics
