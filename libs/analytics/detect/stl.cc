#include "libs/analytics/detect/stl.h"

#include <algorithm>
#include <cmath>

#include <boost/math/distributions/students_t.hpp>

#include "libs/analytics/order_statistics.h"

namespace opsmesh::analytics {
namespace {

constexpr double kMadToSigma = 1.4826;

size_t OddAtLeast(double x) {
  const auto n = static_cast<size_t>(std::ceil(x));
  return n % 2 == 1 ? n : n + 1;
}

// Local linear regression of y (weights w, may be null) at position x over the `q` nearest of
// positions 0 .. n-1.
double LoessAt(const double* y, const double* w, size_t n, size_t q, double x) {
  const size_t window = std::min(q, n);
  double left_edge = std::floor(x - static_cast<double>(window - 1) / 2 + 0.5);
  left_edge = std::clamp(left_edge, 0.0, static_cast<double>(n - window));
  const auto left = static_cast<size_t>(left_edge);
  const size_t right = left + window - 1;
  double h = std::max(x - static_cast<double>(left), static_cast<double>(right) - x);
  if (q > n) h += static_cast<double>(q - n) / 2;
  h = std::max(h, 1e-9);
  const double h1 = 0.001 * h, h9 = 0.999 * h;
  double sw = 0, swx = 0, swy = 0, swxx = 0, swxy = 0;
  for (size_t i = left; i <= right; ++i) {
    const double dx = static_cast<double>(i) - x;
    const double r = std::abs(dx);
    if (r > h9) continue;
    double weight = 1;
    if (r > h1) {
      const double t = r / h, c = 1 - t * t * t;
      weight = c * c * c;
    }
    if (w != nullptr) weight *= w[i];
    sw += weight;
    swx += weight * dx;
    swy += weight * y[i];
    swxx += weight * dx * dx;
    swxy += weight * dx * y[i];
  }
  if (sw <= 0) return y[std::clamp<size_t>(static_cast<size_t>(std::max(0.0, x)), 0, n - 1)];
  const double det = sw * swxx - swx * swx;
  if (std::abs(det) < 1e-9 * sw * std::max(swxx, 1e-12)) return swy / sw;
  return (swy * swxx - swx * swxy) / det;
}

// Loess at positions first .. last (may lie outside), every `jump` samples, linear between.
void Loess(const double* y, const double* w, size_t n, size_t q, size_t jump, std::ptrdiff_t first,
           std::ptrdiff_t last, double* out) {
  std::ptrdiff_t from = first;
  out[0] = LoessAt(y, w, n, q, static_cast<double>(first));
  while (from < last) {
    const std::ptrdiff_t to = std::min(last, from + static_cast<std::ptrdiff_t>(jump));
    const double a = out[from - first], b = LoessAt(y, w, n, q, static_cast<double>(to));
    for (std::ptrdiff_t i = from + 1; i <= to; ++i) {
      out[i - first] = a + (b - a) * static_cast<double>(i - from) / static_cast<double>(to - from);
    }
    from = to;
  }
}

// Moving average of length m: n - m + 1 values.
void MovingAverage(const std::vector<double>& in, size_t m, std::vector<double>& out) {
  out.resize(in.size() - m + 1);
  double sum = 0;
  for (size_t i = 0; i < m; ++i) sum += in[i];
  out[0] = sum / static_cast<double>(m);
  for (size_t i = m; i < in.size(); ++i) {
    sum += in[i] - in[i - m];
    out[i - m + 1] = sum / static_cast<double>(m);
  }
}

// Bisquare weights from the remainder.
void RobustWeights(const std::vector<double>& remainder, std::vector<double>& weights) {
  std::vector<double> distance(remainder.size());
  for (size_t i = 0; i < remainder.size(); ++i) distance[i] = std::abs(remainder[i]);
  std::vector<double> sorted = distance;
  const double h = 6 * std::max(Quantile(sorted, 0.5), 1e-12);
  for (size_t i = 0; i < distance.size(); ++i) {
    const double t = distance[i] / h;
    weights[i] = t <= 0.001 ? 1 : t >= 0.999 ? 0 : (1 - t * t) * (1 - t * t);
  }
}

}  // namespace

StlResult Stl(std::span<const double> values, const StlOptions& options) {
  const size_t n = values.size(), period = options.period;
  if (period < 2 || n < 2 * period) return {};
  const size_t ns = options.seasonal_window;
  const size_t nt =
      OddAtLeast(1.5 * static_cast<double>(period) / (1 - 1.5 / static_cast<double>(ns)));
  const size_t nl = OddAtLeast(static_cast<double>(period) + (period % 2 == 0 ? 1 : 0));
  const size_t trend_jump = std::max<size_t>(1, nt / 10), low_jump = std::max<size_t>(1, nl / 10);
  StlResult r{std::vector<double>(n, 0), std::vector<double>(n, 0), std::vector<double>(n, 0)};
  std::vector<double> weights(n, 1), extended(n + 2 * period), work1, work2, low(n), sub, subw, fit,
      plain(n);
  const size_t outer = options.robust ? options.outer_passes : 0;
  for (size_t pass = 0; pass <= outer; ++pass) {
    const bool weighted = pass > 0;
    for (size_t inner = 0; inner < options.inner_passes; ++inner) {
      for (size_t phase = 0; phase < period; ++phase) {
        sub.clear();
        subw.clear();
        for (size_t i = phase; i < n; i += period) {
          sub.push_back(values[i] - r.trend[i]);
          subw.push_back(weights[i]);
        }
        fit.resize(sub.size() + 2);
        // One cycle more at either end, for the averages that follow.
        Loess(sub.data(), weighted ? subw.data() : nullptr, sub.size(), ns, 1, -1,
              static_cast<std::ptrdiff_t>(sub.size()), fit.data());
        for (size_t k = 0; k < fit.size(); ++k) extended[phase + k * period] = fit[k];
      }
      // A season that does not end with a whole cycle leaves places behind the end unfilled: they
      // repeat the cycle before.
      std::vector<double> cycle(extended.begin(),
                                extended.begin() + static_cast<std::ptrdiff_t>(n + 2 * period));
      MovingAverage(cycle, period, work1);
      MovingAverage(work1, period, work2);
      MovingAverage(work2, 3, work1);
      Loess(work1.data(), nullptr, n, nl, low_jump, 0, static_cast<std::ptrdiff_t>(n) - 1,
            low.data());
      for (size_t i = 0; i < n; ++i) {
        r.season[i] = extended[i + period] - low[i];
        plain[i] = values[i] - r.season[i];
      }
      Loess(plain.data(), weighted ? weights.data() : nullptr, n, nt, trend_jump, 0,
            static_cast<std::ptrdiff_t>(n) - 1, r.trend.data());
    }
    for (size_t i = 0; i < n; ++i) r.remainder[i] = values[i] - r.season[i] - r.trend[i];
    if (pass < outer) RobustWeights(r.remainder, weights);
  }
  return r;
}

double EsdCriticalValue(size_t n, size_t step, double alpha) {
  const double m = static_cast<double>(n - step);  // samples left, `step` from 0
  if (m < 3) return INFINITY;
  const double p = 1 - alpha / (2 * m);
  const boost::math::students_t t(m - 2);
  const double q = boost::math::quantile(t, p);
  return (m - 1) * q / std::sqrt((m - 2 + q * q) * m);
}

std::vector<size_t> EsdOutliers(std::span<const double> values, double share, double alpha) {
  const size_t n = values.size();
  const auto most = static_cast<size_t>(share * static_cast<double>(n));
  std::vector<size_t> order(n);
  for (size_t i = 0; i < n; ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return values[a] != values[b] ? values[a] < values[b] : a < b;
  });
  std::vector<double> sorted(n);
  for (size_t i = 0; i < n; ++i) sorted[i] = values[order[i]];
  // Outliers are taken from the ends of the sorted samples, so that median and deviations come from
  // a range of it.
  size_t low = 0, high = n;
  std::vector<size_t> taken;
  size_t outliers = 0;
  for (size_t k = 0; k < most && high - low > 2; ++k) {
    const size_t m = high - low;
    const std::span<const double> left_over(sorted.data() + low, m);
    const auto at = [&](size_t i) { return left_over[i]; };
    const double median = m % 2 == 1 ? at(m / 2) : (at(m / 2 - 1) + at(m / 2)) / 2;
    const double mad = kMadToSigma * SortedDeviation(left_over, median);
    if (mad <= 0) break;
    const double left = median - at(0), right = at(m - 1) - median;
    const bool take_right = right >= left;
    taken.push_back(order[take_right ? --high : low++]);
    if (std::max(left, right) / mad > EsdCriticalValue(n, k, alpha)) outliers = k + 1;
  }
  taken.resize(outliers);
  return taken;
}

}  // namespace opsmesh::analytics
