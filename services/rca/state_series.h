// Series that tell the state of objects (replicas unavailable, a node ready): a fault of one
// workload shows in them at once, while the load of a hundred others rises and falls.
#pragma once

#include <optional>
#include <vector>

#include "services/rca/metric_source.h"

namespace opsmesh::rca {

/// An object that did not exist had no trouble: state series that begin within the window are
/// continued to its begin with 0.
void CompleteStates(std::vector<MetricSeries>& series);

/// The number of objects in trouble over time, as an indicator of the whole system; nothing when
/// there are no such series or nothing ever was in trouble. Pure.
std::optional<MetricSeries> Trouble(const std::vector<MetricSeries>& series);

}  // namespace opsmesh::rca
