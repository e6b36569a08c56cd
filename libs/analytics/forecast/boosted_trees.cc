#include "libs/analytics/forecast/boosted_trees.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace opsmesh::analytics::forecast {
namespace {

constexpr size_t kBins = 64;

// Sum of the residuals and number of the rows, added up together in one vector.
typedef double Bin __attribute__((vector_size(2 * sizeof(double))));
constexpr size_t kSum = 0, kCount = 1;
using Histogram = std::vector<Bin>;  // columns x kBins

struct Split {
  double gain = 0;
  size_t feature = 0;
  size_t bin = 0;  // rows with bins <= this go left
};

}  // namespace

class BoostedTrees::Builder {
 public:
  Builder(std::span<const double> rows, size_t columns, std::span<const double> targets,
          const TreesOptions& options)
      : columns_(columns),
        count_(targets.size()),
        options_(options),
        residuals_(targets.begin(), targets.end()) {
    MakeBins(rows);
    order_.resize(count_);
    aside_.resize(count_);
  }

  void Build(BoostedTrees& model) {
    model.base_ =
        std::accumulate(residuals_.begin(), residuals_.end(), 0.0) / static_cast<double>(count_);
    for (double& residual : residuals_) residual -= model.base_;
    for (size_t tree = 0; tree < options_.trees; ++tree) {
      std::iota(order_.begin(), order_.end(), 0u);
      model.roots_.push_back(static_cast<uint32_t>(model.nodes_.size()));
      model.nodes_.emplace_back();
      Grow(model, model.roots_.back(), 0, count_, HistogramOf(0, count_, columns_), 0);
    }
  }

 private:
  // Bin borders at quantiles; bin b of a feature holds values <= borders_[feature][b].
  void MakeBins(std::span<const double> rows) {
    bins_.resize(columns_ * count_);
    borders_.resize(columns_);
    std::vector<double> sorted(count_);
    for (size_t c = 0; c < columns_; ++c) {
      for (size_t i = 0; i < count_; ++i) sorted[i] = rows[i * columns_ + c];
      std::sort(sorted.begin(), sorted.end());
      std::vector<double>& borders = borders_[c];
      for (size_t b = 1; b < kBins; ++b) {
        const double border = sorted[b * count_ / kBins];
        if (borders.empty() || border > borders.back()) borders.push_back(border);
      }
      for (size_t i = 0; i < count_; ++i) {
        const auto at = std::lower_bound(borders.begin(), borders.end(), rows[i * columns_ + c]);
        bins_[i * columns_ + c] = static_cast<uint8_t>(at - borders.begin());
      }
    }
  }

  // Of the first `columns` features.
  Histogram HistogramOf(size_t from, size_t to, size_t columns) const {
    Histogram histogram(columns * kBins);
    for (size_t k = from; k < to; ++k) {
      const uint32_t row = order_[k];
      const Bin one = {residuals_[row], 1};
      const uint8_t* const bins = &bins_[row * columns_];
      for (size_t c = 0; c < columns; ++c) histogram[c * kBins + bins[c]] += one;
    }
    return histogram;
  }

  bool MaySplit(size_t count, size_t depth) const {
    return depth < options_.depth && count >= 2 * options_.leaf_rows;
  }

  Split Best(const Histogram& histogram, double sum, double count) const {
    Split best;
    const auto least = static_cast<double>(options_.leaf_rows);
    const double before = sum * sum / (count + options_.penalty);
    for (size_t c = 0; c < columns_; ++c) {
      double left_sum = 0, left_count = 0;
      for (size_t b = 0; b + 1 <= borders_[c].size(); ++b) {
        left_sum += histogram[c * kBins + b][kSum];
        left_count += histogram[c * kBins + b][kCount];
        if (left_count < least) continue;
        const double right_count = count - left_count;
        if (right_count < least) break;
        const double right_sum = sum - left_sum;
        const double gain = left_sum * left_sum / (left_count + options_.penalty) +
                            right_sum * right_sum / (right_count + options_.penalty) - before;
        if (gain > best.gain) best = {gain, c, b};
      }
    }
    return best;
  }

  void Grow(BoostedTrees& model, uint32_t node, size_t from, size_t to, Histogram histogram,
            size_t depth) {
    double sum = 0;
    for (size_t b = 0; b < kBins; ++b) sum += histogram[b][kSum];
    const auto count = static_cast<double>(to - from);
    const Split split = MaySplit(to - from, depth) ? Best(histogram, sum, count) : Split{};
    if (split.gain <= 1e-12) {
      MakeLeaf(model.nodes_[node], from, to, sum / (count + options_.penalty));
      return;
    }
    const size_t cut = Partition(from, to, split);
    const auto left = static_cast<uint32_t>(model.nodes_.size());
    model.nodes_[node] = {static_cast<int32_t>(split.feature), left,
                          borders_[split.feature][split.bin]};
    model.nodes_.resize(model.nodes_.size() + 2);
    // The bigger side's histogram is what the smaller one leaves over.
    const bool left_is_small = cut - from <= to - cut;
    // A leaf takes its mean from the first feature alone.
    const bool split_again = MaySplit(cut - from, depth + 1) || MaySplit(to - cut, depth + 1);
    const size_t columns = split_again ? columns_ : 1;
    Histogram small =
        left_is_small ? HistogramOf(from, cut, columns) : HistogramOf(cut, to, columns);
    for (size_t i = 0; i < small.size(); ++i) histogram[i] -= small[i];
    if (!left_is_small) std::swap(small, histogram);
    Grow(model, left, from, cut, std::move(small), depth + 1);
    Grow(model, left + 1, cut, to, std::move(histogram), depth + 1);
  }

  // Rows that go left first, either side in its old order; where the right side begins.
  size_t Partition(size_t from, size_t to, const Split& split) {
    size_t left = from, right = 0;
    for (size_t k = from; k < to; ++k) {
      const uint32_t row = order_[k];
      const bool goes_left = bins_[row * columns_ + split.feature] <= split.bin;
      order_[left] = row;
      aside_[right] = row;
      left += goes_left ? 1 : 0;
      right += goes_left ? 0 : 1;
    }
    std::copy(aside_.begin(), aside_.begin() + static_cast<ptrdiff_t>(right),
              order_.begin() + static_cast<ptrdiff_t>(left));
    return left;
  }

  void MakeLeaf(Node& node, size_t from, size_t to, double mean) {
    node.value = options_.rate * mean;
    for (size_t k = from; k < to; ++k) residuals_[order_[k]] -= node.value;
  }

  const size_t columns_;
  const size_t count_;
  const TreesOptions options_;
  std::vector<double> residuals_;
  std::vector<uint8_t> bins_;  // row-major: one row's bins share a cache line
  std::vector<std::vector<double>> borders_;
  std::vector<uint32_t> order_;
  std::vector<uint32_t> aside_;  // room for a partition
};

BoostedTrees BoostedTrees::Fit(std::span<const double> rows, size_t columns,
                               std::span<const double> targets, const TreesOptions& options) {
  BoostedTrees model;
  if (!targets.empty()) Builder(rows, columns, targets, options).Build(model);
  return model;
}

double BoostedTrees::Predict(std::span<const double> row) const {
  double sum = base_;
  for (const uint32_t root : roots_) {
    const Node* node = &nodes_[root];
    while (node->feature >= 0) {
      node = &nodes_[node->left + (row[static_cast<size_t>(node->feature)] <= node->value ? 0 : 1)];
    }
    sum += node->value;
  }
  return sum;
}

}  // namespace opsmesh::analytics::forecast
