#include "libs/analytics/seasonal_naive.h"

#include <cmath>

#include "gtest/gtest.h"
#include "libs/base/error.h"

namespace opsmesh::analytics {
namespace {

Series Periodic(size_t count, size_t season) {
  Series series{.name = "qps", .times = {}, .values = {}};
  for (size_t i = 0; i < count; ++i) {
    series.times.push_back(300.0 * static_cast<double>(i));
    series.values.push_back(10.0 + static_cast<double>(i % season));
  }
  return series;
}

TEST(SeasonalNaive, RepeatsTheLastSeasonAndKnowsAPerfectHistory) {
  const auto forecast = ForecastSeasonalNaive(Periodic(48, 12), {.season_length = 12, .horizon = 18});
  ASSERT_TRUE(forecast.ok());
  ASSERT_EQ(forecast->points.size(), 18u);
  EXPECT_EQ(forecast->points[0].mean, 10.0);
  EXPECT_EQ(forecast->points[13].mean, 11.0);
  EXPECT_EQ(forecast->points[0].time, 48 * 300.0);
  EXPECT_EQ(forecast->backtest_mae, 0);
  EXPECT_EQ(forecast->backtest_coverage, 1);
}

TEST(SeasonalNaive, IntervalsWidenWithTheSeasonsAheadAndStayAboveZero) {
  Series series = Periodic(60, 12);
  for (size_t i = 0; i < series.values.size(); ++i) series.values[i] = i % 24 < 12 ? 1 : 9;
  const auto forecast = ForecastSeasonalNaive(series, {.season_length = 12, .horizon = 24});
  ASSERT_TRUE(forecast.ok());
  EXPECT_GE(forecast->points[23].upper - forecast->points[23].mean, forecast->points[0].upper - forecast->points[0].mean);
  for (const auto& point : forecast->points) EXPECT_GE(point.lower, 0);
}

TEST(SeasonalNaive, AGapTakesTheValueASeasonEarlier) {
  Series series = Periodic(48, 12);
  series.values[40] = std::nan("");
  const auto forecast = ForecastSeasonalNaive(series, {.season_length = 12, .horizon = 12});
  ASSERT_TRUE(forecast.ok());
  EXPECT_EQ(forecast->backtest_mae, 0);
}

TEST(SeasonalNaive, LessThanTwoSeasonsIsNoBasis) {
  const auto forecast = ForecastSeasonalNaive(Periodic(20, 12), {.season_length = 12, .horizon = 1});
  EXPECT_EQ(base::DetailOf(forecast.status()).reason, "INSUFFICIENT_DATA");
}

}  // namespace
}  // namespace opsmesh::analytics
