#include "libs/analytics/detect/spectral_residual.h"

#include <algorithm>
#include <cmath>
#include <complex>

#include <kissfft/kissfft.hh>

#include "libs/analytics/detect/sliding_saliency.h"

namespace opsmesh::analytics {
namespace {

using Complex = std::complex<double>;
constexpr size_t kLeast = 12;
constexpr double kTiny = 1e-9;

size_t FastSize(size_t n) {
  for (;; ++n) {
    size_t m = n;
    for (const size_t p : {2, 3, 5}) {
      while (m % p == 0) m /= p;
    }
    if (m == 1) return n;
  }
}

class Transform {
 public:
  explicit Transform(size_t n) : n_(n), forward_(n, false), a_(n), b_(n), log_(n), saliency_(n) {}

  size_t size() const { return n_; }

  // Saliency of n samples.
  const std::vector<double>& Saliency() {
    Forward();
    for (size_t i = 0; i < n_; ++i) log_[i] = 0.5 * std::log(std::norm(b_[i]) + kTiny * kTiny);
    for (size_t i = 0; i < n_; ++i) {
      const double around = log_[i == 0 ? n_ - 1 : i - 1] + log_[i] + log_[i + 1 == n_ ? 0 : i + 1];
      a_[i] = b_[i] * std::exp(-around / 3);
    }
    Inverse();
    for (size_t i = 0; i < n_; ++i)
      saliency_[i] = std::sqrt(std::norm(b_[i])) / static_cast<double>(n_);
    return saliency_;
  }

  std::vector<Complex>& input() { return a_; }
  std::vector<Complex>& output() { return b_; }
  void Forward() { forward_.transform(a_.data(), b_.data()); }
  // By the forward plan: the inverse is the conjugate of the transform of the conjugate.
  void Inverse() {
    for (Complex& x : a_) x = std::conj(x);
    Forward();
    for (Complex& x : b_) x = std::conj(x);
  }

 private:
  size_t n_;
  kissfft<double> forward_;
  std::vector<Complex> a_, b_;
  std::vector<double> log_, saliency_;
};

// The series is prolonged so that its last sample is not at the edge: by the mean of those before
// it and not by its slope, as in the paper, for the slope would make a step of a last sample that
// jumps.
double Prolonged(std::span<const double> values) {
  constexpr size_t kBack = 5;
  const size_t n = values.size();
  double sum = 0;
  for (size_t k = 1; k <= kBack; ++k) sum += values[n - 1 - k];
  return sum / kBack;
}

}  // namespace

std::vector<double> SpectralResidual(std::span<const double> values,
                                     const SpectralResidualOptions& options) {
  const size_t n = values.size();
  if (n < kLeast) return {};
  Transform transform(FastSize(n + 5));
  std::vector<Complex>& in = transform.input();
  const double ahead = Prolonged(values);
  for (size_t i = 0; i < in.size(); ++i) in[i] = i < n ? values[i] : ahead;
  const std::vector<double>& saliency = transform.Saliency();
  std::vector<double> result(n);
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    sum += saliency[i];
    if (i >= options.saliency_window) sum -= saliency[i - options.saliency_window];
    const double mean = sum / static_cast<double>(std::min(i + 1, options.saliency_window));
    result[i] = std::max(0.0, (saliency[i] - mean) / (mean + kTiny));
  }
  return result;
}

std::vector<double> SpectralResidualStreaming(std::span<const double> values, size_t window,
                                              const SpectralResidualOptions& options) {
  const size_t n = values.size();
  std::vector<double> result(n, 0);
  if (n < std::max(kLeast, window)) return result;
  SlidingSaliency sliding(window, FastSize(window + 5), options.saliency_window);
  std::vector<double> saliency(options.saliency_window);
  for (size_t i = window - 1; i < n; ++i) {
    const auto past = values.subspan(i + 1 - window, window);
    if (i + 1 == window) {
      sliding.Restart(past);
    } else {
      sliding.Advance(values[i - window], past);
    }
    sliding.Saliency(Prolonged(past), saliency);
    double mean = 0;
    for (const double s : saliency) mean += s;
    mean /= static_cast<double>(saliency.size());
    result[i] = std::max(0.0, (saliency.back() - mean) / (mean + kTiny));
  }
  return result;
}

size_t DominantPeriod(std::span<const double> values, size_t least) {
  const size_t n = values.size();
  if (n < 3 * least || n < kLeast) return 0;
  double mean = 0;
  for (const double v : values) mean += v;
  mean /= static_cast<double>(n);
  Transform transform(FastSize(2 * n));
  std::vector<Complex>& in = transform.input();
  for (size_t i = 0; i < in.size(); ++i) in[i] = i < n ? values[i] - mean : 0;
  transform.Forward();
  for (size_t i = 0; i < in.size(); ++i) in[i] = std::norm(transform.output()[i]);
  transform.Inverse();
  const std::vector<Complex>& acf = transform.output();
  const double zero = acf[0].real();
  if (zero <= 0) return 0;
  // The first maximum after the autocorrelation has gone below 0, higher than any other by the
  // fewer samples it rests on.
  size_t from = 1;
  while (from < n / 3 && acf[from].real() > 0) ++from;
  size_t best = 0;
  double best_value = 0.3;
  for (size_t lag = std::max(from, least); lag <= n / 3; ++lag) {
    const double r = acf[lag].real() / zero * static_cast<double>(n) / static_cast<double>(n - lag);
    if (r > best_value * (best == 0 ? 1 : 1.05)) {
      best_value = r;
      best = lag;
    }
  }
  return best;
}

}  // namespace opsmesh::analytics
