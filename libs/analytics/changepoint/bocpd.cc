#include "libs/analytics/changepoint/bocpd.h"

#include <algorithm>
#include <cmath>

namespace opsmesh::analytics {
namespace {

// Prior of each scaled series: mean 0 with the weight of one sample, variance about 1.
constexpr double kKappa = 1;
constexpr double kAlpha = 1;
constexpr double kBeta = 1;

struct Scale {
  double mean = 0;
  double sigma = 1;
};

std::vector<Scale> ScalesOf(std::span<const double> values, size_t series, size_t learning) {
  const size_t rows = values.size() / series;
  const size_t n = std::max<size_t>(1, std::min(rows, learning));
  std::vector<Scale> scales(series);
  for (size_t s = 0; s < series; ++s) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; ++i) sum += values[i * series + s];
    scales[s].mean = sum / static_cast<double>(n);
    for (size_t i = 0; i < n; ++i) squares += std::pow(values[i * series + s] - scales[s].mean, 2);
    const double sigma = std::sqrt(squares / static_cast<double>(n));
    scales[s].sigma = std::max(sigma, 1e-3 * std::abs(scales[s].mean) + 1e-9);
  }
  return scales;
}

}  // namespace

BocpdResult Bocpd(std::span<const double> values, size_t series, const BocpdOptions& options,
                  size_t learning) {
  BocpdResult result;
  const size_t rows = values.size() / series;
  result.recent_change.assign(rows, 0);
  if (rows == 0) return result;
  const std::vector<Scale> scales = ScalesOf(values, series, learning);
  // Parts of the predictive density that depend on the run length alone.
  std::vector<double> normaliser;
  const auto extend = [&](size_t run) {
    while (normaliser.size() <= run) {
      const double alpha = kAlpha + static_cast<double>(normaliser.size()) / 2;
      normaliser.push_back(std::lgamma(alpha + 0.5) - std::lgamma(alpha) -
                           0.5 * std::log(2 * M_PI));
    }
  };
  // Runs in rising order of their length; sufficient statistics side by side.
  std::vector<size_t> length = {0};
  std::vector<double> weight = {1};
  std::vector<double> mu(series, 0), beta(series, kBeta);
  std::vector<size_t> next_length;
  std::vector<double> next_weight, next_mu, next_beta, x(series), density;
  size_t likeliest = 0;
  for (size_t t = 0; t < rows; ++t) {
    for (size_t s = 0; s < series; ++s)
      x[s] = (values[t * series + s] - scales[s].mean) / scales[s].sigma;
    density.resize(length.size());
    double largest = -INFINITY;
    for (size_t r = 0; r < length.size(); ++r) {
      extend(length[r]);
      const double n = static_cast<double>(length[r]);
      const double kappa = kKappa + n, alpha = kAlpha + n / 2;
      double log_density = 0;
      for (size_t s = 0; s < series; ++s) {
        const double b = beta[r * series + s];
        const double spread =
            2 * b * (kappa + 1) / kappa;  // 2 alpha times the squared scale of the Student t
        const double d = x[s] - mu[r * series + s];
        log_density += normaliser[length[r]] + 0.5 * std::log(2 / spread) -
                       (alpha + 0.5) * std::log1p(d * d / spread);
      }
      density[r] = log_density;
      largest = std::max(largest, log_density);
    }
    next_length.assign(1, 0);
    next_weight.assign(1, 0);
    next_mu.assign(series, 0);
    next_beta.assign(series, kBeta);
    double total = 0, changed = 0;
    for (size_t r = 0; r < length.size(); ++r) {
      const double joint = weight[r] * std::exp(density[r] - largest);
      changed += joint * options.hazard;
      total += joint;
    }
    if (!(total > 0)) total = changed = 1;  // nothing explains the sample: a change
    next_weight[0] = changed / total;
    for (size_t r = 0; r < length.size(); ++r) {
      const double w = weight[r] * std::exp(density[r] - largest) * (1 - options.hazard) / total;
      if (w < options.prune || next_length.size() >= options.max_runs) continue;
      const double n = static_cast<double>(length[r]);
      const double kappa = kKappa + n;
      next_length.push_back(length[r] + 1);
      next_weight.push_back(w);
      for (size_t s = 0; s < series; ++s) {
        const double d = x[s] - mu[r * series + s];
        next_mu.push_back(mu[r * series + s] + d / (kappa + 1));
        next_beta.push_back(beta[r * series + s] + kappa * d * d / (2 * (kappa + 1)));
      }
    }
    length.swap(next_length);
    weight.swap(next_weight);
    mu.swap(next_mu);
    beta.swap(next_beta);
    double sum = 0, recent = 0;
    size_t best = 0;
    for (size_t r = 0; r < length.size(); ++r) sum += weight[r];
    for (size_t r = 0; r < length.size(); ++r) {
      weight[r] /= sum;
      if (length[r] <= options.recent) recent += weight[r];
      if (weight[r] > weight[best]) best = r;
    }
    if (t >= learning) result.recent_change[t] = recent;
    // The likeliest run began somewhere else than where the one before it did: a change, dated to
    // its begin.
    if (t >= learning && length[best] + 1 < likeliest && length[best] > 0) {
      const size_t at = t + 1 - length[best];
      if (result.change_points.empty() || at > result.change_points.back() + options.recent)
        result.change_points.push_back(at);
    }
    likeliest = length[best];
  }
  return result;
}

}  // namespace opsmesh::analytics
