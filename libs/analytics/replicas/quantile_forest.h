// Forest of extremely randomised regression trees whose leaves keep their samples, so that it
// answers with a distribution instead of a mean (Geurts, Ernst and Wehenkel, "Extremely randomized
// trees", 2006; Meinshausen, "Quantile regression forests", 2006).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace opsmesh::analytics::replicas {

struct ForestOptions {
  size_t trees = 50;
  size_t leaf_rows = 6;  // fewest rows of a leaf
  size_t tries = 12;     // random splits tried at a node
  uint64_t seed = 42;
};

/// One row of the training set and how much it counts; the weights of an answer add up to 1.
struct WeightedRow {
  uint32_t row;
  float weight;
};

/// Immutable after Fit; thread-safe. The same rows give the same forest.
class QuantileForest {
 public:
  /// `rows` is row-major, `columns` values a row; one target a row. An empty set gives a forest
  /// without an answer.
  static QuantileForest Fit(std::span<const float> rows, size_t columns,
                            std::span<const float> targets, const ForestOptions& options);

  /// Training rows that resemble `row`, each as often as leaves hold it. Clears `found` first.
  void Find(std::span<const float> row, std::vector<WeightedRow>& found) const;

  bool empty() const { return roots_.empty(); }

 private:
  struct Node {
    int32_t feature = -1;  // -1 = leaf
    float threshold = 0;   // a row goes left when its feature is <= this
    uint32_t begin = 0;    // leaf: its rows are samples_[begin, end); otherwise begin = left child,
                           // right = begin + 1
    uint32_t end = 0;
  };
  class Builder;

  std::vector<uint32_t> roots_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> samples_;
};

}  // namespace opsmesh::analytics::replicas
