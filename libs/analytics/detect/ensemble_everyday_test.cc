// What an on-call engineer expects of the main detector on ordinary series: what is plain to the
// eye is found, noise is left alone, and the past is all it knows.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/analytics/detect/ensemble.h"
#include "libs/analytics/detect/random.h"

namespace opsmesh::analytics {
namespace {

constexpr double kShippedThreshold = 0.65;

class EverydayNoise {
 public:
  explicit EverydayNoise(uint64_t seed) : random_(seed * 7919 + 17) {}
  double Uniform() { return random_.Uniform() + 1e-17; }
  double Normal() {
    return std::sqrt(-2 * std::log(Uniform())) * std::cos(2 * std::numbers::pi * Uniform());
  }

 private:
  SplitMix64 random_;
};

struct NoiseKind {
  std::string name;
  double level;
  double spread;
  std::function<double(EverydayNoise&, double&)>
      next;  // second: what the kind keeps between samples
};

std::vector<NoiseKind> NoiseKinds() {
  return {
      {"normal", 100, 5, [](EverydayNoise& n, double&) { return 100 + 5 * n.Normal(); }},
      {"autocorrelated", 50, 5,
       [](EverydayNoise& n, double& kept) {
         kept = 0.8 * kept + 0.6 * n.Normal();
         return 50 + 5 * kept;
       }},
      {"skew latency", 20, 10,
       [](EverydayNoise& n, double&) {
         double sum = 0;
         for (int i = 0; i < 4; ++i) sum -= std::log(n.Uniform());
         return 5 * sum;
       }},
  };
}

struct EverydayCase {
  std::vector<double> times, values;
  size_t at = 0;  // where the trouble begins
};

using EverydayTrouble =
    std::function<double(const NoiseKind&, double value, size_t since, size_t samples)>;

EverydayCase MakeEveryday(const NoiseKind& kind, size_t samples, uint64_t seed,
                          const EverydayTrouble& trouble) {
  EverydayNoise noise(seed);
  EverydayCase made;
  made.at =
      samples * 2 / 3 + static_cast<size_t>(noise.Uniform() * static_cast<double>(samples) / 6);
  double kept = 0;
  for (size_t i = 0; i < samples; ++i) {
    const double value = kind.next(noise, kept);
    made.times.push_back(1.7e9 + 60.0 * static_cast<double>(i));
    made.values.push_back(i >= made.at && trouble ? trouble(kind, value, i - made.at, samples)
                                                  : value);
  }
  return made;
}

// Alarms at or after sample `from`, and before it.
struct Alarms {
  size_t after = 0, before = 0;
};

Alarms CountAlarms(const EverydayCase& made) {
  Alarms alarms;
  const auto points = ScoreStreaming(made.times, made.values);
  for (size_t i = 0; i < points.size(); ++i) {
    if (points[i].score >= kShippedThreshold) ++(i >= made.at ? alarms.after : alarms.before);
  }
  return alarms;
}

constexpr uint64_t kSeeds = 12;

// Share of series of a length, over all kinds of noise and seeds, in which the trouble is found.
double ShareFound(size_t samples, const EverydayTrouble& trouble) {
  double found = 0, all = 0;
  for (const NoiseKind& kind : NoiseKinds()) {
    for (uint64_t seed = 1; seed <= kSeeds; ++seed, ++all)
      found += CountAlarms(MakeEveryday(kind, samples, seed, trouble)).after > 0 ? 1 : 0;
  }
  return found / all;
}

class EverydaySeries : public ::testing::TestWithParam<size_t> {};

INSTANTIATE_TEST_SUITE_P(OfMinutes, EverydaySeries, ::testing::Values(120, 360));

TEST_P(EverydaySeries, ASpikeIsFound) {
  EXPECT_GE(ShareFound(GetParam(), [](const NoiseKind& k, double v, size_t since,
                                      size_t) { return since == 0 ? v + 8 * k.spread : v; }),
            0.95);
}

TEST_P(EverydaySeries, ALevelThatShiftsIsFound) {
  EXPECT_GE(ShareFound(GetParam(), [](const NoiseKind& k, double v, size_t,
                                      size_t) { return v + 5 * k.spread; }),
            0.95);
}

TEST_P(EverydaySeries, AMetricThatStandsStillIsFound) {
  EXPECT_GE(
      ShareFound(GetParam(), [](const NoiseKind& k, double, size_t, size_t) { return k.level; }),
      0.95);
}

TEST_P(EverydaySeries, ASlowDriftIsFound) {
  EXPECT_GE(ShareFound(GetParam(),
                       [](const NoiseKind& k, double v, size_t since, size_t samples) {
                         const double done =
                             static_cast<double>(since) / (0.15 * static_cast<double>(samples));
                         return v + std::min(1.0, done) * 8 * k.spread;
                       }),
            0.8);
}

TEST_P(EverydaySeries, NoiseThatGrowsIsFound) {
  EverydayNoise more(99);
  EXPECT_GE(ShareFound(GetParam(), [&](const NoiseKind& k, double v, size_t,
                                       size_t) { return v + 4 * k.spread * more.Normal(); }),
            0.9);
}

TEST_P(EverydaySeries, QuietNoiseIsLeftAloneInNineOfTenSeries) {
  double alarms = 0, all = 0;
  for (const NoiseKind& kind : NoiseKinds()) {
    for (uint64_t seed = 1; seed <= kSeeds; ++seed, ++all) {
      const Alarms counted = CountAlarms(MakeEveryday(kind, GetParam(), seed, nullptr));
      alarms += static_cast<double>(counted.after + counted.before);
    }
  }
  EXPECT_LE(alarms / all, 0.17);
}

// Five days at 5 minutes with a daily wave; on the last day what `trouble` says.
EverydayCase Daily(uint64_t seed,
                   const std::function<double(double wave, double noise, size_t since)>& day) {
  constexpr size_t kDay = 288;
  EverydayNoise noise(seed);
  EverydayCase made;
  made.at = 4 * kDay + 100;
  for (size_t i = 0; i < 5 * kDay; ++i) {
    const double wave = std::sin(2 * std::numbers::pi * static_cast<double>(i) / kDay);
    const double error = 8 * noise.Normal();
    made.times.push_back(1.7e9 + 300.0 * static_cast<double>(i));
    made.values.push_back(i >= made.at && day ? day(wave, error, i - made.at)
                                              : 200 + 100 * wave + error);
  }
  return made;
}

TEST(DailySeries, ASpikeInsideTheUsualRangeIsFound) {
  size_t found = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    found += CountAlarms(Daily(seed, [](double wave, double error, size_t since) {
               return 200 + 100 * wave + error - (since == 0 ? 80 : 0);
             })).after > 0;
  }
  EXPECT_GE(found, 9u);
}

TEST(DailySeries, AWaveThatIsGoneIsFound) {
  size_t found = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    found +=
        CountAlarms(Daily(seed, [](double, double error, size_t) { return 200 + error; })).after >
        0;
  }
  EXPECT_GE(found, 9u);
}

TEST(DailySeries, QuietDaysAreLeftAloneInMostSeries) {
  size_t alarms = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const Alarms counted = CountAlarms(Daily(seed, nullptr));
    alarms += counted.after + counted.before;
  }
  EXPECT_LE(alarms, 5u);
}

TEST(EnsembleStream, AnyPrefixGivesTheSameScores) {
  const EverydayCase made =
      MakeEveryday(NoiseKinds()[2], 400, 5, [](const NoiseKind& k, double v, size_t since, size_t) {
        return since % 40 < 3 ? v + 6 * k.spread : v;
      });
  const auto all = ScoreStreaming(made.times, made.values);
  for (const size_t count : {1u, 31u, 100u, 271u, 399u}) {
    const auto begin =
        ScoreStreaming(std::span(made.times).first(count), std::span(made.values).first(count));
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(begin[i].score, all[i].score) << "sample " << i << " of " << count;
      ASSERT_EQ(begin[i].raw, all[i].raw);
      ASSERT_EQ(begin[i].baseline, all[i].baseline);
    }
  }
}

TEST(EnsembleStream, TheSameSpikeAgainAndAgainCountsLess) {
  EverydayNoise noise(3);
  std::vector<double> times, values;
  for (size_t i = 0; i < 4000; ++i) {
    times.push_back(1.7e9 + 60.0 * static_cast<double>(i));
    values.push_back(100 + 5 * noise.Normal() + (i > 0 && i % 400 == 0 ? 60 : 0));
  }
  const auto points = ScoreStreaming(times, values);
  EXPECT_GE(points[400].score, kShippedThreshold);
  EXPECT_LT(points[3600].score, points[400].score - 0.05);
}

std::vector<EnsemblePoint> ScoreMinutes(const std::vector<double>& values) {
  std::vector<double> times;
  for (size_t i = 0; i < values.size(); ++i) times.push_back(1.7e9 + 60.0 * static_cast<double>(i));
  return ScoreStreaming(times, values);
}

// First alarm from `begin` on and its channel; values.size() when there is none.
std::pair<size_t, Channel> FirstAlarm(const std::vector<EnsemblePoint>& points, size_t begin) {
  for (size_t i = begin; i < points.size(); ++i) {
    if (points[i].score >= kShippedThreshold) return {i, points[i].channel};
  }
  return {points.size(), Channel::kValue};
}

TEST(EnsembleStream, ASeriesThatMostlyRepeatsItsValueMayStandStill) {
  EverydayNoise noise(4);
  std::vector<double> values;
  for (size_t i = 0; i < 600; ++i)
    values.push_back(i < 500 ? std::floor(1.4 * noise.Uniform()) : 0);
  EXPECT_EQ(FirstAlarm(ScoreMinutes(values), 500).first, values.size());
}

TEST(EnsembleStream, ACountThatAlwaysMovedAndStandsStillIsFoundWithinHalfAnHour) {
  for (const double most : {3.0, 8.0, 40.0}) {
    EverydayNoise noise(5);
    std::vector<double> values;
    for (size_t i = 0; i < 600; ++i)
      values.push_back(i < 500 ? std::floor(most * noise.Uniform()) : std::floor(most / 2));
    const auto points = ScoreMinutes(values);
    EXPECT_EQ(FirstAlarm(points, 100).second, Channel::kStuck) << most;
    EXPECT_GE(FirstAlarm(points, 100).first, 500u) << most;
    EXPECT_LE(FirstAlarm(points, 500).first, 530u) << most;
  }
}

TEST(EnsembleStream, ValuesThatStopComingAreFoundAndAFewMissingOnesAreNot) {
  EverydayNoise noise(6);
  std::vector<double> values;
  for (size_t i = 0; i < 600; ++i) {
    const bool scraped = i % 90 > 3 && (i < 500 || i >= 540);
    values.push_back(scraped ? 100 + 5 * noise.Normal() : std::nan(""));
  }
  const auto found = FirstAlarm(ScoreMinutes(values), 100);
  EXPECT_EQ(found.second, Channel::kMissing);
  EXPECT_NEAR(static_cast<double>(found.first), 510, 5);
}

TEST(EnsembleStream, ALeakOfDaysAndALostDailyPatternAreFoundByTheHoursOfTheDaysBefore) {
  for (const bool leak : {true, false}) {
    EverydayNoise noise(7);
    std::vector<double> times, values;
    for (size_t i = 0; i < 2880; ++i) {  // ten days of five minutes
      const double day = std::sin(2 * std::numbers::pi * static_cast<double>(i) / 288);
      const bool over = i >= 2160;
      const double grown = leak && over ? 0.05 * static_cast<double>(i - 2160) : 0;
      times.push_back(1.7e9 + 300.0 * static_cast<double>(i));
      values.push_back(100 + (over && !leak ? 0 : 20 * day) + grown + 4 * noise.Normal());
    }
    const auto points = ScoreStreaming(times, values);
    EXPECT_LT(FirstAlarm(points, 2160).first, 2160u + 288) << (leak ? "leak" : "pattern");
  }
}

TEST(EnsembleStream, TheFirstErrorOfAnHourIsNoAlarmAndTheFirstOfADayIs) {
  for (const size_t quiet : {60u, 1440u}) {
    std::vector<double> values(quiet + 1, 0);
    values.back() = 1;
    EXPECT_EQ(ScoreMinutes(values).back().score >= kShippedThreshold, quiet > 100) << quiet;
  }
}

}  // namespace
}  // namespace opsmesh::analytics
