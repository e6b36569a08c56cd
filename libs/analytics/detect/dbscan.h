// DBSCAN (Ester, Kriegel, Sander and Xu, 1996). Labels are those of scikit-learn: clusters are
// numbered by their first core point, a border point belongs to the first cluster that reaches it,
// noise is -1. Sorting in one dimension, a grid with cells of the radius in more: about O(n) for
// points that are spread, never more than O(n^2). Pure, deterministic.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace opsmesh::analytics {

/// `data` is row-major, no NaN; eps > 0 (Euclidean, inclusive); min_samples >= 1 counts the point
/// itself.
std::vector<int> Dbscan(std::span<const double> data, size_t features, double eps,
                        size_t min_samples);

}  // namespace opsmesh::analytics
