#include "libs/analytics/changepoint/pelt.h"

#include <algorithm>
#include <cmath>

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
  std::vector<double> best(n + 1, 0);
  std::vector<size_t> begin(n + 1, 0), candidates = {0};
  std::vector<double> values_of;
  best[0] = -result.penalty;
  for (size_t t = shortest; t <= n; ++t) {
    if (t >= 2 * shortest) candidates.push_back(t - shortest);
    values_of.resize(candidates.size());
    double least = INFINITY;
    for (size_t c = 0; c < candidates.size(); ++c) {
      const double v = best[candidates[c]] + cost(candidates[c], t);
      values_of[c] = v;
      if (v + result.penalty < least) {
        least = v + result.penalty;
        begin[t] = candidates[c];
      }
    }
    best[t] = least;
    size_t kept = 0;
    for (size_t c = 0; c < candidates.size(); ++c) {
      if (values_of[c] <= best[t]) candidates[kept++] = candidates[c];
    }
    candidates.resize(kept);
    result.last_begin[t - 1] = begin[t];
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
