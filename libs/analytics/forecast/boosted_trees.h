// Gradient boosting of regression trees over histograms (Friedman 2001; Ke et al., "LightGBM",
// 2017): squared error, depth-wise trees, 64 bins a feature. Small on purpose: a dozen features and
// a few thousand rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace opsmesh::analytics::forecast {

struct TreesOptions {
  size_t trees = 100;
  size_t depth = 5;
  double rate = 0.08;
  size_t leaf_rows = 20;  // fewest rows of a leaf
  double penalty = 1;     // added to a leaf's number of rows when its value is taken
};

/// Immutable after Fit; thread-safe. The same rows give the same trees.
class BoostedTrees {
 public:
  /// `rows` is row-major, `columns` values a row.
  static BoostedTrees Fit(std::span<const double> rows, size_t columns,
                          std::span<const double> targets, const TreesOptions& options);
  double Predict(std::span<const double> row) const;

 private:
  struct Node {
    int32_t feature = -1;  // -1 = leaf
    uint32_t left = 0;     // right = left + 1
    double value = 0;      // threshold (row goes left when <=), or the leaf's value
  };
  class Builder;

  double base_ = 0;
  std::vector<uint32_t> roots_;
  std::vector<Node> nodes_;
};

}  // namespace opsmesh::analytics::forecast
