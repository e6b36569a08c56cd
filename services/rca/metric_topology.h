// Learns a cluster's topology from kube-state metrics, which also tell of pods that are gone.
#pragma once

#include "absl/time/time.h"
#include "libs/base/context.h"
#include "services/rca/metric_source.h"
#include "services/rca/topology.h"

namespace opsmesh::rca {

/// Adds what kube_pod_info, kube_replicaset_owner, kube_node_info and the labels of scraped
/// services say of the window. How many pods were learnt; 0 when there are no such metrics. Blocks
/// a few seconds at most.
size_t LearnFromMetrics(const base::Context& ctx, const MetricSource& source, absl::Time start,
                        absl::Time end, Topology& topology);

}  // namespace opsmesh::rca
