// Series that nobody should send: every method, streaming and batch, answers with scores from 0
// to 1.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/analytics/cause/onset.h"
#include "libs/analytics/correlate/lagged.h"
#include "libs/analytics/detect/ensemble.h"
#include "libs/analytics/detect/methods.h"
#include "libs/analytics/detect/random.h"

namespace opsmesh::analytics {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

struct Hostile {
  std::string name;
  std::vector<double> values;
};

std::vector<Hostile> HostileSeries(size_t n) {
  SplitMix64 random(n);
  std::vector<Hostile> all = {{"zeros", {}},       {"one level", {}},  {"one spike", {}},
                              {"missing", {}},     {"infinite", {}},   {"huge", {}},
                              {"tiny", {}},        {"two values", {}}, {"rising", {}},
                              {"alternating", {}}, {"holes", {}},      {"towering", {}}};
  for (size_t i = 0; i < n; ++i) {
    const double u = random.Uniform(), x = static_cast<double>(i);
    const double values[] = {0,
                             1e9 + 0.1,
                             i == n / 2 ? 1e12 : 3,
                             kNan,
                             i % 7 == 0   ? kInf
                             : i % 5 == 0 ? -kInf
                                          : u,
                             (u - 0.5) * 2 * 1.7e308,
                             u * 1e-310,
                             u < 0.5 ? -0.0 : 1,
                             x * x,
                             i % 2 == 0 ? 1.0 : -1.0,
                             u < 0.4 ? kNan : u,
                             i == n / 3 ? 1e200 : u};
    for (size_t k = 0; k < all.size(); ++k) all[k].values.push_back(values[k]);
  }
  return all;
}

TEST(HostileSeries, EveryMethodGivesScoresFromNoughtToOne) {
  for (const size_t n : {0, 1, 2, 29, 30, 31, 64, 127, 128, 129, 300}) {
    for (const bool standing : {false, true}) {
      std::vector<double> times;
      for (size_t i = 0; i < n; ++i)
        times.push_back(1.7e9 + (standing ? 0 : 1800 * static_cast<double>(i)));
      for (const Hostile& series : HostileSeries(n)) {
        const auto check = [&](double score, std::string_view method) {
          ASSERT_TRUE(score >= 0 && score <= 1)
              << method << " on '" << series.name << "' of " << n << ": " << score;
        };
        for (const bool streaming : {false, true}) {
          for (const Method method : AllMethods()) {
            if (method == Method::kEnsemble) {
              const auto points = streaming ? ScoreStreaming(times, series.values)
                                            : ScoreBatch(times, series.values);
              ASSERT_EQ(points.size(), n);
              for (const EnsemblePoint& point : points) check(point.score, MethodName(method));
              continue;
            }
            const MethodScores said =
                RunMethod(method, times, series.values, {.streaming = streaming});
            ASSERT_EQ(said.scores.size(), n) << MethodName(method);
            for (const double score : said.scores) check(score, MethodName(method));
          }
        }
      }
    }
  }
}

TEST(HostileSeries, RelationsAndTheOnsetSurviveThemToo) {
  for (const size_t n : {1, 4, 9, 10, 50, 200}) {
    const std::vector<Hostile> all = HostileSeries(n);
    std::vector<double> block;
    for (const Hostile& series : all)
      block.insert(block.end(), series.values.begin(), series.values.end());
    const std::vector<double> weights(all.size(), 1.0);
    const auto onset = FindOnset({block, all.size(), n, weights});
    EXPECT_TRUE(!onset || onset->column < n);
    for (double& v : block) v = std::isfinite(v) ? v : 0;
    for (const LaggedPair& pair : CorrelateLagged(block, all.size(), {.max_lag = 5}).pairs) {
      EXPECT_TRUE(std::abs(pair.coefficient) <= 1) << pair.first << " " << pair.second;
      EXPECT_TRUE(pair.p_value >= 0 && pair.p_value <= 1);
    }
    for (size_t a = 0; a < all.size(); ++a) {
      const std::span<const double> cause(block.data() + a * n, n), effect(block.data() + 5 * n, n);
      const double p = GrangerPValue(cause, effect, 3);
      EXPECT_TRUE(p >= 0 && p <= 1) << all[a].name << ": " << p;
    }
  }
}

}  // namespace
}  // namespace opsmesh::analytics
