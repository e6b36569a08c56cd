// Where a mesh measures each call as its caller sees it: how much slower the calls to and from each
// service got. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "libs/analytics/cause/attribution.h"

namespace opsmesh::analytics {

/// Log deviations of the latency of calls, by service, one of each call that was measured.
struct CallDelays {
  std::map<std::string, std::vector<double>> in;   // of calls to it
  std::map<std::string, std::vector<double>> out;  // of calls it makes

  /// Adds the call that a series of the pseudo-service kEdgeService tells of
  /// ("caller>callee.what"). Only latencies as the caller sees them count: the callee's own view
  /// ("dst...") leaves the network out.
  void Add(const ServiceMetric& series, double judged_from);
};

}  // namespace opsmesh::analytics
