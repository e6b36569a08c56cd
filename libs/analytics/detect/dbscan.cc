#include "libs/analytics/detect/dbscan.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace opsmesh::analytics {
namespace {

// Dimensions the grid is laid over; further ones only enter the distance.
constexpr size_t kGridDimensions = 4;

class Forest {
 public:
  explicit Forest(size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), 0U); }
  uint32_t Find(uint32_t x) {
    while (parent_[x] != x) x = parent_[x] = parent_[parent_[x]];
    return x;
  }
  void Join(uint32_t a, uint32_t b) {
    a = Find(a);
    b = Find(b);
    if (a != b) parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<uint32_t> parent_;
};

// Clusters numbered in the order of their first core point; border points take the lowest cluster
// that reaches them.
class Labels {
 public:
  template <typename Root>
  Labels(size_t n, const std::vector<char>& core, Root root) : labels_(n, -1) {
    std::vector<int> of_root(n, -1);
    int next = 0;
    for (uint32_t i = 0; i < n; ++i) {
      if (!core[i]) continue;
      int& label = of_root[root(i)];
      if (label < 0) label = next++;
      labels_[i] = label;
    }
  }
  void Reach(uint32_t border, uint32_t from) {
    int& label = labels_[border];
    if (label < 0 || labels_[from] < label) label = labels_[from];
  }
  std::vector<int> Take() { return std::move(labels_); }

 private:
  std::vector<int> labels_;
};

std::vector<int> Dbscan1(std::span<const double> data, double eps, size_t min_samples) {
  const size_t n = data.size();
  std::vector<uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return data[a] < data[b]; });
  // Squared, as in more dimensions: the same points are neighbours whatever the dimension.
  const auto near = [&](size_t a, size_t b) {
    const double d = data[order[b]] - data[order[a]];
    return d * d <= eps * eps;
  };
  std::vector<char> core(n, 0);
  size_t low = 0, high = 0;
  for (size_t i = 0; i < n; ++i) {
    while (!near(low, i)) ++low;
    while (high < n && near(i, high)) ++high;
    core[order[i]] = high - low >= min_samples;
  }
  Forest forest(n);
  size_t last = n;
  for (size_t i = 0; i < n; ++i) {
    if (!core[order[i]]) continue;
    if (last < n && near(last, i)) forest.Join(order[last], order[i]);
    last = i;
  }
  Labels labels(n, core, [&](uint32_t point) { return forest.Find(point); });
  last = n;
  for (size_t i = 0; i < n; ++i) {
    if (core[order[i]]) {
      last = i;
    } else if (last < n && near(last, i)) {
      labels.Reach(order[i], order[last]);
    }
  }
  last = n;
  for (size_t i = n; i-- > 0;) {
    if (core[order[i]]) {
      last = i;
    } else if (last < n && near(i, last)) {
      labels.Reach(order[i], order[last]);
    }
  }
  return labels.Take();
}

class Grid {
 public:
  Grid(std::span<const double> data, size_t features, double eps)
      : features_(features), dimensions_(std::min(features, kGridDimensions)), limit_(eps * eps) {
    const size_t n = data.size() / features;
    std::vector<double> low(dimensions_, INFINITY);
    for (size_t i = 0; i < n; ++i) {
      for (size_t d = 0; d < dimensions_; ++d) low[d] = std::min(low[d], data[i * features + d]);
    }
    std::vector<uint64_t> keys(n);
    for (size_t i = 0; i < n; ++i) {
      uint64_t key = 0;
      for (size_t d = 0; d < dimensions_; ++d) {
        // Far outliers share the last cells: wrong cells only cost time, neighbours are measured.
        const double cell = std::floor((data[i * features + d] - low[d]) / (eps * (1 + 1e-9)));
        key = key << kBits | (static_cast<uint64_t>(std::min(cell, kLastCell)) + 1);
      }
      keys[i] = key;
    }
    order_.resize(n);
    std::iota(order_.begin(), order_.end(), 0U);
    std::sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) {
      return std::pair(keys[a], a) < std::pair(keys[b], b);
    });
    for (size_t i = 0; i < n; ++i) {
      if (i == 0 || keys[order_[i]] != keys[order_[i - 1]]) {
        begin_.push_back(static_cast<uint32_t>(i));
        cell_keys_.push_back(keys[order_[i]]);
      }
    }
    begin_.push_back(static_cast<uint32_t>(n));
    FindNeighbours();
    position_.resize(n);
    for (size_t i = 0; i < n; ++i) position_[order_[i]] = static_cast<uint32_t>(i);
    // The points in the order of their cells, so that a cell is read in one go.
    packed_.resize(data.size());
    for (size_t i = 0; i < n; ++i) {
      for (size_t f = 0; f < features; ++f)
        packed_[i * features + f] = data[order_[i] * features + f];
    }
  }

  size_t cells() const { return cell_keys_.size(); }
  uint32_t begin(size_t cell) const { return begin_[cell]; }
  uint32_t end(size_t cell) const { return begin_[cell + 1]; }
  uint32_t point(uint32_t position) const { return order_[position]; }
  uint32_t position(uint32_t point) const { return position_[point]; }

  bool Near(uint32_t a, uint32_t b) const {
    double sum = 0;
    for (size_t f = 0; f < features_; ++f) {
      const double d = packed_[a * features_ + f] - packed_[b * features_ + f];
      sum += d * d;
    }
    return sum <= limit_;
  }

  // Cells that touch this one and itself, in rising order.
  std::span<const uint32_t> Neighbours(size_t cell) const {
    return {near_.data() + near_begin_[cell], near_begin_[cell + 1] - near_begin_[cell]};
  }

 private:
  static constexpr int kBits = 16;
  static constexpr double kLastCell = 65000;

  // Looks up half of the cells around each, from the larger key to the smaller; the other half are
  // the same pairs seen from the other side.
  void FindNeighbours() {
    size_t combinations = 1;
    for (size_t d = 0; d < dimensions_; ++d) combinations *= 3;
    const std::unordered_map<uint64_t, uint32_t> index = [&] {
      std::unordered_map<uint64_t, uint32_t> made;  // looked up only, never iterated
      made.reserve(2 * cell_keys_.size());
      for (size_t c = 0; c < cell_keys_.size(); ++c)
        made.emplace(cell_keys_[c], static_cast<uint32_t>(c));
      return made;
    }();
    std::vector<std::pair<uint32_t, uint32_t>> pairs;
    for (size_t cell = 0; cell < cell_keys_.size(); ++cell) {
      pairs.emplace_back(cell, cell);
      for (size_t c = 0; c < combinations; ++c) {
        uint64_t key = cell_keys_[cell];
        size_t rest = c;
        for (size_t d = 0; d < dimensions_; ++d, rest /= 3) {
          const uint64_t one = uint64_t{1} << (kBits * d);
          key = rest % 3 == 0 ? key - one : rest % 3 == 1 ? key : key + one;
        }
        if (key >= cell_keys_[cell]) continue;
        const auto found = index.find(key);
        if (found == index.end()) continue;
        pairs.emplace_back(cell, found->second);
        pairs.emplace_back(found->second, cell);
      }
    }
    std::sort(pairs.begin(), pairs.end());
    near_begin_.assign(cell_keys_.size() + 1, 0);
    near_.reserve(pairs.size());
    for (const auto& [from, to] : pairs) {
      ++near_begin_[from + 1];
      near_.push_back(to);
    }
    for (size_t c = 0; c < cell_keys_.size(); ++c) near_begin_[c + 1] += near_begin_[c];
  }

  const size_t features_;
  const size_t dimensions_;
  const double limit_;
  std::vector<uint32_t> order_;
  std::vector<uint32_t> position_;
  std::vector<uint32_t> begin_;
  std::vector<uint64_t> cell_keys_;
  std::vector<double> packed_;
  std::vector<uint32_t> near_;  // cells that touch, cell after cell
  std::vector<size_t> near_begin_;
};

// Joins the core points (by position) that are near each other. Cells whose core points are all one
// component already are joined or passed over as a whole.
void JoinCores(const Grid& grid, const std::vector<char>& core, Forest& forest) {
  std::vector<uint32_t> cores;
  std::vector<size_t> begin = {0};
  std::vector<char> whole;
  for (size_t cell = 0; cell < grid.cells(); ++cell) {
    for (uint32_t p = grid.begin(cell); p < grid.end(cell); ++p) {
      if (core[grid.point(p)]) cores.push_back(p);
    }
    size_t components = cores.size() - begin.back();
    for (size_t i = begin.back(); i < cores.size() && components > 1; ++i) {
      for (size_t j = i + 1; j < cores.size() && components > 1; ++j) {
        if (forest.Find(cores[i]) == forest.Find(cores[j]) || !grid.Near(cores[i], cores[j]))
          continue;
        forest.Join(cores[i], cores[j]);
        --components;
      }
    }
    whole.push_back(components <= 1);
    begin.push_back(cores.size());
  }
  const auto of = [&](size_t cell) {
    return std::span<const uint32_t>(cores.data() + begin[cell], begin[cell + 1] - begin[cell]);
  };
  const auto join = [&](size_t cell, size_t other) {
    const bool once = whole[cell] && whole[other];
    for (const uint32_t p : of(cell)) {
      for (const uint32_t q : of(other)) {
        if (forest.Find(p) == forest.Find(q)) {
          if (once) return;
          continue;
        }
        if (!grid.Near(p, q)) continue;
        forest.Join(p, q);
        if (once) return;
      }
    }
  };
  for (size_t cell = 0; cell < grid.cells(); ++cell) {
    for (const uint32_t other : grid.Neighbours(cell)) {
      if (other > cell) join(cell, other);
    }
  }
}

std::vector<int> DbscanGrid(std::span<const double> data, size_t features, double eps,
                            size_t min_samples) {
  const size_t n = data.size() / features;
  const Grid grid(data, features, eps);
  std::vector<char> core(n, 0);
  for (size_t cell = 0; cell < grid.cells(); ++cell) {
    const std::span<const uint32_t> near = grid.Neighbours(cell);
    for (uint32_t p = grid.begin(cell); p < grid.end(cell); ++p) {
      size_t count = 0;
      for (size_t k = 0; k < near.size() && count < min_samples; ++k) {
        for (uint32_t q = grid.begin(near[k]); q < grid.end(near[k]) && count < min_samples; ++q)
          count += grid.Near(p, q);
      }
      core[grid.point(p)] = count >= min_samples;
    }
  }
  Forest forest(n);
  JoinCores(grid, core, forest);
  Labels labels(n, core, [&](uint32_t point) { return forest.Find(grid.position(point)); });
  for (size_t cell = 0; cell < grid.cells(); ++cell) {
    const std::span<const uint32_t> near = grid.Neighbours(cell);
    for (uint32_t p = grid.begin(cell); p < grid.end(cell); ++p) {
      if (core[grid.point(p)]) continue;
      for (const uint32_t other : near) {
        for (uint32_t q = grid.begin(other); q < grid.end(other); ++q) {
          if (core[grid.point(q)] && grid.Near(p, q)) labels.Reach(grid.point(p), grid.point(q));
        }
      }
    }
  }
  return labels.Take();
}

}  // namespace

std::vector<int> Dbscan(std::span<const double> data, size_t features, double eps,
                        size_t min_samples) {
  if (data.empty()) return {};
  return features == 1 ? Dbscan1(data, eps, min_samples)
                       : DbscanGrid(data, features, eps, min_samples);
}

}  // namespace opsmesh::analytics
