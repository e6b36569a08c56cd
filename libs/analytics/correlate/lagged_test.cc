#include "libs/analytics/correlate/lagged.h"
#include "libs/analytics/correlate/product.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "gtest/gtest.h"
#include "libs/analytics/detect/random.h"

namespace opsmesh::analytics {
namespace {

std::vector<double> Noise(size_t n, uint64_t seed) {
  SplitMix64 random(seed);
  std::vector<double> values;
  for (size_t i = 0; i < n; ++i) {
    double v = -6;
    for (int k = 0; k < 12; ++k) v += random.Uniform();
    values.push_back(v);
  }
  return values;
}

TEST(CorrelateLagged, FindsWhoLeadsAndByHowMuch) {
  const size_t n = 400;
  std::vector<double> block = Noise(n, 1);
  const std::vector<double> noise = Noise(n, 2), alone = Noise(n, 3);
  for (size_t i = 0; i < n; ++i) block.push_back(-(i < 5 ? 0 : block[i - 5]) + 0.3 * noise[i]);
  block.insert(block.end(), alone.begin(), alone.end());
  const LaggedResult result = CorrelateLagged(block, 3);
  EXPECT_EQ(result.tested, 3u);
  ASSERT_EQ(result.pairs.size(), 1u);
  EXPECT_EQ(result.pairs[0].first, 0u);
  EXPECT_EQ(result.pairs[0].second, 1u);
  EXPECT_EQ(result.pairs[0].lag, 5u);
  EXPECT_LT(result.pairs[0].coefficient, -0.9);
  EXPECT_LT(result.pairs[0].p_value, 1e-6);
}

TEST(CorrelateLagged, IndependentSeriesAreAlmostNeverReported) {
  std::vector<double> block;
  for (uint64_t s = 0; s < 40; ++s) {
    const std::vector<double> noise = Noise(150, 100 + s);
    block.insert(block.end(), noise.begin(), noise.end());
  }
  EXPECT_LE(CorrelateLagged(block, 40, {.min_coefficient = 0}).pairs.size(), 3u) << "of 780 pairs";
}

TEST(CorrelateLagged, TheTensorEqualsTheDefinition) {
  const size_t n = 100, series = 5, max_lag = 4;
  std::vector<double> block;
  for (uint64_t s = 0; s < series; ++s) {
    const std::vector<double> noise = Noise(n, 7 + s);
    block.insert(block.end(), noise.begin(), noise.end());
  }
  const std::vector<float> tensor = LagTensor(block, series, max_lag);
  const auto z = [&](size_t s, size_t i) {
    double mean = 0, squares = 0;
    for (size_t k = 0; k < n; ++k) mean += block[s * n + k] / static_cast<double>(n);
    for (size_t k = 0; k < n; ++k)
      squares += std::pow(block[s * n + k] - mean, 2) / static_cast<double>(n);
    return (block[s * n + i] - mean) / std::sqrt(squares);
  };
  for (const int lag : {-4, -1, 0, 3}) {
    double sum = 0;
    const auto shift = static_cast<size_t>(std::abs(lag));
    for (size_t i = 0; i + shift < n; ++i)
      sum += lag >= 0 ? z(1, i) * z(4, i + shift) : z(1, i + shift) * z(4, i);
    const float got =
        tensor[(max_lag + static_cast<size_t>(lag)) * series * series + 1 * series + 4];
    EXPECT_NEAR(got, sum / static_cast<double>(n - shift), 1e-5) << lag;
  }
}

TEST(LagProducts, AreTheSameBytesWhateverTheWidthOfTheProcessor) {
  const size_t rows = 37, columns = 301, lags = 12;
  std::vector<float> data;
  for (const double v : Noise(rows * columns, 9)) data.push_back(static_cast<float>(v));
  const LagProducts products(data.data(), rows, columns);
  const size_t size = lags * LagProducts::kPanel * products.padded_rows();
  using Width = LagProducts::Width;
  for (size_t panel = 0; panel < products.panels(); ++panel) {
    std::vector<float> narrow(size);
    products.Panel(panel, 3, lags, narrow.data(), Width::kAny);
    for (const Width width : {Width::kAvx2, Width::kAvx512}) {
      if (static_cast<int>(width) > static_cast<int>(LagProducts::WidestWidth())) continue;
      std::vector<float> wide(size);
      products.Panel(panel, 3, lags, wide.data(), width);
      EXPECT_EQ(std::memcmp(narrow.data(), wide.data(), size * sizeof(float)), 0)
          << static_cast<int>(width);
    }
    double sum = 0;
    for (size_t t = 0; t + 5 < columns; ++t)
      sum += static_cast<double>(data[panel * 16 * columns + t]) * data[7 * columns + t + 5];
    EXPECT_NEAR(narrow[(5 - 3) * 16 * products.padded_rows() + 7], sum, 1e-3);
  }
}

TEST(CorrelateLagged, TheAnswerDoesNotDependOnTheNumberOfThreads) {
  std::vector<double> block;
  for (uint64_t s = 0; s < 40; ++s) {
    const std::vector<double> noise = Noise(200, s / 2);
    block.insert(block.end(), noise.begin(), noise.end());
  }
  const LaggedResult one = CorrelateLagged(block, 40),
                     two = CorrelateLagged(block, 40, {.threads = 2}),
                     five = CorrelateLagged(block, 40, {.threads = 5});
  ASSERT_EQ(one.pairs.size(), 20u);
  for (const LaggedResult* other : {&two, &five}) {
    ASSERT_EQ(other->pairs.size(), one.pairs.size());
    for (size_t k = 0; k < one.pairs.size(); ++k) {
      EXPECT_EQ(other->pairs[k].first, one.pairs[k].first);
      EXPECT_EQ(other->pairs[k].second, one.pairs[k].second);
      EXPECT_EQ(other->pairs[k].coefficient, one.pairs[k].coefficient);
      EXPECT_EQ(other->pairs[k].p_value, one.pairs[k].p_value);
    }
  }
}

TEST(Granger, HoldsThePastOfACauseForTelling) {
  const size_t n = 500;
  const std::vector<double> cause = Noise(n, 4);
  std::vector<double> effect = Noise(n, 5);
  for (size_t i = 2; i < n; ++i) effect[i] += 0.8 * cause[i - 2];
  EXPECT_LT(GrangerPValue(cause, effect, 5), 1e-6);
  EXPECT_GT(GrangerPValue(effect, cause, 5), 0.01);
  EXPECT_EQ(GrangerPValue(std::vector<double>(8, 1), effect, 5), 1);
}

TEST(PartialCorrelation, SeesThroughACommonDriver) {
  const size_t n = 600;
  const std::vector<double> driver = Noise(n, 6), a = Noise(n, 7), b = Noise(n, 8);
  std::vector<double> block(3 * n);
  for (size_t i = 0; i < n; ++i) {
    block[i] = driver[i];
    block[n + i] = driver[i] + 0.4 * a[i];
    block[2 * n + i] = driver[i] + 0.4 * b[i];
  }
  const std::vector<double> partial = PartialCorrelations(block, 3, 0.01);
  const LaggedResult plain = CorrelateLagged(block, 3);
  ASSERT_EQ(plain.pairs.size(), 3u);
  EXPECT_LT(std::abs(partial[1 * 3 + 2]), 0.3);
  EXPECT_GT(partial[0 * 3 + 1], 0.5);
}

TEST(FalseDiscovery, AreThoseOfBenjaminiAndHochberg) {
  const std::vector<double> rates = FalseDiscoveryRates(std::vector<double>{0.01, 0.04, 0.03, 0.5});
  EXPECT_NEAR(rates[0], 0.04, 1e-12);
  EXPECT_NEAR(rates[1], 0.16 / 3, 1e-12);
  EXPECT_NEAR(rates[2], 0.16 / 3, 1e-12);
  EXPECT_NEAR(rates[3], 0.5, 1e-12);
}

}  // namespace
}  // namespace opsmesh::analytics
