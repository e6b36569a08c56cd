// What a root-cause question asks Prometheus for when it names no metrics: the signals of cAdvisor,
// kube-state-metrics, node-exporter, HTTP servers and the Istio mesh, as far as they are there.
#pragma once

#include <vector>

#include "services/rca/metric_source.h"

namespace opsmesh::rca {

/// All optional: a server that lacks an exporter answers without series. Pure.
std::vector<MetricQuery> StandardQueries();

}  // namespace opsmesh::rca
