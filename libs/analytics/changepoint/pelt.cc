#include "libs/analytics/changepoint/pelt.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libs/analytics/order_statistics.h"

namespace opsmesh::analytics {
namespace {

// Variance of the noise from the steps, which a change of the mean disturbs only once.
double NoiseVariance(std::span<const double> values) {
  if (values.size() < 3) return 1;
  std::vector<double> steps;
  steps.reserve(values.size());
  double mean = 0, squares = 0;
  for (const double v : values) mean += v;
  mean /= static_cast<double>(values.size());
  for (const double v : values) squares += (v - mean) * (v - mean);
  for (size_t i = 1; i < values.size(); ++i) steps.push_back(std::abs(values[i] - values[i - 1]));
  const double sigma = 1.4826 * Quantile(steps, 0.5) / std::sqrt(2.0);
  const double variance = squares / static_cast<double>(values.size());
  // Series that mostly stand still have steps of 0: a share of the variance then.
  return std::max({sigma * sigma, 0.01 * variance, 1e-18 * mean * mean + 1e-300});
}

// Begins that the last stretch may still have, in rising order, each with what is known there: side
// by side, so that all their costs are computed in vectors.
class Candidates {
 public:
  void Add(size_t at, double best, double sum, double squares) {
    at_.push_back(static_cast<double>(at));
    best_.push_back(best);
    sum_.push_back(sum);
    squares_.push_back(squares);
    cost_.push_back(0);
  }

  // Least cost of a series that ends at `to`, and the first candidate it is reached with.
  std::pair<double, size_t> Best(size_t to, double sum, double squares, double penalty) {
    const size_t count = at_.size();
    if (count == 0) return {INFINITY, 0};
    const double end = static_cast<double>(to);
    const double *at = at_.data(), *best = best_.data(), *sums = sum_.data(),
                 *squared = squares_.data();
    double* cost = cost_.data();
    for (size_t c = 0; c < count; ++c) {
      const double s = sum - sums[c];
      cost[c] = best[c] + (squares - squared[c] - s * s / (end - at[c]));
    }
    double least[4] = {INFINITY, INFINITY, INFINITY, INFINITY};
    size_t c = 0;
    for (; c + 4 <= count; c += 4) {
      for (size_t l = 0; l < 4; ++l) least[l] = cost[c + l] < least[l] ? cost[c + l] : least[l];
    }
    for (; c < count; ++c) least[0] = std::min(least[0], cost[c]);
    const double lowest = std::min(std::min(least[0], least[1]), std::min(least[2], least[3]));
    const auto first = std::find(cost_.begin(), cost_.end(), lowest);
    if (first == cost_.end()) return {INFINITY, 0};
    return {lowest + penalty, static_cast<size_t>(at_[static_cast<size_t>(first - cost_.begin())])};
  }

  // What costs more than `least` now can never be the best begin again.
  void DropAbove(double least) {
    const auto over = [least](double cost) { return !(cost <= least); };
    size_t kept =
        static_cast<size_t>(std::find_if(cost_.begin(), cost_.end(), over) - cost_.begin());
    if (kept == cost_.size()) return;
    for (size_t c = kept; c < cost_.size(); ++c) {
      if (over(cost_[c])) continue;
      at_[kept] = at_[c];
      best_[kept] = best_[c];
      sum_[kept] = sum_[c];
      squares_[kept] = squares_[c];
      ++kept;
    }
    for (auto* column : {&at_, &best_, &sum_, &squares_, &cost_}) column->resize(kept);
  }

 private:
  std::vector<double> at_, best_, sum_, squares_, cost_;
};

}  // namespace

double PeltPenalty(std::span<const double> values) {
  return 3 * std::log(static_cast<double>(std::max<size_t>(2, values.size()))) *
         NoiseVariance(values);
}

PeltResult Pelt(std::span<const double> values, const PeltOptions& options) {
  PeltResult result;
  const size_t n = values.size();
  const size_t shortest = std::max<size_t>(1, options.min_length);
  result.last_begin.assign(n, 0);
  if (n < 2 * shortest) return result;
  result.penalty = options.penalty > 0 ? options.penalty : PeltPenalty(values);
  double level = 0;
  for (const double v : values) level += v;
  level /= static_cast<double>(n);
  std::vector<double> sum(n + 1, 0), squares(n + 1, 0);
  for (size_t i = 0; i < n; ++i) {
    const double v = values[i] - level;
    sum[i + 1] = sum[i] + v;
    squares[i + 1] = squares[i] + v * v;
  }
  const auto cost = [&](size_t from, size_t to) {
    const double s = sum[to] - sum[from];
    return squares[to] - squares[from] - s * s / static_cast<double>(to - from);
  };
  std::vector<size_t> begin(n + 1, 0);
  Candidates candidates;
  candidates.Add(0, -result.penalty, 0, 0);
  std::vector<double> best(n + 1, 0);
  for (size_t t = shortest; t <= n; ++t) {
    if (t >= 2 * shortest) {
      const size_t from = t - shortest;
      candidates.Add(from, best[from], sum[from], squares[from]);
    }
    const auto [least, chosen] = candidates.Best(t, sum[t], squares[t], result.penalty);
    best[t] = least;
    begin[t] = chosen;
    candidates.DropAbove(least);
    result.last_begin[t - 1] = chosen;
  }
  std::vector<size_t> cuts;
  for (size_t t = n; begin[t] > 0; t = begin[t]) cuts.push_back(begin[t]);
  std::reverse(cuts.begin(), cuts.end());
  for (size_t c = 0; c < cuts.size(); ++c) {
    const size_t from = c == 0 ? 0 : cuts[c - 1], to = c + 1 < cuts.size() ? cuts[c + 1] : n;
    MeanChange change;
    change.index = cuts[c];
    change.before = level + (sum[cuts[c]] - sum[from]) / static_cast<double>(cuts[c] - from);
    change.after = level + (sum[to] - sum[cuts[c]]) / static_cast<double>(to - cuts[c]);
    change.gain = (cost(from, to) - cost(from, cuts[c]) - cost(cuts[c], to)) / result.penalty;
    result.changes.push_back(change);
  }
  return result;
}

}  // namespace opsmesh::analytics
