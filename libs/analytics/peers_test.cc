// Ours against what scikit-learn, statsmodels, scipy and numpy answer on the same arrays:
// testdata/peers.txt, which testdata/peers.py makes.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "libs/analytics/changepoint/bocpd.h"
#include "libs/analytics/correlate/lagged.h"
#include "libs/analytics/detect/dbscan.h"
#include "libs/analytics/detect/isolation_forest.h"
#include "libs/analytics/detect/spectral_residual.h"
#include "libs/analytics/detect/stl.h"
#include "libs/analytics/forecast/exponential_smoothing.h"

namespace opsmesh::analytics {
namespace {

using Values = std::vector<double>;

const Values& Peer(const std::string& name) {
  static const std::map<std::string, Values> all = [] {
    const char* source = std::getenv("OPSMESH_SOURCE_DIR");
    std::ifstream file(std::string(source == nullptr ? "." : source) +
                       "/libs/analytics/testdata/peers.txt");
    std::map<std::string, Values> read;
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string key;
      words >> key;
      for (double v; words >> v;) read[key].push_back(v);
    }
    return read;
  }();
  static const Values kNone;
  const auto found = all.find(name);
  EXPECT_TRUE(found != all.end()) << name << " is not in the fixture; is OPSMESH_SOURCE_DIR set?";
  return found == all.end() ? kNone : found->second;
}

void ExpectNear(const Values& ours, const Values& theirs, double tolerance, const char* what) {
  ASSERT_EQ(ours.size(), theirs.size()) << what;
  for (size_t i = 0; i < ours.size(); ++i)
    ASSERT_NEAR(ours[i], theirs[i], tolerance) << what << " at " << i;
}

TEST(Peers, DbscanLabelsAreThoseOfScikitLearnUpToTheirNumbers) {
  for (const char* name : {"d1", "d2", "d4", "d6", "ties"}) {
    const std::string prefix = std::string("dbscan/") + name;
    const Values& parameters = Peer(prefix + "/parameters");
    const Values& theirs = Peer(prefix + "/labels");
    ASSERT_EQ(parameters.size(), 3u);
    const std::vector<int> ours = Dbscan(Peer(prefix + "/data"), static_cast<size_t>(parameters[0]),
                                         parameters[1], static_cast<size_t>(parameters[2]));
    ASSERT_EQ(ours.size(), theirs.size());
    EXPECT_GT(*std::max_element(theirs.begin(), theirs.end()), 0) << "more than one cluster";
    std::map<int, double> renumbered;
    for (size_t i = 0; i < ours.size(); ++i) {
      const auto [known, fresh] = renumbered.emplace(ours[i], theirs[i]);
      ASSERT_EQ(known->second, theirs[i]) << name << " at " << i;
      ASSERT_EQ(ours[i] == -1, theirs[i] == -1) << name << " at " << i;
    }
  }
}

Values Ranks(const Values& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return values[a] < values[b]; });
  Values ranks(values.size());
  for (size_t k = 0; k < order.size(); ++k) ranks[order[k]] = static_cast<double>(k);
  return ranks;
}

double Correlation(const Values& a, const Values& b) {
  const double n = static_cast<double>(a.size());
  const double ma = std::accumulate(a.begin(), a.end(), 0.0) / n,
               mb = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) * (a[i] - ma);
    bb += (b[i] - mb) * (b[i] - mb);
  }
  return ab / std::sqrt(aa * bb);
}

TEST(Peers, TheIsolationForestRanksAsScikitLearnsDoes) {
  for (const char* name : {"d1", "d4"}) {
    const std::string prefix = std::string("forest/") + name;
    const Values& data = Peer(prefix + "/data");
    const Values& theirs = Peer(prefix + "/scores");
    const auto features = static_cast<size_t>(Peer(prefix + "/features").at(0));
    const Values ours = IsolationForest(data, features).Score(data);
    ASSERT_EQ(ours.size(), theirs.size());
    EXPECT_GT(Correlation(Ranks(ours), Ranks(theirs)), 0.95) << name;
    double apart = 0;
    for (size_t i = 0; i < ours.size(); ++i) apart += std::abs(ours[i] - theirs[i]);
    EXPECT_LT(apart / static_cast<double>(ours.size()), 0.02) << name << ": same scale";
    // The strongest five are theirs.
    const auto fifth = [](Values v) {
      std::sort(v.rbegin(), v.rend());
      return v[4];
    };
    for (size_t i = 0; i < ours.size(); ++i) {
      if (theirs[i] >= fifth(theirs)) {
        EXPECT_GE(ours[i], 0.95 * fifth(ours)) << name << " at " << i;
      }
    }
  }
}

TEST(Peers, GrangersTestGivesThePValuesOfStatsmodels) {
  const Values &cause = Peer("granger/cause"), &effect = Peer("granger/effect");
  for (const size_t lags : {1, 2, 5}) {
    const Values& p = Peer("granger/p" + std::to_string(lags));
    EXPECT_NEAR(GrangerPValue(cause, effect, lags) / p.at(0), 1, 1e-5) << lags;
    EXPECT_NEAR(GrangerPValue(effect, cause, lags) / p.at(1), 1, 1e-5) << lags;
  }
}

TEST(Peers, LaggedCoefficientsAreThoseOfStatsmodels) {
  Values block = Peer("granger/cause");
  const Values& effect = Peer("granger/effect");
  block.insert(block.end(), effect.begin(), effect.end());
  const std::vector<float> tensor = LagTensor(block, 2, 10);
  const Values &ahead = Peer("ccf/ahead"), &behind = Peer("ccf/behind");
  for (size_t lag = 0; lag <= 10; ++lag) {
    // [lag][cause][effect]: the effect follows by `lag`, and leads by it.
    EXPECT_NEAR(tensor[(10 + lag) * 4 + 1], ahead.at(lag), 1e-5) << lag;
    EXPECT_NEAR(tensor[(10 - lag) * 4 + 1], behind.at(lag), 1e-5) << lag;
  }
}

TEST(Peers, PartialCorrelationIsThatOfTheResidualsOfARegression) {
  Values block = Peer("granger/cause");
  for (const char* name : {"granger/effect", "partial/third"})
    block.insert(block.end(), Peer(name).begin(), Peer(name).end());
  const Values ours = PartialCorrelations(block, 3, 0);
  const Values& theirs = Peer("partial/coefficients");
  size_t k = 0;
  for (size_t a = 0; a < 3; ++a) {
    for (size_t b = 0; b < 3; ++b) {
      if (a == b) continue;
      EXPECT_NEAR(ours[a * 3 + b], theirs.at(k++), 1e-5) << a << b;
    }
  }
}

TEST(Peers, FalseDiscoveryRatesAreThoseOfStatsmodels) {
  ExpectNear(FalseDiscoveryRates(Peer("fdr/p")), Peer("fdr/rates"), 1e-9, "rates");
}

TEST(Peers, StlComesCloseToStatsmodelsAndTheEsdTestNamesTheSameOutliers) {
  const StlResult stl = Stl(Peer("stl/values"), {.period = 24});
  const Values &season = Peer("stl/season"), &trend = Peer("stl/trend");
  ASSERT_EQ(stl.season.size(), season.size());
  // Ours interpolates loess between every tenth of its window, as the authors' program does.
  for (size_t i = 0; i < season.size(); ++i) {
    EXPECT_NEAR(stl.season[i], season[i], 0.3) << i;
    EXPECT_NEAR(stl.trend[i], trend[i], 0.1) << i;
  }
  const Values& outliers = Peer("esd/outliers");
  const std::vector<size_t> found = EsdOutliers(Peer("esd/values"), 0.1, 0.05);
  EXPECT_EQ(Values(found.begin(), found.end()), outliers);
  const Values& critical = Peer("esd/critical");
  for (size_t k = 0; const size_t n : {10, 50, 1000})
    EXPECT_NEAR(EsdCriticalValue(n, 0, 0.05), critical.at(k++), 1e-8);
}

TEST(Peers, SmoothingFitsNoWorseThanStatsmodels) {
  using forecast::FitSmoothing;
  using forecast::TrendForm;
  const Values& y = Peer("smoothing/values");
  const auto winters = FitSmoothing(y, {.period = 12, .trend = TrendForm::kAdditive});
  const auto holt = FitSmoothing(y, {.trend = TrendForm::kAdditive});
  const auto ets = FitSmoothing(y, {.period = 12});
  ASSERT_TRUE(winters && holt && ets);
  EXPECT_LE(winters->squared_error, 1.005 * Peer("smoothing/holt_winters_sse").at(0));
  EXPECT_LE(holt->squared_error, 1.005 * Peer("smoothing/holt_sse").at(0));
  EXPECT_LE(ets->squared_error, 1.005 * Peer("smoothing/ets_sse").at(0));
}

TEST(Peers, TheSaliencyOfASlidingSpectrumIsThatOfATransformOfEachWindow) {
  const Values& x = Peer("saliency/values");
  ExpectNear(SpectralResidualStreaming(x), Peer("saliency/stream"), 1e-4, "stream");
  ExpectNear(SpectralResidual(x), Peer("saliency/batch"), 1e-6, "batch");
}

TEST(Peers, BocpdIsTheExactRecursionUpToWhatIsPruned) {
  const Values& theirs = Peer("bocpd/recent");
  ExpectNear(Bocpd(Peer("bocpd/values"), 2).recent_change, theirs, 1e-5, "chance of a change");
  EXPECT_GT(*std::max_element(theirs.begin(), theirs.end()), 0.9);
}

}  // namespace
}  // namespace opsmesh::analytics
