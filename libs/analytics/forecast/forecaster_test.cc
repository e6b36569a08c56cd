#include "libs/analytics/forecast/forecaster.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "gtest/gtest.h"
#include "libs/analytics/detect/random.h"
#include "libs/analytics/forecast/boosted_trees.h"
#include "libs/analytics/forecast/exponential_smoothing.h"
#include "libs/analytics/forecast/forecast_log.h"
#include "libs/analytics/forecast/forecast_memo.h"
#include "libs/analytics/forecast/linear.h"
#include "libs/base/error.h"

namespace opsmesh::analytics {
namespace {

// A pseudo-random number in [0, 1): the same for the same index.
double Noise(uint64_t index) {
  uint64_t z = (index + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return static_cast<double>((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

// Requests per second with a day, a quieter weekend and noise, a sample every `step` seconds.
double Load(double time, uint64_t index, double noise = 10) {
  const double day = std::sin(2 * std::numbers::pi * time / 86400);
  const bool weekend = std::fmod(std::floor(time / 86400) + 3, 7) >= 5;
  return (100 + 60 * day) * (weekend ? 0.5 : 1) + noise * (Noise(index) - 0.5);
}

Series LoadSeries(int days, double step = 3600, double noise = 10) {
  Series series{.name = "load", .times = {}, .values = {}};
  const auto count = static_cast<uint64_t>(days * 86400 / step);
  for (uint64_t i = 0; i < count; ++i) {
    series.times.push_back(1.7e9 + step * static_cast<double>(i));
    series.values.push_back(Load(series.times.back(), i, noise));
  }
  return series;
}

double MeanAbsoluteError(const CombinedForecast& forecast) {
  double sum = 0;
  for (size_t h = 0; h < forecast.mean.size(); ++h)
    sum += std::abs(forecast.mean[h] - Load(forecast.times[h], 0, 0));
  return sum / static_cast<double>(forecast.mean.size());
}

TEST(Forecaster, FollowsTheDayAndTheWeekend) {
  ForecastOptions options;
  options.horizon = 72;
  const auto forecast = ForecastCombined(LoadSeries(28), options);
  ASSERT_TRUE(forecast.ok()) << forecast.status().message();
  EXPECT_EQ(forecast->season_seconds, 86400);
  EXPECT_TRUE(forecast->has_week);
  EXPECT_LT(MeanAbsoluteError(*forecast), 5);
  EXPECT_LT(forecast->backtest.mase, 0.8);
  EXPECT_GT(forecast->backtest.coverage, 0.85);
}

TEST(Forecaster, BandsHoldTheMeanAndWidenWithTheLevelAndLoadIsNeverNegative) {
  ForecastOptions options;
  options.levels = {0.95, 0.5, 0.8};
  const auto forecast = ForecastCombined(LoadSeries(14), options);
  ASSERT_TRUE(forecast.ok());
  ASSERT_EQ(forecast->bands.size(), 3u);
  EXPECT_EQ(forecast->bands[0].level, 0.5);
  for (size_t h = 0; h < forecast->mean.size(); ++h) {
    double lower = forecast->mean[h], upper = forecast->mean[h];
    for (const ForecastBand& band : forecast->bands) {
      EXPECT_LE(band.lower[h], lower);
      EXPECT_GE(band.upper[h], upper);
      EXPECT_GE(band.lower[h], 0);
      lower = band.lower[h];
      upper = band.upper[h];
    }
  }
}

TEST(Forecaster, TheSameRequestGivesTheSameBytes) {
  const auto first = ForecastCombined(LoadSeries(14, 300), {.horizon = 288});
  const auto second = ForecastCombined(LoadSeries(14, 300), {.horizon = 288});
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->mean, second->mean);
  EXPECT_EQ(first->bands[1].upper, second->bands[1].upper);
}

TEST(Forecaster, OneModelAloneRepeatsTheLastSeason) {
  const Series series = LoadSeries(10);
  const auto forecast = ForecastCombined(series, {.horizon = 24, .model = "last_season"});
  ASSERT_TRUE(forecast.ok());
  for (size_t h = 0; h < 24; ++h)
    EXPECT_NEAR(forecast->mean[h], series.values[series.values.size() - 24 + h], 1e-6);
  ASSERT_EQ(forecast->models.size(), 1u);
  EXPECT_EQ(forecast->models[0].weight, 1);
}

TEST(Forecaster, DriversAddUpToTheFirstStep) {
  const auto forecast = ForecastCombined(LoadSeries(28), {});
  ASSERT_TRUE(forecast.ok());
  double sum = 0;
  for (const ForecastDriver& driver : forecast->drivers) sum += driver.effect;
  EXPECT_NEAR(sum, forecast->mean.front(), 1e-9);
}

TEST(Forecaster, GapsAndNanAreFilledAndCounted) {
  Series series = LoadSeries(14);
  series.values[100] = std::numeric_limits<double>::quiet_NaN();
  series.times.erase(series.times.begin() + 200, series.times.begin() + 210);
  series.values.erase(series.values.begin() + 200, series.values.begin() + 210);
  const auto forecast = ForecastCombined(series, {});
  ASSERT_TRUE(forecast.ok());
  EXPECT_EQ(forecast->missing_count, 11u);
  EXPECT_LT(MeanAbsoluteError(*forecast), 8);
}

TEST(Forecaster, AFlatOrAllZeroSeriesStaysFlat) {
  for (const double level : {0.0, 42.0}) {
    Series series = LoadSeries(14);
    for (double& value : series.values) value = level;
    const auto forecast = ForecastCombined(series, {});
    ASSERT_TRUE(forecast.ok());
    for (const double value : forecast->mean) EXPECT_NEAR(value, level, 1e-3 * (1 + level));
    for (const double upper : forecast->bands[1].upper) EXPECT_TRUE(std::isfinite(upper));
  }
}

TEST(Forecaster, AShortHistoryIsForecastWithoutASeasonAndATooShortOneIsRefused) {
  Series series{.name = "s", .times = {}, .values = {}};
  for (int i = 0; i < 20; ++i) {
    series.times.push_back(60.0 * i);
    series.values.push_back(10 + i);
  }
  const auto forecast = ForecastCombined(series, {.horizon = 5});
  ASSERT_TRUE(forecast.ok()) << forecast.status().message();
  EXPECT_EQ(forecast->season_seconds, 0);
  EXPECT_GT(forecast->mean.back(), 29);  // the line goes on, damped
  series.times.resize(5);
  series.values.resize(5);
  EXPECT_EQ(base::DetailOf(ForecastCombined(series, {.horizon = 5}).status()).reason,
            "HISTORY_TOO_SHORT");
}

TEST(Forecaster, FindsASeasonThatIsNotADay) {
  Series series{.name = "s", .times = {}, .values = {}};
  for (int i = 0; i < 400; ++i) {
    series.times.push_back(15.0 * i);
    series.values.push_back(50 + 20 * std::sin(2 * std::numbers::pi * i / 40));
  }
  const auto forecast = ForecastCombined(series, {.horizon = 40});
  ASSERT_TRUE(forecast.ok());
  EXPECT_EQ(forecast->season_seconds, 600);
  for (size_t h = 0; h < 40; ++h) {
    EXPECT_NEAR(forecast->mean[h],
                50 + 20 * std::sin(2 * std::numbers::pi * static_cast<double>(400 + h) / 40), 2);
  }
}

TEST(Forecaster, RefusesWhatCannotBeWithTheFieldAtFault) {
  const Series series = LoadSeries(14);
  EXPECT_EQ(base::DetailOf(ForecastCombined(series, {.horizon = 0}).status()).reason, "HORIZON");
  EXPECT_EQ(base::DetailOf(ForecastCombined(series, {.horizon = 3000}).status()).reason, "HORIZON");
  EXPECT_EQ(base::DetailOf(ForecastCombined(series, {.levels = {1.0}}).status()).reason, "LEVELS");
  EXPECT_EQ(base::DetailOf(ForecastCombined(series, {.model = "magic"}).status()).reason, "MODEL");
  Series backwards = series;
  std::swap(backwards.times[3], backwards.times[4]);
  EXPECT_EQ(base::DetailOf(ForecastCombined(backwards, {}).status()).reason, "HISTORY");
  Series uneven = series;
  uneven.times.pop_back();
  EXPECT_EQ(base::DetailOf(ForecastCombined(uneven, {}).status()).reason, "HISTORY");
}

TEST(BoostedTrees, LearnAStepAndAnInteraction) {
  std::vector<double> rows, targets;
  for (uint64_t i = 0; i < 2000; ++i) {
    const double a = Noise(2 * i), b = Noise(2 * i + 1);
    rows.insert(rows.end(), {a, b});
    targets.push_back((a > 0.5 ? 3 : 1) * (b > 0.3 ? 1 : -1));
  }
  const auto trees = forecast::BoostedTrees::Fit(rows, 2, targets, {});
  const double high[] = {0.9, 0.9}, low[] = {0.9, 0.1}, other[] = {0.1, 0.9};
  EXPECT_NEAR(trees.Predict(high), 3, 0.1);
  EXPECT_NEAR(trees.Predict(low), -3, 0.1);
  EXPECT_NEAR(trees.Predict(other), 1, 0.1);
}

TEST(Ridge, RecoversTheCoefficientsAndGivesNothingWithoutRows) {
  forecast::Ridge ridge(2, 1e-9);
  EXPECT_TRUE(ridge.Solve().empty());
  for (uint64_t i = 0; i < 50; ++i) {
    const double row[] = {1, Noise(i)};
    ridge.Add(row, 4 + 7 * row[1]);
  }
  const std::vector<double> beta = ridge.Solve();
  ASSERT_EQ(beta.size(), 2u);
  EXPECT_NEAR(beta[0], 4, 1e-6);
  EXPECT_NEAR(beta[1], 7, 1e-6);
}

TEST(ForecastMemo, KeepsWhatItsBytesAllowAndTellsRequestsApart) {
  ForecastMemo memo(40 << 10);
  const Series week = LoadSeries(7), fortnight = LoadSeries(14);
  const auto first = memo.Forecast(week, {.horizon = 24});
  ASSERT_TRUE(first.ok()) << first.status().message();
  const auto again = memo.Forecast(week, {.horizon = 24});
  EXPECT_EQ(first->get(), again->get()) << "kept";
  EXPECT_EQ((*first)->mean, ForecastCombined(week, {.horizon = 24})->mean);
  EXPECT_EQ((*memo.Forecast(week, {.horizon = 48}))->mean.size(), 48u);
  EXPECT_EQ((*memo.Forecast(week, {.horizon = 24, .levels = {0.5}}))->bands.size(), 1u);
  Series other = week;
  other.values.back() += 1;
  EXPECT_NE((*memo.Forecast(other, {.horizon = 24}))->mean, (*first)->mean);
  EXPECT_EQ(memo.size(), 4u);
  for (size_t horizon = 1; horizon <= 20; ++horizon)
    ASSERT_TRUE(memo.Forecast(fortnight, {.horizon = horizon}).ok());
  EXPECT_LT(memo.size(), 8u) << "what was used longest ago goes";
  EXPECT_NE(memo.Forecast(week, {.horizon = 24})->get(), first->get());
  EXPECT_FALSE(memo.Forecast(week, {.horizon = 0}).ok());
}

TEST(Ets, IsAModelByNameAndFindsTheFormOfASeries) {
  ForecastOptions options{.horizon = 24, .model = "ets"};
  const auto forecast = ForecastCombined(LoadSeries(14), options);
  ASSERT_TRUE(forecast.ok()) << forecast.status().message();
  EXPECT_LT(MeanAbsoluteError(*forecast), 25);
  EXPECT_GT(forecast->backtest.origins, 3u);
  options.model.clear();
  const auto combined = ForecastCombined(LoadSeries(14), options);
  ASSERT_TRUE(combined.ok());
  for (const ModelShare& share : combined->models)
    EXPECT_NE(share.name, "ets") << "it does not vote";

  std::vector<double> line, wave;
  for (int i = 0; i < 120; ++i) {
    line.push_back(5 + 2 * i + Noise(static_cast<uint64_t>(i)));
    wave.push_back(50 + 10 * std::sin(i * std::numbers::pi / 6) +
                   Noise(static_cast<uint64_t>(500 + i)));
  }
  const auto trend = forecast::FitBestSmoothing(line, 0);
  ASSERT_TRUE(trend.has_value());
  EXPECT_NEAR(trend->Forecast(10).back(), 5 + 2 * 129 + 0.5, 2);
  const auto season = forecast::FitBestSmoothing(wave, 12);
  ASSERT_TRUE(season.has_value());
  EXPECT_EQ(season->form.period, 12u);
  for (size_t h = 0; h < 12; ++h) {
    const double i = 120 + static_cast<double>(h);
    EXPECT_NEAR(season->Forecast(12)[h], 50.5 + 10 * std::sin(i * std::numbers::pi / 6), 1.5) << h;
  }
  EXPECT_FALSE(forecast::FitSmoothing(std::vector<double>(9, 1.0), {}).has_value());
  EXPECT_FALSE(forecast::FitSmoothing(std::vector<double>(30, NAN), {}).has_value());
  const auto flat = forecast::FitBestSmoothing(std::vector<double>(50, 3.0), 7);
  ASSERT_TRUE(flat.has_value());
  EXPECT_NEAR(flat->Forecast(3)[2], 3, 1e-9);
}

// A level that wanders, with a forecast whose 95 % range is `wide` times what it should be.
double CoverageOfTheLast(double wide, double* factor) {
  ForecastLog log;
  SplitMix64 random(11);
  const auto normal = [&] {
    double sum = -6;
    for (int k = 0; k < 12; ++k) sum += random.Uniform();
    return sum;
  };
  Series history;
  double inside = 0, all = 0;
  std::vector<ForecastBand> last;
  for (int day = 0; day < 120; ++day) {
    for (int hour = 0; hour < 24; ++hour) {
      const double value = 100 + 5 * normal();
      if (day > 60) {
        const auto h = static_cast<size_t>(hour);
        all += 1;
        inside += value >= last[0].lower[h] && value <= last[0].upper[h] ? 1 : 0;
      }
      history.times.push_back(3600.0 * (24 * day + hour));
      history.values.push_back(value);
    }
    CombinedForecast forecast;
    forecast.step_seconds = 3600;
    forecast.bands = {{0.95, {}, {}}};
    for (int h = 0; h < 24; ++h) {
      forecast.times.push_back(3600.0 * (24 * (day + 1) + h));
      forecast.mean.push_back(100);
      forecast.bands[0].lower.push_back(100 - wide * 1.96 * 5);
      forecast.bands[0].upper.push_back(100 + wide * 1.96 * 5);
    }
    const auto learnt = log.Adapt("a", history, forecast);
    *factor = learnt[0].factor;
    last = forecast.bands;
  }
  return inside / all;
}

TEST(ForecastLog, RangesThatWereTooNarrowOrTooWideComeToHoldWhatTheyPromise) {
  double factor = 0;
  EXPECT_NEAR(CoverageOfTheLast(0.5, &factor), 0.95, 0.02);
  EXPECT_NEAR(factor, 2, 0.4);
  EXPECT_NEAR(CoverageOfTheLast(1, &factor), 0.95, 0.02);
  EXPECT_NEAR(CoverageOfTheLast(1.6, &factor), 0.95, 0.02);
  EXPECT_LT(factor, 0.85);
}

TEST(ForecastLog, TheSameForecastAgainChangesNothing) {
  ForecastLog log;
  const Series history{"", {0, 60, 120}, {1, 2, 3}};
  CombinedForecast forecast;
  forecast.step_seconds = 60;
  forecast.times = {180};
  forecast.mean = {3};
  forecast.bands = {{0.95, {2}, {4}}};
  for (int again = 0; again < 3; ++again) {
    CombinedForecast asked = forecast;
    EXPECT_EQ(log.Adapt("a", history, asked)[0].values, 0u);
    EXPECT_EQ(asked.bands[0].upper[0], 4);
  }
}

}  // namespace
}  // namespace opsmesh::analytics
