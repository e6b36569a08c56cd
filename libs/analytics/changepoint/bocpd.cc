#include "libs/analytics/changepoint/bocpd.h"

#include <algorithm>
#include <cmath>
#include <utility>

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

// What is believed of the length of the run under way, sample by sample. Runs stand in rising order
// of their length; their sufficient statistics side by side.
class RunLengths {
 public:
  RunLengths(size_t series, const BocpdOptions& options)
      : series_(series),
        options_(options),
        now_{{0}, {1}, std::vector<double>(series, 0), std::vector<double>(series, kBeta)} {}

  // One scaled value of each series.
  void Add(std::span<const double> x) {
    Weigh(x);
    next_.length.assign(1, 0);
    next_.weight.assign(1, changed_ / total_);
    next_.mu.assign(series_, 0);
    next_.beta.assign(series_, kBeta);
    for (size_t r = 0; r < now_.length.size(); ++r) Grow(r, x);
    std::swap(now_, next_);
    Summarise();
  }

  size_t likeliest() const { return now_.length[best_]; }
  // Probability that a run began within the last samples.
  double recent() const { return recent_; }

 private:
  struct Runs {
    std::vector<size_t> length;
    std::vector<double> weight;
    std::vector<double> mu, beta;  // `series` of them a run
  };

  // Part of the predictive density that depends on the run length alone.
  double Normaliser(size_t run) {
    while (normaliser_.size() <= run) {
      const double alpha = kAlpha + static_cast<double>(normaliser_.size()) / 2;
      normaliser_.push_back(std::lgamma(alpha + 0.5) - std::lgamma(alpha) -
                            0.5 * std::log(2 * M_PI));
    }
    return normaliser_[run];
  }

  // Of a Student t for each series.
  double LogDensity(size_t r, std::span<const double> x) {
    const double normaliser = Normaliser(now_.length[r]);
    const double n = static_cast<double>(now_.length[r]);
    const double kappa = kKappa + n, alpha = kAlpha + n / 2;
    double log_density = 0;
    for (size_t s = 0; s < series_; ++s) {
      const double b = now_.beta[r * series_ + s];
      const double spread = 2 * b * (kappa + 1) / kappa;  // 2 alpha times its squared scale
      const double d = x[s] - now_.mu[r * series_ + s];
      log_density +=
          normaliser + 0.5 * std::log(2 / spread) - (alpha + 0.5) * std::log1p(d * d / spread);
    }
    return log_density;
  }

  void Weigh(std::span<const double> x) {
    joint_.resize(now_.length.size());
    double largest = -INFINITY;
    for (size_t r = 0; r < joint_.size(); ++r) {
      joint_[r] = LogDensity(r, x);
      largest = std::max(largest, joint_[r]);
    }
    total_ = changed_ = 0;
    for (size_t r = 0; r < joint_.size(); ++r) {
      joint_[r] = now_.weight[r] * std::exp(joint_[r] - largest);
      changed_ += joint_[r] * options_.hazard;
      total_ += joint_[r];
    }
    if (!(total_ > 0)) total_ = changed_ = 1;  // nothing explains the sample: a change
  }

  // The run goes on, unless it has become too unlikely.
  void Grow(size_t r, std::span<const double> x) {
    const double weight = joint_[r] * (1 - options_.hazard) / total_;
    // Not "<": a sample too far away for any run makes it not a number.
    if (!(weight >= options_.prune) || next_.length.size() >= options_.max_runs) return;
    const double kappa = kKappa + static_cast<double>(now_.length[r]);
    next_.length.push_back(now_.length[r] + 1);
    next_.weight.push_back(weight);
    for (size_t s = 0; s < series_; ++s) {
      const double mu = now_.mu[r * series_ + s];
      const double d = x[s] - mu;
      next_.mu.push_back(mu + d / (kappa + 1));
      next_.beta.push_back(now_.beta[r * series_ + s] + kappa * d * d / (2 * (kappa + 1)));
    }
  }

  void Summarise() {
    double sum = 0;
    for (const double weight : now_.weight) sum += weight;
    recent_ = 0;
    best_ = 0;
    for (size_t r = 0; r < now_.length.size(); ++r) {
      now_.weight[r] /= sum;
      if (now_.length[r] <= options_.recent) recent_ += now_.weight[r];
      if (now_.weight[r] > now_.weight[best_]) best_ = r;
    }
  }

  const size_t series_;
  const BocpdOptions& options_;
  Runs now_, next_;
  std::vector<double> normaliser_, joint_;
  double total_ = 0, changed_ = 0, recent_ = 0;
  size_t best_ = 0;
};

}  // namespace

BocpdResult Bocpd(std::span<const double> values, size_t series, const BocpdOptions& options,
                  size_t learning) {
  BocpdResult result;
  const size_t rows = values.size() / series;
  result.recent_change.assign(rows, 0);
  if (rows == 0) return result;
  const std::vector<Scale> scales = ScalesOf(values, series, learning);
  RunLengths runs(series, options);
  std::vector<double> x(series);
  for (size_t t = 0; t < rows; ++t) {
    for (size_t s = 0; s < series; ++s)
      x[s] = (values[t * series + s] - scales[s].mean) / scales[s].sigma;
    const size_t before = runs.likeliest();
    runs.Add(x);
    if (t < learning) continue;
    result.recent_change[t] = runs.recent();
    // The likeliest run began somewhere else than where the one before it did: a change, dated to
    // its begin.
    const size_t length = runs.likeliest();
    if (length + 1 >= before || length == 0) continue;
    const size_t at = t + 1 - length;
    if (result.change_points.empty() || at > result.change_points.back() + options.recent)
      result.change_points.push_back(at);
  }
  return result;
}

}  // namespace opsmesh::analytics
