#include "libs/analytics/cause/attribution.h"

#include <cmath>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "libs/analytics/detect/random.h"

namespace opsmesh::analytics {
namespace {

constexpr double kStart = 1.7e9;

ServiceMetric Measured(const std::string& service, const std::string& metric, double before,
                       double after, uint64_t seed, size_t n = 80, size_t onset = 60) {
  SplitMix64 random(seed);
  ServiceMetric s{service, metric, {}, {}};
  for (size_t i = 0; i < n; ++i) {
    s.times.push_back(kStart + 60 * static_cast<double>(i));
    s.values.push_back((i < onset ? before : after) + 0.05 * before * (random.Uniform() - 0.5));
  }
  return s;
}

TEST(RankCauses, NamesTheWorkloadThatBurnsNotTheOnesThatWait) {
  CauseInput input;
  input.series = {Measured("web", "latency_p90", 0.1, 0.9, 1), Measured("web", "cpu", 0.3, 0.31, 2),
                  Measured("db", "latency_p90", 0.05, 0.3, 3), Measured("db", "cpu", 0.2, 0.95, 4),
                  Measured("cache", "cpu", 0.1, 0.1, 5)};
  input.onset_time = kStart + 60 * 60;
  const CauseResult result = RankCauses(input);
  ASSERT_EQ(result.ranked.size(), 3u);
  EXPECT_EQ(result.ranked[0].service, "db");
  EXPECT_EQ(input.series[result.ranked[0].findings[0].series].metric, "cpu");
  EXPECT_EQ(result.ranked[2].service, "cache");
}

TEST(RankCauses, FindsTheOnsetAndIgnoresTroubleThatIsOver) {
  CauseInput input;
  for (uint64_t s = 0; s < 8; ++s) {
    input.series.push_back(
        Measured("s" + std::to_string(s), "cpu", 1, s < 3 ? 1.8 : 1, s + 1, 120, 100));
    // Everything had an outage before, which ended.
    for (size_t i = 50; i < 56; ++i) input.series.back().values[i] *= 5;
  }
  const CauseResult result = RankCauses(input);
  ASSERT_TRUE(result.onset_time);
  EXPECT_NEAR(*result.onset_time, kStart + 60 * 100, 120);
  EXPECT_TRUE(result.ranked[0].service < "s3");
}

TEST(RankCauses, ANetworkFaultSitsWhereCallsInAndOutAreSlow) {
  CauseInput input;
  const auto call = [&](const std::string& from, const std::string& to, double after,
                        uint64_t seed) {
    input.series.push_back(Measured(kEdgeService, from + ">" + to + ".src_p50", 0.01, after, seed));
  };
  call("front", "cart", 0.2, 1);
  call("front", "pay", 0.0101, 2);
  call("cart", "db", 0.2, 3);
  call("pay", "db", 0.0101, 4);
  for (const char* s : {"front", "cart", "pay", "db"})
    input.series.push_back(Measured(s, "cpu", 0.5, 0.5, 7));
  input.onset_time = kStart + 60 * 60;
  const CauseResult result = RankCauses(input);
  EXPECT_EQ(result.ranked[0].service, "cart");
  EXPECT_EQ(result.ranked[0].kind, CauseKind::kCalls);
  EXPECT_EQ(result.ranked.size(), 4u) << "EDGE is no service";
}

// A system in which the target's latency went up: a latency a service, before and after.
CauseInput Slowed(const std::vector<std::tuple<std::string, double, double>>& latencies,
                  std::vector<std::pair<std::string, std::string>> edges) {
  CauseInput input;
  uint64_t seed = 1;
  for (const auto& [service, before, after] : latencies)
    input.series.push_back(Measured(service, "latency_avg", before, after, ++seed));
  input.edges = std::move(edges);
  input.target_service = "front";
  input.target_metric = "latency_avg";
  input.onset_time = kStart + 60 * 60;
  return input;
}

TEST(RankCauses, ACycleOfCallsEndsAndNamesTheSlowOne) {
  const CauseResult result =
      RankCauses(Slowed({{"front", 0.1, 0.5}, {"a", 0.08, 0.48}, {"b", 0.05, 0.45}},
                        {{"front", "a"}, {"a", "b"}, {"b", "a"}, {"a", "a"}}));
  ASSERT_EQ(result.ranked.size(), 3u);
  EXPECT_EQ(result.ranked[0].service, "b");
}

TEST(RankCauses, AServiceThatIsNotMeasuredDoesNotHideTheOneBehindIt) {
  const CauseResult result =
      RankCauses(Slowed({{"front", 0.1, 0.5}, {"cart", 0.05, 0.05}, {"db", 0.02, 0.41}},
                        {{"front", "proxy"}, {"front", "cart"}, {"proxy", "db"}}));
  ASSERT_EQ(result.ranked.size(), 3u) << "proxy was never measured and is not ranked";
  EXPECT_EQ(result.ranked[0].service, "db");
}

TEST(RankCauses, ServicesThatAreNotMeasuredMayCallEachOtherInACircle) {
  const CauseResult result =
      RankCauses(Slowed({{"front", 0.1, 0.5}, {"db", 0.02, 0.02}},
                        {{"front", "x"}, {"x", "y"}, {"y", "x"}, {"y", "db"}}));
  EXPECT_EQ(result.ranked[0].service, "front");
}

TEST(RankCauses, AnEndlessChainOfServicesThatAreNotMeasuredIsSurvived) {
  std::vector<std::pair<std::string, std::string>> edges = {{"front", "n0"}};
  for (size_t i = 0; i < 20'000; ++i)
    edges.emplace_back("n" + std::to_string(i), "n" + std::to_string(i + 1));
  const CauseResult result =
      RankCauses(Slowed({{"front", 0.1, 0.5}, {"db", 0.02, 0.02}}, std::move(edges)));
  EXPECT_EQ(result.ranked[0].service, "front");
}

TEST(RankCauses, TwoFaultsAtOnceAreTheFirstTwo) {
  const CauseResult result = RankCauses(
      Slowed({{"front", 0.1, 0.7}, {"cart", 0.05, 0.35}, {"pay", 0.05, 0.34}, {"mail", 0.05, 0.05}},
             {{"front", "cart"}, {"front", "pay"}, {"front", "mail"}}));
  EXPECT_EQ(result.ranked[0].service, "cart");
  EXPECT_EQ(result.ranked[1].service, "pay");
}

TEST(RankCauses, WithoutAnyCallsTheStrongestDeviationLeads) {
  CauseInput input = Slowed({{"front", 0.1, 0.5}, {"db", 0.02, 0.41}, {"cache", 0.01, 0.01}}, {});
  input.series.push_back(Measured("db", "container_cpu_usage_seconds_total", 0.2, 3, 9));
  const CauseResult result = RankCauses(input);
  ASSERT_EQ(result.ranked.size(), 3u);
  EXPECT_EQ(result.ranked[0].service, "db");
  EXPECT_EQ(result.ranked[2].service, "cache");
}

TEST(RankCauses, TheNamesOfMetricsAndTheirUnitsDoNotMatter) {
  const auto order = [](const char* latency, const char* cpu, const char* requests, double unit) {
    CauseInput input;
    uint64_t seed = 1;
    for (const auto& [service, after] :
         {std::pair("front", 0.5), std::pair("cart", 0.42), std::pair("db", 0.41)}) {
      input.series.push_back(Measured(service, latency, 0.05 * unit, after * unit, ++seed));
      input.series.push_back(Measured(service, cpu, 1, 1, ++seed));
      input.series.push_back(Measured(service, requests, 100, 100, ++seed));
    }
    input.edges = {{"front", "cart"}, {"cart", "db"}};
    input.target_service = "front";
    input.target_metric = latency;
    input.onset_time = kStart + 60 * 60;
    std::vector<std::string> names;
    for (const ServiceCause& cause : RankCauses(input).ranked) names.push_back(cause.service);
    return names;
  };
  const std::vector<std::string> expected = order("latency_avg", "cpu", "requests", 1);
  EXPECT_EQ(expected[0], "db");
  EXPECT_EQ(order("istio_request_duration_milliseconds_p50", "container_cpu_usage_seconds_total",
                  "istio_requests_total", 1000),
            expected);
  EXPECT_EQ(order("http_server_request_duration_seconds_p90", "node_cpu_seconds_total",
                  "http_server_requests_total", 1),
            expected);
}

TEST(RankCauses, MemoryIsNamedBeforeTheProcessorTimeItBurns) {
  CauseInput input;
  input.series = {Measured("db", "cpu", 1, 96, 1), Measured("db", "mem", 300, 25000, 2),
                  Measured("web", "cpu", 1, 96, 3), Measured("web", "mem", 300, 310, 4)};
  input.onset_time = kStart + 60 * 60;
  const CauseResult result = RankCauses(input);
  for (const ServiceCause& cause : result.ranked) {
    EXPECT_EQ(input.series[cause.findings[0].series].metric, cause.service == "db" ? "mem" : "cpu");
  }
}

TEST(RankCauses, SaysWhichSeriesHaveTooFewPoints) {
  CauseInput input;
  input.series = {Measured("a", "cpu", 1, 2, 1), {"b", "cpu", {kStart}, {1}}};
  input.onset_time = kStart + 60 * 60;
  const CauseResult result = RankCauses(input);
  ASSERT_EQ(result.skipped.size(), 1u);
  EXPECT_EQ(result.skipped[0].series, 1u);
  EXPECT_EQ(result.skipped[0].usable, 1u);
  EXPECT_EQ(result.ranked.size(), 2u) << "every service is ranked";
}

TEST(RankCauses, AnythingGivesFiniteScoresThatFall) {
  CauseInput input;
  for (uint64_t s = 0; s < 5; ++s) {
    input.series.push_back(Measured("s" + std::to_string(s), s % 2 ? "availability" : "mem",
                                    s == 2 ? 0 : 1, s == 3 ? 1e300 : s, s));
    input.series.back().values[3] = NAN;
    input.series.back().values[4] = INFINITY;
  }
  input.series.push_back({"empty", "cpu", {}, {}});
  for (const bool known : {true, false}) {
    input.onset_time.reset();
    if (known) input.onset_time = kStart + 60 * 60;
    const CauseResult result = RankCauses(input);
    ASSERT_EQ(result.ranked.size(), 6u);
    for (size_t i = 0; i < result.ranked.size(); ++i) {
      EXPECT_TRUE(result.ranked[i].score >= 0 && result.ranked[i].score <= 1)
          << result.ranked[i].score;
      if (i > 0) {
        EXPECT_LE(result.ranked[i].score, result.ranked[i - 1].score);
      }
    }
  }
}

// Errors a second over five minutes: a few in most windows, then so many as stated.
Deviation ErrorsFrom(double usual, double count) {
  std::vector<double> before, after, scratch;
  for (int i = 0; i < 50; ++i) before.push_back(i % 3 == 0 ? usual / 300 : 0);
  for (int i = 0; i < 4; ++i) after.push_back(count / 300);
  return RobustDeviation(before, after, scratch, {.counted_over = 300});
}

TEST(RobustDeviation, AHandfulOfErrorsIsChanceAndManyAreNot) {
  EXPECT_LT(ErrorsFrom(3, 9).z, 7);
  EXPECT_LT(ErrorsFrom(0, 9).z, 7) << "none at all before";
  EXPECT_GT(ErrorsFrom(3, 60).z, 14);
  EXPECT_GT(ErrorsFrom(0, 600).z, 40) << "half of the requests of a small service";
  EXPECT_NEAR(ErrorsFrom(0, 100).z, 20, 0.01) << "2 sqrt(n), after Anscombe";
}

TEST(RobustDeviation, WhatRestsAtALimitHasMovedByItsLeastSpread) {
  const std::vector<double> before(50, 0.05), little(4, 0.06), much(4, 0.5);
  std::vector<double> scratch;
  EXPECT_GT(RobustDeviation(before, little, scratch).z, 50) << "its own spread is nothing";
  EXPECT_NEAR(RobustDeviation(before, little, scratch, {.least_spread = 0.01}).z, 1, 1e-9);
  EXPECT_NEAR(RobustDeviation(before, much, scratch, {.least_spread = 0.01}).z, 45, 1e-9);
}

TEST(RankCauses, ErrorsNowAndThenDoNotDecideTheOnset) {
  CauseInput input;
  for (const char* service : {"pay", "till"}) {
    ServiceMetric errors{service, "errors", {}, {}, {.counted_over = 300}};
    for (size_t i = 0; i < 80; ++i) {
      errors.times.push_back(kStart + 60 * static_cast<double>(i));
      errors.values.push_back(i >= 76 ? 9.0 / 300 : i % 9 < 4 && i < 57 ? 3.0 / 300 : 0);
    }
    input.series.push_back(std::move(errors));
  }
  input.series.push_back(Measured("db", "cpu", 0.3, 0.6, 2, 80, 40));
  const auto minute = [&] { return (RankCauses(input).onset_time.value_or(0) - kStart) / 60; };
  EXPECT_NEAR(minute(), 40, 3);
  for (ServiceMetric& s : input.series) s.noise = {};
  EXPECT_NEAR(minute(), 76, 3) << "if nobody knew what they are";
}

TEST(MetricRole, KnowsTheNamesOfCommonExporters) {
  EXPECT_EQ(RoleOf("container_cpu_usage_seconds_total"), MetricRole::kProcessor);
  EXPECT_EQ(RoleOf("container_memory_working_set_bytes"), MetricRole::kMemory);
  EXPECT_EQ(RoleOf("http_request_duration_seconds"), MetricRole::kLatency);
  EXPECT_EQ(RoleOf("http_requests_total"), MetricRole::kRequests);
  EXPECT_EQ(RoleOf("latency.Average"), MetricRole::kLatency);
  EXPECT_TRUE(IsMean("latency.Average"));
}

TEST(RankCauses, WithoutCallsWhatChangedMostAgainstWhatItWasStandsFirst) {
  CauseInput input;
  // front waits for cart, cart for db; db needs 20 ms more from sample 60 on; ads is wild and
  // cheap.
  const auto add = [&](const std::string& service, double usual, double more) {
    ServiceMetric latency{service, "latency.avg", {}, {}}, requests{service, "requests", {}, {}};
    for (int i = 0; i < 80; ++i) {
      latency.times.push_back(60.0 * i);
      latency.values.push_back(usual + 0.1 * (i % 3) + (i >= 60 ? more : 0));
      requests.times.push_back(60.0 * i);
      requests.values.push_back(service == "ads" ? 1 : 100);
    }
    input.series.push_back(latency);
    input.series.push_back(requests);
  };
  add("front", 80, 20);
  add("cart", 40, 20);
  add("db", 5, 20);
  add("ads", 1, 60);
  input.target_service = "front";
  input.target_metric = "latency.avg";
  input.onset_time = 3600;
  const CauseResult result = RankCauses(input);
  ASSERT_EQ(result.ranked.size(), 4u);
  EXPECT_EQ(result.ranked[0].service, "db");
  EXPECT_EQ(result.ranked[0].kind, CauseKind::kUntraced);
  EXPECT_NEAR(result.ranked[0].share, 1, 0.02);
  EXPECT_NEAR(result.ranked[0].contribution, 0.8, 0.02);
  EXPECT_EQ(result.ranked[1].service, "cart");
  EXPECT_EQ(result.ranked[3].service, "ads") << "its few requests explain little";
}

}  // namespace
}  // namespace opsmesh::analytics
