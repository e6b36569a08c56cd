#include "libs/analytics/cause/attribution.h"

#include <cmath>

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

TEST(MetricRole, KnowsTheNamesOfCommonExporters) {
  EXPECT_EQ(RoleOf("container_cpu_usage_seconds_total"), MetricRole::kProcessor);
  EXPECT_EQ(RoleOf("container_memory_working_set_bytes"), MetricRole::kMemory);
  EXPECT_EQ(RoleOf("http_request_duration_seconds"), MetricRole::kLatency);
  EXPECT_EQ(RoleOf("http_requests_total"), MetricRole::kRequests);
  EXPECT_EQ(RoleOf("latency.Average"), MetricRole::kLatency);
  EXPECT_TRUE(IsMean("latency.Average"));
}

}  // namespace
}  // namespace opsmesh::analytics
