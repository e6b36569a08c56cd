// Says whose a series is: the workload, service or node it measures.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libs/analytics/cause/attribution.h"
#include "services/rca/metric_source.h"
#include "services/rca/topology.h"

namespace opsmesh::rca {

/// Who is meant by the names in an analysis: "cart", or "shop/cart" when two namespaces have one.
using Names = std::map<std::string, CauseObject>;

/// Adds the series to the analysis, each with its owner and with the shortest name that tells it
/// from the owner's others, and the calls the topology and mesh labels know between owners. A name
/// that the analysis holds already (inline series) is kept. Pure.
Names AssignServices(std::vector<MetricSeries> series, const Topology& topology,
                     analytics::CauseInput& input);

}  // namespace opsmesh::rca
