// Cuts a selector into pieces that a server answers one by one.
#pragma once

#include <string>
#include <vector>

#include "libs/prometheus/response.h"

namespace opsmesh::prometheus {

/// Selectors that together select what `selector` does, each with at most `most_samples` samples as
/// far as labels can tell series apart. `counts` holds one sample a series: how many it has. In
/// order of label values; deterministic. Pure.
std::vector<std::string> SelectorChunks(const std::string& selector,
                                        const std::vector<RangeSeries>& counts,
                                        double most_samples);

}  // namespace opsmesh::prometheus
