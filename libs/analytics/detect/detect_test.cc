// The detectors on series whose answer is plain, and against slow, obvious versions of themselves.
#include <algorithm>
#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "libs/analytics/detect/dbscan.h"
#include "libs/analytics/detect/ensemble.h"
#include "libs/analytics/detect/isolation_forest.h"
#include "libs/analytics/detect/matrix_profile.h"
#include "libs/analytics/detect/methods.h"
#include "libs/analytics/detect/random.h"
#include "libs/analytics/detect/spectral_residual.h"
#include "libs/analytics/detect/stl.h"

namespace opsmesh::analytics {
namespace {

double Normal(SplitMix64& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.Uniform();
  return sum;
}

struct Made {
  std::vector<double> times, values;
};

// A day's wave in steps of 5 minutes with noise.
Made Daily(size_t n, uint64_t seed) {
  SplitMix64 random(seed);
  Made made;
  for (size_t i = 0; i < n; ++i) {
    made.times.push_back(1.7e9 + 300.0 * static_cast<double>(i));
    made.values.push_back(100 + 20 * std::sin(2 * M_PI * static_cast<double>(i) / 288) +
                          2 * Normal(random));
  }
  return made;
}

// scikit-learn's definition, point by point.
std::vector<int> PlainDbscan(const std::vector<double>& data, size_t d, double eps, size_t least) {
  const size_t n = data.size() / d;
  const auto near = [&](size_t a, size_t b) {
    double sum = 0;
    for (size_t f = 0; f < d; ++f)
      sum += (data[a * d + f] - data[b * d + f]) * (data[a * d + f] - data[b * d + f]);
    return sum <= eps * eps;
  };
  std::vector<std::vector<size_t>> around(n);
  for (size_t a = 0; a < n; ++a) {
    for (size_t b = 0; b < n; ++b) {
      if (near(a, b)) around[a].push_back(b);
    }
  }
  std::vector<int> labels(n, -1);
  int next = 0;
  for (size_t i = 0; i < n; ++i) {
    if (labels[i] != -1 || around[i].size() < least) continue;
    std::vector<size_t> stack = {i};
    while (!stack.empty()) {
      const size_t p = stack.back();
      stack.pop_back();
      if (labels[p] != -1) continue;
      labels[p] = next;
      if (around[p].size() < least) continue;
      for (const size_t q : around[p]) {
        if (labels[q] == -1) stack.push_back(q);
      }
    }
    ++next;
  }
  return labels;
}

TEST(Dbscan, LabelsEqualThePlainDefinitionInAnyDimension) {
  for (const size_t d : {1, 2, 3, 4, 6}) {
    SplitMix64 random(d);
    std::vector<double> data;
    for (int i = 0; i < 600; ++i) {
      const double centre = static_cast<double>(random.Below(3)) * 2;
      for (size_t f = 0; f < d; ++f) data.push_back(centre + 0.4 * Normal(random));
    }
    for (const double eps : {0.05, 0.3, 0.8}) {
      for (const size_t least : {1, 3, 8})
        EXPECT_EQ(Dbscan(data, d, eps, least), PlainDbscan(data, d, eps, least)) << d << " " << eps;
    }
  }
}

TEST(IsolationForest, ScoresWhatIsFarHighestAndIsTheSameEachTime) {
  SplitMix64 random(5);
  std::vector<double> data;
  for (int i = 0; i < 500; ++i) {
    data.push_back(Normal(random));
    data.push_back(Normal(random));
  }
  data[300] = 9;
  const std::vector<double> scores = IsolationForest(data, 2).Score(data);
  EXPECT_EQ(std::max_element(scores.begin(), scores.end()) - scores.begin(), 150);
  EXPECT_GT(scores[150], 0.7);
  EXPECT_EQ(scores, IsolationForest(data, 2).Score(data));
}

TEST(IsolationForest, EqualValuesAreAllUsual) {
  const std::vector<double> data(200, 3.0);
  for (const double s : IsolationForest(data, 1).Score(data)) EXPECT_NEAR(s, 0.5, 1e-6);
}

TEST(Stl, TakesAKnownSeasonAndTrendApart) {
  std::vector<double> values;
  SplitMix64 random(17);
  for (int i = 0; i < 600; ++i)
    values.push_back(0.05 * i + 10 * std::sin(2 * M_PI * i / 24) + 0.3 * Normal(random));
  values[400] += 50;
  const StlResult stl = Stl(values, {.period = 24});
  for (size_t i = 60; i < 540; ++i) {
    EXPECT_NEAR(stl.season[i], 10 * std::sin(2 * M_PI * static_cast<double>(i) / 24), 1) << i;
    EXPECT_NEAR(stl.remainder[i], i == 400 ? 50 : 0, 2) << i;
  }
  const std::vector<size_t> outliers = EsdOutliers(stl.remainder);
  ASSERT_FALSE(outliers.empty());
  EXPECT_EQ(outliers[0], 400u);
}

TEST(Stl, CriticalValuesAreThoseOfTheTables) {
  EXPECT_NEAR(EsdCriticalValue(54, 0, 0.05), 3.158, 0.001);  // NIST handbook, 1.3.5.17.3
  EXPECT_NEAR(EsdCriticalValue(54, 9, 0.05), 3.077, 0.01);
}

TEST(MatrixProfile, EqualsThePlainDistances) {
  SplitMix64 random(3);
  std::vector<double> x;
  for (int i = 0; i < 150; ++i) x.push_back(1000 + Normal(random));
  const size_t m = 8;
  const std::vector<double> profile =
      MatrixProfile(x, {.window = m, .normalise = false, .neighbour = 2});
  ASSERT_EQ(profile.size(), x.size() - m + 1);
  for (size_t i = 0; i < profile.size(); ++i) {
    std::vector<double> all;
    for (size_t j = 0; j < profile.size(); ++j) {
      if (std::max(i, j) - std::min(i, j) < m / 2) continue;
      double sum = 0;
      for (size_t k = 0; k < m; ++k) sum += (x[i + k] - x[j + k]) * (x[i + k] - x[j + k]);
      all.push_back(std::sqrt(sum));
    }
    std::sort(all.begin(), all.end());
    EXPECT_NEAR(profile[i], all[1], 1e-6) << i;
  }
}

TEST(SpectralResidual, StandsOutAtASpikeAndFindsThePeriod) {
  Made made = Daily(1440, 4);
  made.values[900] += 60;
  const std::vector<double> saliency = SpectralResidual(made.values);
  EXPECT_EQ(std::max_element(saliency.begin() + 20, saliency.end()) - saliency.begin(), 900);
  EXPECT_NEAR(static_cast<double>(DominantPeriod(made.values)), 288, 15);
  EXPECT_EQ(DominantPeriod(std::vector<double>(500, 1.0)), 0u);
}

TEST(Ensemble, RaisesOneAlarmForOneIncident) {
  Made made = Daily(3000, 9);
  for (size_t i = 2000; i < 2030; ++i) made.values[i] += 80;
  const auto points = ScoreStreaming(made.times, made.values);
  std::vector<size_t> alarms;
  for (size_t i = 0; i < points.size(); ++i) {
    if (points[i].score >= 0.65) alarms.push_back(i);
  }
  ASSERT_FALSE(alarms.empty());
  EXPECT_EQ(alarms[0], 2000u);
  EXPECT_LE(alarms.size(), 3u);
}

TEST(Ensemble, AShapeAtTheWrongHourIsUnusualThoughItsValuesAreNot) {
  Made made = Daily(3000, 11);
  for (size_t i = 2400; i < 2440; ++i)
    made.values[i] = made.values[i - 144];  // noon's values at midnight
  const auto points = ScoreStreaming(made.times, made.values);
  double best = 0;
  for (size_t i = 2400; i < 2440; ++i) best = std::max(best, points[i].raw);
  double usual = 0;
  for (size_t i = 1500; i < 2400; ++i) usual = std::max(usual, points[i].raw);
  EXPECT_GT(best, usual);
}

TEST(Ensemble, ABatchAlsoJudgesTheBegin) {
  Made made = Daily(600, 2);
  made.values[10] = 300;
  EXPECT_EQ(ScoreStreaming(made.times, made.values)[10].score, 0);
  EXPECT_GE(ScoreBatch(made.times, made.values)[10].score, 0.65);
}

TEST(Ensemble, TakesAnyNumbersWithoutNaN) {
  std::vector<double> times, values;
  for (int i = 0; i < 300; ++i) {
    times.push_back(i / 2);  // every stamp twice
    values.push_back(i % 7 == 0    ? NAN
                     : i % 11 == 0 ? INFINITY
                     : i % 13 == 0 ? 1e308
                     : i % 17 == 0 ? -1e308
                                   : 5e-324);
  }
  for (const auto& point : ScoreBatch(times, values)) {
    EXPECT_TRUE(point.score >= 0 && point.score <= 1) << point.score;
    EXPECT_TRUE(std::isfinite(point.baseline));
  }
}

TEST(Methods, EachFindsASpikeAndStaysInItsScale) {
  Made made = Daily(1440, 21);
  made.values[1000] += 150;
  for (const bool streaming : {false, true}) {
    MethodOptions options;
    options.streaming = streaming;
    options.season_seconds = 86400;
    for (const Method method : AllMethods()) {
      if (method == Method::kEnsemble) continue;
      const MethodScores said = RunMethod(method, made.times, made.values, options);
      ASSERT_EQ(said.scores.size(), 1440u) << MethodName(method);
      EXPECT_FALSE(said.not_judged) << MethodName(method) << " " << *said.not_judged;
      for (const double s : said.scores) ASSERT_TRUE(s >= 0 && s <= 1) << MethodName(method);
      if (method == Method::kPelt || method == Method::kBocpd)
        continue;  // one sample is no change of the mean
      double near = 0;
      for (size_t i = 990; i < 1014; ++i) near = std::max(near, said.scores[i]);
      EXPECT_GE(near, 0.65) << MethodName(method) << (streaming ? " streaming" : " batch");
    }
  }
}

TEST(Methods, AStreamKnowsNothingOfTheFuture) {
  Made made = Daily(1200, 33);
  MethodOptions options;
  options.streaming = true;
  for (const Method method : AllMethods()) {
    if (method == Method::kEnsemble) continue;
    const auto whole = RunMethod(method, made.times, made.values, options).scores;
    const auto part = RunMethod(method, std::span(made.times).first(900),
                                std::span(made.values).first(900), options)
                          .scores;
    for (size_t i = 0; i < 900; ++i)
      ASSERT_EQ(whole[i], part[i]) << MethodName(method) << " at " << i;
  }
}

TEST(Methods, AreKnownByTheNamesPeopleWrite) {
  EXPECT_EQ(MethodNamed("Z-Score"), Method::kZScore);
  EXPECT_EQ(MethodNamed("ISOLATION_FOREST"), Method::kIsolationForest);
  EXPECT_EQ(MethodNamed("S-H-ESD"), Method::kSeasonalEsd);
  EXPECT_EQ(MethodNamed("sub-knn"), Method::kMatrixProfile);
  EXPECT_FALSE(MethodNamed("crystal ball"));
}

}  // namespace
}  // namespace opsmesh::analytics
