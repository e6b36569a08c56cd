// Isolation forest (Liu, Ting and Zhou, 2008; parameters as scikit-learn's: 100 trees of 256
// samples each).
//
// What is rare and different is separated by few random cuts: the score is 2^(-mean depth /
// c(samples)), towards 1 for what is isolated at once, about 0.5 for what is not. Trees are
// complete binary arrays of depth 8, so that a descent has no branches and no pointers. Seeded and
// deterministic. A fitted forest is immutable and thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace opsmesh::analytics {

struct IsolationForestOptions {
  size_t trees = 100;
  size_t samples = 256;  // a tree, at most 256
  uint64_t seed = 0;
};

class IsolationForest {
 public:
  /// `rows` x `features` values, row-major, no NaN; at least 2 rows.
  IsolationForest(std::span<const double> data, size_t features,
                  const IsolationForestOptions& options = {});

  /// Scores rows of the same features, 0 to 1.
  std::vector<double> Score(std::span<const double> data) const;

 private:
  void Grow(std::span<const double> data, uint32_t* first, size_t count, size_t node, size_t depth,
            uint64_t* seed);

  size_t features_;
  size_t tree_count_;
  size_t depth_;
  double normal_length_;
  size_t inner_;                  // inner nodes a tree
  std::vector<float> threshold_;  // tree by tree, level by level
  std::vector<uint16_t> feature_;
  std::vector<float> length_;  // of the leaves at the bottom
  size_t tree_ = 0;
};

}  // namespace opsmesh::analytics
