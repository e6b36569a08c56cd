// The rules of plans and autoscalers by hand-worked examples, and what replays say of both.
#include <cmath>
#include <memory>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/analytics/detect/random.h"
#include "libs/analytics/replicas/autoscaler.h"
#include "libs/analytics/replicas/capacity.h"
#include "libs/analytics/replicas/load_forest.h"
#include "libs/analytics/replicas/planner.h"
#include "libs/analytics/replicas/quantile_forest.h"
#include "libs/analytics/replicas/replay.h"
#include "libs/base/error.h"

namespace opsmesh::analytics {
namespace {

constexpr size_t kDay = 288;  // samples of five minutes

// A day's wave, a burst of a quarter of an hour every four hours, and a little that looks like
// noise.
std::vector<double> BurstyLoad(size_t count) {
  std::vector<double> load;
  for (size_t i = 0; i < count; ++i) {
    const double burst = i % 48 >= 7 && i % 48 <= 9 ? 90 : 0;
    load.push_back(100 + 60 * std::sin(2 * std::numbers::pi * static_cast<double>(i) / kDay) +
                   burst + static_cast<double>((i * 7919) % 101) / 10);
  }
  return load;
}

LoadHistory HistoryOf(const std::vector<double>& load) {
  return {.values = load, .start_time = 1'700'006'400, .step = 300};
}

ForestSource Fresh() {
  return [](const LoadHistory& training, size_t lead) {
    return std::make_shared<const LoadForest>(LoadForest::Fit(training, lead));
  };
}

PlanReplay Replayed(const std::vector<double>& load, size_t begin, const ReplicaRules& rules) {
  auto replay = ReplayPlan(HistoryOf(load), begin, rules, Fresh(), [] { return absl::OkStatus(); });
  EXPECT_TRUE(replay.ok());
  return replay.ok() ? *std::move(replay) : PlanReplay{};
}

TEST(ReplicaPlanner, NeedsTheLoadByTargetAndCapacityRoundedUpWithinItsBounds) {
  const ReplicaRules rules{.capacity_qps = 10, .target_utilization = 0.7, .least = 2, .most = 9};
  EXPECT_EQ(ReplicasFor(21, rules), 3);
  EXPECT_EQ(ReplicasFor(21.01, rules), 4);
  EXPECT_EQ(ReplicasFor(0, rules), 2);
  EXPECT_EQ(ReplicasFor(-5, rules), 2);
  double unbounded = 0;
  EXPECT_EQ(ReplicasFor(1e9, rules, &unbounded), 9);
  EXPECT_NEAR(unbounded, 1e9 / 7, 1);
}

TEST(ReplicaPlanner, PlansForAHigherQuantileTheMoreAMissingPodCosts) {
  EXPECT_NEAR(PlanQuantile(10), 10.0 / 12, 1e-12);
  EXPECT_LT(PlanQuantile(1), PlanQuantile(10));
  EXPECT_LT(PlanQuantile(10), PlanQuantile(100));
}

TEST(ReplicaPlanner, SaysWhichTermDecided) {
  const ReplicaRules rules{.capacity_qps = 10, .target_utilization = 1, .least = 2, .most = 9};
  const auto first = [&](double planned, double current) {
    return ReplicaPlanner(rules, 300, 0).Next(planned, current);
  };
  EXPECT_EQ(first(55, 31).replicas, 6);
  EXPECT_EQ(first(55, 31).term, PlanTerm::kForecast);
  EXPECT_EQ(first(55, 31).reactive, 4);
  EXPECT_EQ(first(15, 31).replicas, 4);
  EXPECT_EQ(first(15, 31).term, PlanTerm::kReactive);
  EXPECT_EQ(first(39, 31).term, PlanTerm::kReactive) << "the forecast adds nothing to the four";
  EXPECT_EQ(first(5, 5).replicas, 2);
  EXPECT_EQ(first(5, 5).term, PlanTerm::kLeast);
  EXPECT_EQ(first(500, 31).replicas, 9);
  EXPECT_EQ(first(500, 31).term, PlanTerm::kMost);
  EXPECT_TRUE(first(500, 31).capped);
  EXPECT_FALSE(first(90, 31).capped);
}

TEST(ReplicaPlanner, KeepsANumberForTheStabilisationBeforeItIsUndercut) {
  ReplicaRules rules{
      .capacity_qps = 10, .target_utilization = 1, .down_stabilization_seconds = 600};
  ReplicaPlanner planner(rules, 300, 0);
  EXPECT_EQ(planner.Next(80, 0).replicas, 8);
  const PlanDecision held = planner.Next(20, 0);
  EXPECT_EQ(held.replicas, 8);
  EXPECT_EQ(held.term, PlanTerm::kStabilisation);
  EXPECT_EQ(planner.Next(20, 0).replicas, 2);
  rules.down_stabilization_seconds = 300;
  ReplicaPlanner brief(rules, 300, 0);
  EXPECT_EQ(brief.Next(80, 0).replicas, 8);
  EXPECT_EQ(brief.Next(20, 0).replicas, 2) << "it was in force for the five minutes of its step";
}

TEST(ReplicaPlanner, GrowsNoFasterThanTheDefaultPolicyOfAnAutoscaler) {
  EXPECT_EQ(MostAfter(1, 15, 100), 5);
  EXPECT_EQ(MostAfter(5, 15, 100), 10);
  EXPECT_EQ(MostAfter(1, 60, 100), 40);  // 1, 5, 10, 20, 40
  EXPECT_EQ(MostAfter(1, 300, 20), 20);
  const ReplicaRules rules{.capacity_qps = 10, .target_utilization = 1, .most = 100};
  ReplicaPlanner planner(rules, 15, 2);
  const PlanDecision decision = planner.Next(900, 0);
  EXPECT_EQ(decision.replicas, 6);
  EXPECT_EQ(decision.term, PlanTerm::kRateLimit);
  EXPECT_EQ(planner.Next(900, 0).replicas, 12);
}

// "Algorithm details" in the documentation of the HorizontalPodAutoscaler.
TEST(Autoscaler, FollowsTheExamplesOfItsDocumentation) {
  const AutoscalerRules rules{
      .target_utilization = 0.5, .least = 1, .most = 100, .down_stabilization_seconds = 0};
  // Current value twice the target: the number doubles. Half of it: it halves.
  EXPECT_EQ(Autoscaler(rules, 300, 3).Next(1.0), 6);
  EXPECT_EQ(Autoscaler(rules, 300, 6).Next(0.25), 3);
  // Inside the tolerance of 10 % nothing happens; beyond it the number is rounded up.
  EXPECT_EQ(Autoscaler(rules, 300, 10).Next(0.54), 10);
  EXPECT_EQ(Autoscaler(rules, 300, 10).Next(0.46), 10);
  EXPECT_EQ(Autoscaler(rules, 300, 10).Next(0.56), 12);
  EXPECT_EQ(Autoscaler(rules, 300, 10).Next(0.44), 9);
}

TEST(Autoscaler, ScalesDownToTheHighestWishOfFiveMinutes) {
  Autoscaler autoscaler({.target_utilization = 0.5}, 60, 8);
  for (int minute = 0; minute < 5; ++minute) EXPECT_EQ(autoscaler.Next(0.25), 8) << minute;
  EXPECT_EQ(autoscaler.Next(0.25), 4);
}

TEST(Replay, FiguresEqualThoseOfTheScorerOfTheDesign) {
  // The figures are those of tools/analytics/hpa_sim.py's own functions for this load, capacity 20,
  // target 70 %.
  const std::vector<double> load = BurstyLoad(4 * kDay);
  const size_t begin = 3 * kDay;
  const ReplicaRules rules{.capacity_qps = 20};
  const std::span<const double> replayed = std::span(load).subspan(begin);
  struct Expected {
    double target, saturated, lost, pods, cost;
    int sum;
  };
  for (const Expected& expected :
       {Expected{0.7, 0.02083333333333, 0.0068232820, 1.0053652497, 0.4275691292, 2436},
        Expected{0.6, 0.01388888888889, 0.0034080774, 1.1613702022, 0.2975650021, 2814}}) {
    const std::vector<int> replicas =
        ReplayAutoscaler(HistoryOf(load), begin, rules, expected.target);
    EXPECT_EQ(std::accumulate(replicas.begin(), replicas.end(), 0), expected.sum);
    const ReplayFigures figures = JudgeReplicas(replayed, replicas, rules, 300);
    EXPECT_NEAR(figures.saturated_share, expected.saturated, 1e-9);
    EXPECT_NEAR(figures.saturated_minutes, expected.saturated * 1440, 1e-6);
    EXPECT_NEAR(figures.lost_load_share, expected.lost, 1e-9);
    EXPECT_NEAR(figures.pods_over_oracle, expected.pods, 1e-9);
    EXPECT_NEAR(figures.cost, expected.cost, 1e-9);
  }
  const ReplayFigures oracle = JudgeReplicas(replayed, Oracle(replayed, rules), rules, 300);
  EXPECT_EQ(oracle.cost, 0);
  EXPECT_EQ(oracle.pods_over_oracle, 1);
}

TEST(Replay, PodsThatStartSlowlyServeLaterAndArePaidForAtOnce) {
  // Two steps of one pod, then three; a pod does 10, the load is 25 from the third step on.
  const std::vector<double> load{5, 5, 25, 25, 25};
  const std::vector<int> replicas{1, 1, 3, 3, 3};
  ReplicaRules rules{.capacity_qps = 10, .target_utilization = 1};
  EXPECT_EQ(JudgeReplicas(load, replicas, rules, 60).saturated_minutes, 0);
  rules.pod_start_seconds = 60;  // a step late
  EXPECT_NEAR(JudgeReplicas(load, replicas, rules, 60).saturated_minutes, 1, 1e-12);
  rules.pod_start_seconds = 90;  // a step and a half
  const ReplayFigures figures = JudgeReplicas(load, replicas, rules, 60);
  EXPECT_NEAR(figures.saturated_minutes, 1.5, 1e-12);
  EXPECT_NEAR(figures.lost_load_share, 1.5 * 15 / 85, 1e-12);
  EXPECT_NEAR(figures.cost, 10 * 1.5 * 2 / 11, 1e-12);
  EXPECT_EQ(figures.pods_over_oracle, 1);
}

TEST(Replay, ThePlanOfAStepUsesOnlyThePast) {
  std::vector<double> load = BurstyLoad(3 * kDay + kDay / 2);
  const ReplicaRules rules{.capacity_qps = 20};
  const std::vector<int> plan = Replayed(load, 3 * kDay, rules).replicas;
  for (size_t i = 3 * kDay + 100; i < load.size(); ++i) load[i] = 3 * load[i] + 50;
  const std::vector<int> other = Replayed(load, 3 * kDay, rules).replicas;
  ASSERT_EQ(plan.size(), kDay / 2);
  for (size_t i = 0; i <= 100; ++i) EXPECT_EQ(plan[i], other[i]) << i;
  EXPECT_NE(plan, other);
}

TEST(Replay, ThePlanIsThereBeforeABurstThatComesEveryDayAndTheAutoscalerIsNot) {
  const std::vector<double> load = BurstyLoad(4 * kDay);
  const ReplicaRules rules{.capacity_qps = 20};
  const PlanReplay plan = Replayed(load, 3 * kDay, rules);
  EXPECT_EQ(plan.by_forest, kDay);
  const std::span<const double> replayed = std::span(load).subspan(3 * kDay);
  const ReplayFigures planned = JudgeReplicas(replayed, plan.replicas, rules, 300);
  const ReplayFigures reactive =
      JudgeReplicas(replayed, ReplayAutoscaler(HistoryOf(load), 3 * kDay, rules, 0.7), rules, 300);
  EXPECT_GT(reactive.saturated_minutes, 20);
  EXPECT_EQ(planned.saturated_minutes, 0);
  EXPECT_LT(planned.cost, reactive.cost / 3);
  EXPECT_LT(planned.pods_over_oracle, 1.2);
}

TEST(Replay, WithTooLittleHistoryThePlanFollowsTheLoad) {
  const std::vector<double> load = BurstyLoad(30);
  const PlanReplay plan = Replayed(load, 10, {.capacity_qps = 20});
  EXPECT_EQ(plan.by_forest, 0u);
  for (size_t i = 0; i < plan.replicas.size(); ++i) {
    EXPECT_EQ(plan.replicas[i], ReplicasFor(load[9 + i], {.capacity_qps = 20})) << i;
  }
}

TEST(LoadForest, IsTheSameForHoursAndAgainForTheSameSet) {
  const std::vector<double> load = BurstyLoad(16 * kDay);
  const LoadHistory history = HistoryOf(load);
  const auto range = TrainingRange(history, 15 * kDay + 1);
  EXPECT_EQ(range, TrainingRange(history, 15 * kDay + 71));
  EXPECT_NE(range, TrainingRange(history, 15 * kDay + 73));
  EXPECT_EQ(range.second - range.first, 13 * kDay);
  EXPECT_LE(range.second, 15 * kDay + 1);
  const LoadHistory training{
      .values = history.values.first(3 * kDay), .start_time = history.start_time, .step = 300};
  const LoadForest one = LoadForest::Fit(training, 0), two = LoadForest::Fit(training, 0);
  EXPECT_TRUE(one.IsOf(training, 0));
  EXPECT_FALSE(one.IsOf(training, 1));
  const LoadView view(history, one.offset());
  for (const size_t at : {3 * kDay, 3 * kDay + 50}) {
    EXPECT_EQ(one.Ahead(view, at, 0.8).planned, two.Ahead(view, at, 0.8).planned);
    EXPECT_LE(one.Ahead(view, at, 0.5).planned, one.Ahead(view, at, 0.9).planned);
  }
}

TEST(LoadForest, ItsQuantileIsRightAboutAsOftenAsItSays) {
  // What is noise stays noise: steps drawn at random about a wave.
  SplitMix64 random(7);
  std::vector<double> load;
  for (size_t i = 0; i < 8 * kDay; ++i) {
    const double noise = random.Uniform() + random.Uniform() + random.Uniform() - 1.5;
    load.push_back(100 + 40 * std::sin(2 * std::numbers::pi * static_cast<double>(i) / kDay) +
                   20 * noise);
  }
  const LoadHistory history = HistoryOf(load);
  const size_t begin = 6 * kDay;
  const LoadForest forest =
      LoadForest::Fit({history.values.first(begin), history.start_time, 300}, 0);
  const LoadView view(history, forest.offset());
  double below = 0;
  for (size_t i = begin; i < load.size(); ++i)
    below += load[i] <= forest.Ahead(view, i, 0.833).planned ? 1 : 0;
  EXPECT_NEAR(below / (2 * kDay), 0.833, 0.05);
}

TEST(LoadForest, ALongerStartOfPodsCoversTheHighestLoadUntilThen) {
  const std::vector<double> load = BurstyLoad(4 * kDay);
  const LoadHistory history = HistoryOf(load);
  const LoadForest now = LoadForest::Fit({history.values, history.start_time, 300}, 0);
  const LoadForest later = LoadForest::Fit({history.values, history.start_time, 300}, 3);
  const LoadView view(history, now.offset());
  const size_t before_burst = 3 * kDay + 48 + 5;  // the burst begins two steps later
  EXPECT_LT(now.Ahead(view, before_burst, 0.8).planned, load[before_burst] + 30);
  EXPECT_GT(later.Ahead(view, before_burst, 0.8).planned, load[before_burst] + 60);
}

TEST(LoadForest, StaysFiniteAndInThePastWhateverTheLoadAndTheStep) {
  SplitMix64 random(11);
  std::vector<std::vector<double>> loads{
      std::vector<double>(400, 0.0), std::vector<double>(400, 7.0), {}, {}, {}};
  for (int i = 0; i < 400; ++i) {
    loads[2].push_back(random.Uniform() < 0.02 ? 1e300 : 0);
    loads[3].push_back(random.Uniform() * 1e-300);
    loads[4].push_back(i % 2 == 0 ? 5 : 1e6);
  }
  const ReplicaRules rules{.capacity_qps = 20};
  for (const std::vector<double>& load : loads) {
    for (const double step : {1.0, 300.0, 43200.0, 86400.0, 604800.0}) {
      const LoadHistory history{.values = load, .start_time = 1.7e9, .step = step};
      const ForestSource forests = Fresh();
      NextStepForecast forecast(history, rules, forests);
      for (const size_t known : {1u, 13u, 100u, 400u}) {
        const NextStep next = forecast.After(known);
        EXPECT_TRUE(std::isfinite(next.mean) && std::isfinite(next.planned))
            << step << " " << known;
        const int replicas =
            ReplicaPlanner(rules, step, 0).Next(next.planned, load[known - 1]).replicas;
        EXPECT_TRUE(replicas >= 1 && replicas <= 20);
      }
      // An alternation is seen at every step: with a day of one sample too nothing of the future
      // is.
      if (load.back() == 1e6) {
        EXPECT_LT(forecast.After(400).mean, 1e6);
      }
    }
  }
}

TEST(QuantileForest, AnEmptySetAnswersNothingAndConstantTargetsAnswerThemselves) {
  EXPECT_TRUE(replicas::QuantileForest::Fit({}, 3, {}, {}).empty());
  const std::vector<float> rows{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, targets(14, 5.0F);
  const auto forest = replicas::QuantileForest::Fit(rows, 1, targets, {.trees = 3});
  std::vector<replicas::WeightedRow> found;
  forest.Find(std::vector<float>{3.5F}, found);
  float weight = 0;
  for (const auto& row : found) weight += row.weight;
  EXPECT_NEAR(weight, 1, 1e-5);
}

TEST(Capacity, IsReadFromTheUseOfPodsThroughOutliers) {
  SplitMix64 random(3);
  std::vector<double> qps, cores;
  for (int i = 0; i < 300; ++i) {
    const double load = 10 + 60 * random.Uniform();
    qps.push_back(load);
    // 0.05 cores idle, 8 ms of processor a request; every fifth sample is anything.
    cores.push_back(i % 5 == 0 ? 2 * random.Uniform()
                               : 0.05 + 0.008 * load + 0.005 * random.Uniform());
  }
  qps.push_back(std::nan(""));
  cores.push_back(1);
  const auto measured = MeasureCapacity(qps, cores, 1);
  ASSERT_TRUE(measured.ok()) << measured.status().message();
  EXPECT_NEAR(measured->qps, 0.95 / 0.008, 4);
  EXPECT_NEAR(measured->idle_cores, 0.05, 0.01);
  EXPECT_EQ(measured->sample_count, 300u);
}

TEST(Capacity, SaysWhyItCannotBeMeasured) {
  SplitMix64 random(3);
  std::vector<double> qps, cores, flat(100, 30), unrelated;
  for (int i = 0; i < 100; ++i) {
    qps.push_back(10 + i);
    cores.push_back(0.01 * (10 + i));
    unrelated.push_back(random.Uniform());
  }
  const auto why = [](const absl::StatusOr<MeasuredCapacity>& measured) {
    EXPECT_EQ(base::DetailOf(measured.status()).reason, "USAGE");
    return std::string(measured.status().message());
  };
  EXPECT_NE(why(MeasureCapacity(std::span(qps).first(5), cores, 1)).find("5 samples"),
            std::string::npos);
  EXPECT_NE(why(MeasureCapacity(flat, cores, 1)).find("hardly varies"), std::string::npos);
  EXPECT_NE(why(MeasureCapacity(qps, unrelated, 1)).find("does not follow"), std::string::npos);
  EXPECT_EQ(CapacityOfHistory({}), 0);
  EXPECT_EQ(CapacityOfHistory(std::vector<double>(50, 24.0)), 2);
}

}  // namespace
}  // namespace opsmesh::analytics
