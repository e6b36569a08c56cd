#include "libs/analytics/detect/isolation_forest.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "libs/analytics/detect/random.h"

namespace opsmesh::analytics {
namespace {

constexpr size_t kMaxSamples = 256;
constexpr double kEuler = 0.5772156649015329;

// Mean length of an unsuccessful search in a binary search tree of n nodes.
double MeanLength(size_t n) {
  if (n <= 1) return 0;
  if (n == 2) return 1;
  const double count = static_cast<double>(n);
  return 2 * (std::log(count - 1) + kEuler) - 2 * (count - 1) / count;
}

}  // namespace

IsolationForest::IsolationForest(std::span<const double> data, size_t features,
                                 const IsolationForestOptions& options)
    : features_(features), tree_count_(options.trees) {
  const size_t rows = data.size() / features;
  const size_t samples = std::min({rows, options.samples, kMaxSamples});
  depth_ =
      samples <= 1 ? 0 : static_cast<size_t>(std::ceil(std::log2(static_cast<double>(samples))));
  normal_length_ = std::max(1e-9, MeanLength(samples));
  inner_ = (size_t{1} << depth_) - 1;
  threshold_.assign(tree_count_ * inner_, std::numeric_limits<float>::infinity());
  feature_.assign(tree_count_ * inner_, 0);
  length_.assign(tree_count_ * (inner_ + 1), 0);
  std::vector<uint32_t> order(rows);
  std::iota(order.begin(), order.end(), 0U);
  SplitMix64 random(options.seed);
  for (tree_ = 0; tree_ < tree_count_; ++tree_) {
    for (size_t i = 0; i < samples; ++i) std::swap(order[i], order[i + random.Below(rows - i)]);
    uint64_t seed = random.Next();
    Grow(data, order.data(), samples, 0, 0, &seed);
  }
}

// Node numbers are those of a complete tree. A branch that ends early keeps its threshold at
// infinity: the descent then goes left to the bottom, and the leaf there carries the length at
// which the branch ended.
void IsolationForest::Grow(std::span<const double> data, uint32_t* first, size_t count, size_t node,
                           size_t depth, uint64_t* seed) {
  const auto leaf = [&] {
    size_t bottom = node;
    for (size_t d = depth; d < depth_; ++d) bottom = 2 * bottom + 1;
    length_[tree_ * (inner_ + 1) + bottom - inner_] =
        static_cast<float>(static_cast<double>(depth) + MeanLength(count));
  };
  if (depth == depth_ || count <= 1) return leaf();
  SplitMix64 random(*seed);
  // A feature with a spread, from a random one on.
  const size_t offset = random.Below(features_);
  for (size_t k = 0; k < features_; ++k) {
    const size_t f = (offset + k) % features_;
    double low = data[first[0] * features_ + f], high = low;
    for (size_t i = 1; i < count; ++i) {
      const double v = data[first[i] * features_ + f];
      low = std::min(low, v);
      high = std::max(high, v);
    }
    // In single precision, as the descent compares.
    float cut = static_cast<float>(low + random.Uniform() * (high - low));
    if (cut <= static_cast<float>(low)) cut = std::nextafter(static_cast<float>(low), INFINITY);
    if (static_cast<float>(low) >= static_cast<float>(high) || cut > static_cast<float>(high))
      continue;
    *seed = random.Next();
    uint32_t* middle = std::partition(first, first + count, [&](uint32_t row) {
      return static_cast<float>(data[row * features_ + f]) < cut;
    });
    threshold_[tree_ * inner_ + node] = cut;
    feature_[tree_ * inner_ + node] = static_cast<uint16_t>(f);
    Grow(data, first, static_cast<size_t>(middle - first), 2 * node + 1, depth + 1, seed);
    Grow(data, middle, count - static_cast<size_t>(middle - first), 2 * node + 2, depth + 1, seed);
    return;
  }
  leaf();
}

std::vector<double> IsolationForest::Score(std::span<const double> data) const {
  const size_t rows = data.size() / features_;
  std::vector<float> values(data.begin(), data.end());
  std::vector<float> sum(rows, 0);
  constexpr size_t kLanes = 8;  // rows that descend together hide the latency of each other's loads
  for (size_t t = 0; t < tree_count_; ++t) {
    const float* threshold = threshold_.data() + t * inner_;
    const uint16_t* feature = feature_.data() + t * inner_;
    const float* length = length_.data() + t * (inner_ + 1);
    size_t row = 0;
    for (; row + kLanes <= rows; row += kLanes) {
      uint32_t node[kLanes] = {};
      for (size_t d = 0; d < depth_; ++d) {
        for (size_t l = 0; l < kLanes; ++l) {
          const float v = values[(row + l) * features_ + (features_ == 1 ? 0 : feature[node[l]])];
          node[l] = 2 * node[l] + 1 + static_cast<uint32_t>(v >= threshold[node[l]]);
        }
      }
      for (size_t l = 0; l < kLanes; ++l) sum[row + l] += length[node[l] - inner_];
    }
    for (; row < rows; ++row) {
      size_t node = 0;
      for (size_t d = 0; d < depth_; ++d)
        node = 2 * node + 1 + (values[row * features_ + feature[node]] >= threshold[node]);
      sum[row] += length[node - inner_];
    }
  }
  std::vector<double> scores(rows);
  const double scale = 1 / (normal_length_ * static_cast<double>(tree_count_));
  for (size_t r = 0; r < rows; ++r) scores[r] = std::exp2(-static_cast<double>(sum[r]) * scale);
  return scores;
}

}  // namespace opsmesh::analytics
