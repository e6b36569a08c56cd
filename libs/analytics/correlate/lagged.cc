#include "libs/analytics/correlate/lagged.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <boost/math/distributions/fisher_f.hpp>
#include <eigen3/Eigen/Dense>

#include "libs/analytics/correlate/product.h"
#include "libs/analytics/parallel.h"

namespace opsmesh::analytics {
namespace {

using RowMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Rows with mean 0 and length sqrt(n); a constant row is 0.
RowMatrix Standardised(std::span<const double> values, size_t series) {
  const size_t n = values.size() / series;
  RowMatrix z(series, n);
  for (size_t s = 0; s < series; ++s) {
    const double* row = values.data() + s * n;
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; ++i) mean += row[i];
    mean /= static_cast<double>(n);
    for (size_t i = 0; i < n; ++i) squares += (row[i] - mean) * (row[i] - mean);
    const double sigma = std::sqrt(squares / static_cast<double>(n));
    const double scale = sigma > 1e-9 * (std::abs(mean) + 1e-300) ? 1 / sigma : 0;
    for (size_t i = 0; i < n; ++i)
      z(static_cast<Eigen::Index>(s), static_cast<Eigen::Index>(i)) =
          static_cast<float>((row[i] - mean) * scale);
  }
  return z;
}

// Lag-1 autocorrelation.
double Persistence(const RowMatrix& z, Eigen::Index row) {
  const Eigen::Index n = z.cols();
  const double r = static_cast<double>(z.row(row).head(n - 1).dot(z.row(row).tail(n - 1))) /
                   static_cast<double>(n);
  return std::clamp(r, 0.0, 0.99);
}

// Two-sided p-value of a coefficient with n samples, by Fisher's z.
double PValue(double r, double n) {
  if (n < 4) return 1;
  const double z = std::atanh(std::clamp(std::abs(r), 0.0, 0.999999)) * std::sqrt(n - 3);
  return std::erfc(z / std::sqrt(2.0));
}

// Calls use(panel, lag, sums) for each panel of 16 rows, lags 0 .. max_lag of a panel in their
// order; panels on at most `threads` threads. Sums as LagProducts::Panel gives them for one lag.
template <typename Use>
void EachPanel(const LagProducts& products, size_t max_lag, size_t threads, Use use) {
  const size_t size = LagProducts::kPanel * products.padded_rows();
  ForEachIndex(products.panels(), threads, [&](size_t panel) {
    std::vector<float> sums(std::min(LagProducts::kLags, max_lag + 1) * size);
    for (size_t first = 0; first <= max_lag; first += LagProducts::kLags) {
      const size_t count = std::min(LagProducts::kLags, max_lag + 1 - first);
      products.Panel(panel, first, count, sums.data());
      for (size_t k = 0; k < count; ++k) use(panel, first + k, sums.data() + k * size);
    }
  });
}

}  // namespace

std::vector<float> LagTensor(std::span<const double> values, size_t series, size_t max_lag) {
  const RowMatrix z = Standardised(values, series);
  const auto n = static_cast<size_t>(z.cols());
  max_lag = std::min(max_lag, n - 1);
  const LagProducts products(z.data(), series, n);
  const size_t size = series * series;
  std::vector<float> tensor((2 * max_lag + 1) * size);
  EachPanel(products, max_lag, 1, [&](size_t panel, size_t lag, const float* sums) {
    float* ahead = tensor.data() + (max_lag + lag) * size;
    // What b lags behind a is what a leads b: the other half is the transpose.
    float* behind = tensor.data() + (max_lag - lag) * size;
    const float scale = 1.0F / static_cast<float>(n - lag);
    const size_t first = panel * LagProducts::kPanel;
    const size_t count = std::min(LagProducts::kPanel, series - first);
    for (size_t i = 0; i < count; ++i) {
      const float* row = sums + i * products.padded_rows();
      for (size_t b = 0; b < series; ++b) ahead[(first + i) * series + b] = row[b] * scale;
    }
    for (size_t b = 0; lag > 0 && b < series; ++b) {
      for (size_t i = 0; i < count; ++i)
        behind[b * series + first + i] = sums[i * products.padded_rows() + b] * scale;
    }
  });
  return tensor;
}

LaggedResult CorrelateLagged(std::span<const double> values, size_t series,
                             const LaggedOptions& options) {
  LaggedResult result;
  if (series < 2) return result;
  const size_t n = values.size() / series;
  if (n < 8) return result;
  const size_t max_lag = std::min(options.max_lag, n / 4);
  const RowMatrix z = Standardised(values, series);
  const LagProducts products(z.data(), series, n);
  std::vector<float> best(series * series, 0);
  std::vector<uint32_t> best_lag(series * series, 0);
  EachPanel(products, max_lag, options.threads, [&](size_t panel, size_t lag, const float* sums) {
    const float scale = 1.0F / static_cast<float>(n - lag);
    const size_t first = panel * LagProducts::kPanel;
    // A longer lag must be clearly better: neighbouring lags of smooth series are all high.
    const float margin = lag > 0 ? 0.01F : 0;
    for (size_t i = 0; i < std::min(LagProducts::kPanel, series - first); ++i) {
      const float* row = sums + i * products.padded_rows();
      float* best_row = best.data() + (first + i) * series;
      uint32_t* lag_row = best_lag.data() + (first + i) * series;
      for (size_t b = 0; b < series; ++b) {
        const float now = row[b] * scale;
        const bool better = std::abs(now) > std::abs(best_row[b]) + margin;
        best_row[b] = better ? now : best_row[b];
        lag_row[b] = better ? static_cast<uint32_t>(lag) : lag_row[b];
      }
    }
  });
  std::vector<double> persistence(series);
  for (size_t s = 0; s < series; ++s) persistence[s] = Persistence(z, static_cast<Eigen::Index>(s));
  std::vector<double> p_values;
  std::vector<LaggedPair> pairs;
  for (size_t a = 0; a < series; ++a) {
    for (size_t b = a + 1; b < series; ++b) {
      const bool forward = std::abs(best[a * series + b]) >= std::abs(best[b * series + a]);
      const size_t from = forward ? a : b, to = forward ? b : a;
      LaggedPair pair{from, to, best_lag[from * series + to],
                      std::clamp(static_cast<double>(best[from * series + to]), -1.0, 1.0), 1};
      const double shared = persistence[a] * persistence[b];
      const double samples = static_cast<double>(n - pair.lag) * (1 - shared) / (1 + shared);
      p_values.push_back(
          std::min(1.0, PValue(pair.coefficient, samples) * static_cast<double>(2 * max_lag + 1)));
      pairs.push_back(pair);
    }
  }
  result.tested = pairs.size();
  const std::vector<double> rates = FalseDiscoveryRates(p_values);
  for (size_t k = 0; k < pairs.size(); ++k) {
    pairs[k].p_value = rates[k];
    if (rates[k] > options.false_discovery_rate ||
        std::abs(pairs[k].coefficient) < options.min_coefficient)
      continue;
    result.pairs.push_back(pairs[k]);
  }
  std::stable_sort(result.pairs.begin(), result.pairs.end(),
                   [](const LaggedPair& x, const LaggedPair& y) {
                     return std::abs(x.coefficient) > std::abs(y.coefficient);
                   });
  return result;
}

void ToResiduals(std::span<double> values, size_t period) {
  const size_t n = values.size();
  if (n < 4) return;
  if (period >= 2 && n >= 2 * period) {
    for (size_t phase = 0; phase < period; ++phase) {
      double mean = 0;
      size_t count = 0;
      for (size_t i = phase; i < n; i += period, ++count) mean += values[i];
      mean /= static_cast<double>(count);
      for (size_t i = phase; i < n; i += period) values[i] -= mean;
    }
  }
  // A straight line: slower trends than the window say nothing about who moves with whom.
  const double middle = static_cast<double>(n - 1) / 2;
  double slope = 0, spread = 0, mean = 0;
  for (size_t i = 0; i < n; ++i) mean += values[i];
  mean /= static_cast<double>(n);
  for (size_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(i) - middle;
    slope += x * (values[i] - mean);
    spread += x * x;
  }
  slope /= spread;
  for (size_t i = 0; i < n; ++i) values[i] -= mean + slope * (static_cast<double>(i) - middle);
}

std::vector<double> FalseDiscoveryRates(std::span<const double> p_values) {
  const size_t m = p_values.size();
  std::vector<size_t> order(m);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> rates(m, 1);
  double least = 1;
  for (size_t k = m; k-- > 0;) {
    least =
        std::min(least, p_values[order[k]] * static_cast<double>(m) / static_cast<double>(k + 1));
    rates[order[k]] = least;
  }
  return rates;
}

double GrangerPValue(std::span<const double> cause, std::span<const double> effect, size_t lags) {
  const size_t n = std::min(cause.size(), effect.size());
  const size_t wide = 2 * lags + 1;
  if (lags == 0 || n < lags + wide + 5) return 1;
  const auto rows = static_cast<Eigen::Index>(n - lags);
  // Normal equations of the full model hold those of the restricted one.
  Eigen::MatrixXd x(rows, static_cast<Eigen::Index>(wide));
  Eigen::VectorXd y(rows);
  for (Eigen::Index r = 0; r < rows; ++r) {
    const size_t t = static_cast<size_t>(r) + lags;
    y(r) = effect[t];
    x(r, 0) = 1;
    for (size_t k = 1; k <= lags; ++k) {
      x(r, static_cast<Eigen::Index>(k)) = effect[t - k];
      x(r, static_cast<Eigen::Index>(lags + k)) = cause[t - k];
    }
  }
  const Eigen::MatrixXd gram = x.transpose() * x;
  const Eigen::VectorXd moment = x.transpose() * y;
  const double total = y.squaredNorm();
  const auto residual = [&](Eigen::Index width) {
    const Eigen::VectorXd beta = gram.topLeftCorner(width, width).ldlt().solve(moment.head(width));
    return total - beta.dot(moment.head(width));
  };
  const double restricted = residual(static_cast<Eigen::Index>(lags + 1)),
               full = residual(static_cast<Eigen::Index>(wide));
  const double freedom = static_cast<double>(rows) - static_cast<double>(wide);
  if (!(full > 1e-12 * total) || !(restricted > full) || freedom < 1) return 1;
  const double f = (restricted - full) / static_cast<double>(lags) / (full / freedom);
  if (!std::isfinite(f)) return 1;
  return boost::math::cdf(
      boost::math::complement(boost::math::fisher_f(static_cast<double>(lags), freedom), f));
}

std::vector<double> PartialCorrelations(std::span<const double> values, size_t series,
                                        double shrinkage) {
  const RowMatrix z = Standardised(values, series);
  const auto p = static_cast<Eigen::Index>(series);
  const LagProducts products(z.data(), series, static_cast<size_t>(z.cols()));
  Eigen::MatrixXd r(p, p);
  EachPanel(products, 0, 1, [&](size_t panel, size_t, const float* sums) {
    const size_t first = panel * LagProducts::kPanel;
    for (size_t i = 0; i < std::min(LagProducts::kPanel, series - first); ++i) {
      for (size_t b = 0; b < series; ++b)
        r(static_cast<Eigen::Index>(first + i), static_cast<Eigen::Index>(b)) =
            static_cast<double>(sums[i * products.padded_rows() + b]) /
            static_cast<double>(z.cols()) * (1 - shrinkage);
    }
  });
  r.diagonal().setOnes();
  const Eigen::MatrixXd inverse = r.ldlt().solve(Eigen::MatrixXd::Identity(p, p));
  std::vector<double> partial(series * series, 1);
  for (Eigen::Index a = 0; a < p; ++a) {
    for (Eigen::Index b = 0; b < p; ++b) {
      if (a == b) continue;
      const double scale = std::sqrt(std::max(1e-300, inverse(a, a) * inverse(b, b)));
      partial[static_cast<size_t>(a * p + b)] = std::clamp(-inverse(a, b) / scale, -1.0, 1.0);
    }
  }
  return partial;
}

}  // namespace opsmesh::analytics
