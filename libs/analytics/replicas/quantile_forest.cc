#include "libs/analytics/replicas/quantile_forest.h"

#include <algorithm>

#include "libs/analytics/detect/random.h"

namespace opsmesh::analytics::replicas {

// Grows one tree after the other. Rows are kept column by column: a split reads one feature of many
// rows.
class QuantileForest::Builder {
 public:
  Builder(std::span<const float> rows, size_t columns, std::span<const float> targets,
          const ForestOptions& options)
      : targets_(targets),
        columns_(columns),
        options_(options),
        random_(options.seed),
        order_(targets.size()) {
    features_.resize(rows.size());
    for (size_t r = 0; r < targets.size(); ++r) {
      for (size_t c = 0; c < columns; ++c)
        features_[c * targets.size() + r] = rows[r * columns + c];
    }
  }

  void Grow(QuantileForest& forest) {
    for (size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<uint32_t>(i);
    const auto base = static_cast<uint32_t>(forest.samples_.size());
    struct Open {
      uint32_t node, begin, end;
    };
    std::vector<Open> open{
        {static_cast<uint32_t>(forest.nodes_.size()), 0, static_cast<uint32_t>(order_.size())}};
    forest.roots_.push_back(open.back().node);
    forest.nodes_.push_back({});
    while (!open.empty()) {
      const Open now = open.back();
      open.pop_back();
      const Split split = BestSplit(now.begin, now.end);
      if (split.feature < 0) {
        forest.nodes_[now.node] = {.begin = base + now.begin, .end = base + now.end};
        continue;
      }
      const float* const feature = Column(static_cast<size_t>(split.feature));
      const auto middle = static_cast<uint32_t>(
          std::partition(order_.begin() + now.begin, order_.begin() + now.end,
                         [&](uint32_t row) { return feature[row] <= split.threshold; }) -
          order_.begin());
      const auto left = static_cast<uint32_t>(forest.nodes_.size());
      forest.nodes_.insert(forest.nodes_.end(), 2, Node{});
      forest.nodes_[now.node] = {
          .feature = split.feature, .threshold = split.threshold, .begin = left};
      open.push_back({left, now.begin, middle});
      open.push_back({left + 1, middle, now.end});
    }
    forest.samples_.insert(forest.samples_.end(), order_.begin(), order_.end());
  }

 private:
  struct Split {
    int32_t feature = -1;
    float threshold = 0;
  };

  const float* Column(size_t feature) const { return features_.data() + feature * targets_.size(); }

  // The best of a few random cuts: by turns one anywhere in the range, which finds rare large
  // values, and one at a random row, which follows the mass.
  Split BestSplit(uint32_t begin, uint32_t end) {
    Split best;
    const size_t count = end - begin;
    if (count < 2 * options_.leaf_rows) return best;
    double total = 0;
    for (uint32_t i = begin; i < end; ++i) total += targets_[order_[i]];
    double gain = 1e-12;
    for (size_t attempt = 0; attempt < options_.tries; ++attempt) {
      const size_t feature = random_.Below(columns_);
      const float threshold = Cut(Column(feature), begin, end, attempt % 2 == 0);
      const auto [rows, sum] = LeftOf(Column(feature), threshold, begin, end);
      if (rows < options_.leaf_rows || count - rows < options_.leaf_rows) continue;
      const auto left = static_cast<double>(rows), right = static_cast<double>(count - rows);
      const double apart = sum / left - (total - sum) / right;
      const double value = apart * apart * left * right / static_cast<double>(count);
      if (value > gain) {
        gain = value;
        best = {static_cast<int32_t>(feature), threshold};
      }
    }
    return best;
  }

  float Cut(const float* feature, uint32_t begin, uint32_t end, bool by_range) {
    if (!by_range) return feature[order_[begin + random_.Below(end - begin)]];
    float low = feature[order_[begin]], high = low;
    for (uint32_t i = begin + 1; i < end; ++i) {
      low = std::min(low, feature[order_[i]]);
      high = std::max(high, feature[order_[i]]);
    }
    return low + static_cast<float>(random_.Uniform()) * (high - low);
  }

  std::pair<size_t, double> LeftOf(const float* feature, float threshold, uint32_t begin,
                                   uint32_t end) const {
    size_t rows = 0;
    double sum = 0;
    for (uint32_t i = begin; i < end; ++i) {
      const bool left = feature[order_[i]] <= threshold;
      rows += left ? 1 : 0;
      sum += left ? targets_[order_[i]] : 0;
    }
    return {rows, sum};
  }

  const std::span<const float> targets_;
  const size_t columns_;
  const ForestOptions& options_;
  SplitMix64 random_;
  std::vector<float> features_;
  std::vector<uint32_t> order_;
};

QuantileForest QuantileForest::Fit(std::span<const float> rows, size_t columns,
                                   std::span<const float> targets, const ForestOptions& options) {
  QuantileForest forest;
  if (targets.empty() || columns == 0) return forest;
  Builder builder(rows, columns, targets, options);
  for (size_t tree = 0; tree < options.trees; ++tree) builder.Grow(forest);
  return forest;
}

void QuantileForest::Find(std::span<const float> row, std::vector<WeightedRow>& found) const {
  found.clear();
  for (const uint32_t root : roots_) {
    const Node* node = &nodes_[root];
    while (node->feature >= 0) {
      const bool left = row[static_cast<size_t>(node->feature)] <= node->threshold;
      node = &nodes_[node->begin + (left ? 0 : 1)];
    }
    const float weight =
        1.0F / (static_cast<float>(node->end - node->begin) * static_cast<float>(roots_.size()));
    for (uint32_t i = node->begin; i < node->end; ++i) found.push_back({samples_[i], weight});
  }
}

}  // namespace opsmesh::analytics::replicas
