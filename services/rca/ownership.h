// Which service a Prometheus series belongs to.
#pragma once

#include <vector>

#include "libs/analytics/cause/attribution.h"
#include "services/rca/metric_source.h"

namespace opsmesh::rca {

/// Adds the series to `input` under the service their labels name: "service", "app", a workload,
/// the owner of the pod, the pod, the node. Series of calls (labels source_ and
/// destination_workload) become edges and figures of edges. Series that would share service and
/// metric keep their other labels in the metric's name.
void AssignServices(std::vector<MetricSeries> series, analytics::CauseInput& input);

}  // namespace opsmesh::rca
