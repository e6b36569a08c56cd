#include "libs/analytics/robust_z.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace opsmesh::analytics {
namespace {

Series Make(std::vector<double> values) {
  Series series{.name = "s", .times = {}, .values = std::move(values)};
  for (size_t i = 0; i < series.values.size(); ++i) series.times.push_back(60.0 * static_cast<double>(i));
  return series;
}

TEST(RobustZ, FindsASpikeThatAPlainZScoreWouldHideBehindItsOwnWidth) {
  // Mean 17.5, standard deviation 26: the plain z of 100 is 3.2, below the threshold.
  const auto result = DetectRobustZ(Make({10, 11, 9, 10, 12, 8, 10, 11, 9, 10, 100, 10}));
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->anomalies.size(), 1u);
  EXPECT_EQ(result->anomalies[0].index, 10u);
  EXPECT_GT(result->anomalies[0].score, 0.65);
  EXPECT_LT(result->anomalies[0].score, 1.0);
}

TEST(RobustZ, AConstantSeriesHasNoAnomalies) {
  const auto result = DetectRobustZ(Make(std::vector<double>(50, 3.0)));
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->anomalies.empty());
}

TEST(RobustZ, RoundingOnAFlatSeriesIsNoAnomaly) {
  std::vector<double> values(50, 100.0);
  values[20] = 100.4;
  EXPECT_TRUE(DetectRobustZ(Make(values))->anomalies.empty());
}

TEST(RobustZ, MissingSamplesAreCountedAndNeverReported) {
  std::vector<double> values = {1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 50};
  values[3] = std::nan("");
  values[4] = std::numeric_limits<double>::infinity();
  const auto result = DetectRobustZ(Make(values));
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->missing_count, 2u);
  ASSERT_EQ(result->anomalies.size(), 1u);
  EXPECT_EQ(result->anomalies[0].value, 50);
}

TEST(RobustZ, TooFewSamplesGiveCountsInsteadOfAVerdict) {
  const auto result = DetectRobustZ(Make({1, 2, 3}));
  EXPECT_EQ(base::DetailOf(result.status()).reason, "INSUFFICIENT_DATA");
}

TEST(RobustZ, TheScoreIsExactlyTheShippedOperatingPointAtTheThreshold) {
  // Median 0, MAD 1: a value of 3.5 * 1.4826 lies on the threshold.
  std::vector<double> values = {-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, 0, 0, 3.5 * 1.4826 + 1e-9};
  const auto result = DetectRobustZ(Make(values));
  ASSERT_EQ(result->anomalies.size(), 1u);
  EXPECT_NEAR(result->anomalies[0].score, 0.65, 1e-6);
}

}  // namespace
}  // namespace opsmesh::analytics
