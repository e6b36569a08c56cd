#include <algorithm>
#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "libs/analytics/changepoint/bocpd.h"
#include "libs/analytics/changepoint/pelt.h"
#include "libs/analytics/detect/random.h"

namespace opsmesh::analytics {
namespace {

std::vector<double> Steps(size_t n, const std::vector<std::pair<size_t, double>>& levels,
                          uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<double> values;
  size_t at = 0;
  for (size_t i = 0; i < n; ++i) {
    while (at + 1 < levels.size() && levels[at + 1].first <= i) ++at;
    double noise = -6;
    for (int k = 0; k < 12; ++k) noise += random.Uniform();
    values.push_back(levels[at].second + noise);
  }
  return values;
}

// Optimal partitioning without pruning: what PELT must equal.
std::vector<size_t> AllCuts(const std::vector<double>& x, double penalty, size_t least) {
  const size_t n = x.size();
  const auto cost = [&](size_t a, size_t b) {
    double mean = 0, sum = 0;
    for (size_t i = a; i < b; ++i) mean += x[i];
    mean /= static_cast<double>(b - a);
    for (size_t i = a; i < b; ++i) sum += (x[i] - mean) * (x[i] - mean);
    return sum;
  };
  std::vector<double> best(n + 1, INFINITY);
  std::vector<size_t> begin(n + 1, 0);
  best[0] = -penalty;
  for (size_t t = least; t <= n; ++t) {
    for (size_t s = 0; s + least <= t; ++s) {
      if (best[s] + cost(s, t) + penalty < best[t]) {
        best[t] = best[s] + cost(s, t) + penalty;
        begin[t] = s;
      }
    }
  }
  std::vector<size_t> cuts;
  for (size_t t = n; begin[t] > 0; t = begin[t]) cuts.insert(cuts.begin(), begin[t]);
  return cuts;
}

TEST(Pelt, FindsTheSameCutsAsTryingAll) {
  const std::vector<double> x = Steps(220, {{0, 0}, {60, 4}, {110, 1}, {180, 7}}, 3);
  for (const double penalty : {3.0, 8.0, 16.0}) {
    std::vector<size_t> cuts;
    for (const MeanChange& change : Pelt(x, {.penalty = penalty}).changes)
      cuts.push_back(change.index);
    EXPECT_EQ(cuts, AllCuts(x, penalty, 2)) << penalty;
  }
}

TEST(Pelt, DatesAShiftAndLeavesNoiseWhole) {
  const PeltResult found = Pelt(Steps(400, {{0, 10}, {250, 14}}, 8));
  ASSERT_EQ(found.changes.size(), 1u);
  EXPECT_NEAR(static_cast<double>(found.changes[0].index), 250, 2);
  EXPECT_NEAR(found.changes[0].before, 10, 0.3);
  EXPECT_NEAR(found.changes[0].after, 14, 0.3);
  EXPECT_TRUE(Pelt(Steps(400, {{0, 10}}, 9)).changes.empty());
  EXPECT_TRUE(Pelt(std::vector<double>(100, 5.0)).changes.empty());
}

TEST(Bocpd, NoticesAShiftWithinAFewSamplesAlsoOverManySeries) {
  const std::vector<double> one = Steps(300, {{0, 0}, {200, 6}}, 5);
  const BocpdResult found = Bocpd(one, 1);
  ASSERT_EQ(found.change_points.size(), 1u);
  EXPECT_NEAR(static_cast<double>(found.change_points[0]), 200, 2);
  EXPECT_GT(*std::max_element(found.recent_change.begin() + 200, found.recent_change.begin() + 207),
            0.65);
  EXPECT_LT(found.recent_change[150], 0.3);
  std::vector<double> many;
  const std::vector<double> other = Steps(300, {{0, 5}, {200, 7}}, 6);
  for (size_t i = 0; i < 300; ++i) {
    many.push_back(other[i]);
    many.push_back(other[299 - i] * 0 + one[i]);
  }
  ASSERT_FALSE(Bocpd(many, 2).change_points.empty());
  EXPECT_NEAR(static_cast<double>(Bocpd(many, 2).change_points[0]), 200, 1);
}

TEST(Bocpd, ASampleTooFarForAnyRunDoesNotSpoilWhatFollows) {
  std::vector<double> series = Steps(300, {{0, 0}, {200, 6}}, 5);
  series[100] = 1e200;
  const BocpdResult found = Bocpd(series, 1);
  for (const double recent : found.recent_change) EXPECT_TRUE(recent >= 0 && recent <= 1.0001);
  ASSERT_FALSE(found.change_points.empty());
  EXPECT_NEAR(static_cast<double>(found.change_points.back()), 200, 2);
}

}  // namespace
}  // namespace opsmesh::analytics
