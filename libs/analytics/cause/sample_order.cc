#include "libs/analytics/cause/sample_order.h"

#include <algorithm>
#include <cmath>

namespace opsmesh::analytics {

bool Rising(const std::vector<double>& times) {
  for (size_t i = 1; i < times.size(); ++i) {
    if (times[i] < times[i - 1]) return false;
  }
  return true;
}

size_t OnsetIndex(const std::vector<double>& times, double onset) {
  if (Rising(times)) {
    return static_cast<size_t>(std::lower_bound(times.begin(), times.end(), onset) - times.begin());
  }
  size_t best = 0;
  for (size_t i = 1; i < times.size(); ++i) {
    if (std::abs(times[i] - onset) < std::abs(times[best] - onset)) best = i;
  }
  return best;
}

}  // namespace opsmesh::analytics
