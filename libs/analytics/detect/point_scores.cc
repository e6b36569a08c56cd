#include "libs/analytics/detect/point_scores.h"

#include <algorithm>
#include <cmath>

#include "libs/analytics/detect/sorted_window.h"
#include "libs/analytics/order_statistics.h"

namespace opsmesh::analytics {
namespace {

constexpr double kMadToSigma = 1.4826;
constexpr double kTiny = 1e-9;
// Share of the standard deviation below which a median absolute deviation is not believed: flat
// series have 0.
constexpr double kSigmaFloor = 0.1;
constexpr size_t kMaxPast = 20160;

// Mean and variance of a growing or sliding set (Welford).
struct Moments {
  double count = 0, mean = 0, m2 = 0;
  void Add(double x) {
    count += 1;
    const double delta = x - mean;
    mean += delta / count;
    m2 += delta * (x - mean);
  }
  double Sigma() const { return count > 1 ? std::sqrt(std::max(0.0, m2 / (count - 1))) : 0; }
};

// Median absolute deviation (of the upper middle rank) of sorted samples, by selection in their two
// halves. Of the k + 1 smallest deviations `from_left` lie on the left: the number of the sample
// before is where the search begins, for it moves by one or two.
double SortedMad(const SortedSamples& sorted, double median, size_t* from_left) {
  const std::span<const double> view = sorted.samples();
  const size_t n = view.size();
  const size_t left = sorted.CountBelow(median);  // view[0, left) < median <= view[left, n)
  const size_t k = n / 2;                         // rank wanted among the deviations, from 0
  const size_t most = std::min(left, k);
  // Would one more from the left be nearer than the last from the right?
  const auto more = [&](size_t i) {
    const size_t j = k - i;
    const double right_last = j == 0             ? -1
                              : left + j - 1 < n ? view[left + j - 1] - median
                                                 : INFINITY;
    return median - view[left - 1 - i] < right_last;
  };
  size_t i = std::min(*from_left, most);
  while (i > 0 && !more(i - 1)) --i;
  while (i < most && more(i)) ++i;
  *from_left = i;
  const size_t j = k - i;
  const double a = i < left ? median - view[left - 1 - i] : INFINITY;
  const double b = left + j < n ? view[left + j] - median : INFINITY;
  return std::min(a, b);
}

std::vector<double> Finite(std::span<const double> values) {
  std::vector<double> finite;
  finite.reserve(values.size());
  for (const double v : values) {
    if (std::isfinite(v)) finite.push_back(v);
  }
  return finite;
}

PointDistances Empty(std::span<const double> values) {
  PointDistances result;
  result.distance.assign(values.size(), 0);
  result.expected.assign(values.begin(), values.end());
  return result;
}

}  // namespace

PointDistances ZScores(std::span<const double> values, bool streaming) {
  PointDistances result = Empty(values);
  Moments moments;
  if (!streaming) {
    for (const double v : values) {
      if (std::isfinite(v)) moments.Add(v);
    }
    if (moments.count < kMinPast) return result;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    if (moments.count >= kMinPast) {
      const double spread = std::max(moments.Sigma(), 1e-6 * std::abs(moments.mean) + kTiny);
      result.distance[i] = std::abs(values[i] - moments.mean) / spread;
      result.expected[i] = moments.mean;
    }
    if (streaming) moments.Add(values[i]);
  }
  return result;
}

PointDistances RobustZScores(std::span<const double> values, bool streaming) {
  PointDistances result = Empty(values);
  if (!streaming) {
    std::vector<double> finite = Finite(values);
    if (finite.size() < kMinPast) return result;
    Moments moments;
    for (const double v : finite) moments.Add(v);
    const double median = Quantile(finite, 0.5);
    for (double& v : finite) v = std::abs(v - median);
    const double spread =
        std::max({kMadToSigma * Quantile(finite, 0.5), kSigmaFloor * moments.Sigma(),
                  1e-6 * std::abs(median) + kTiny});
    for (size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values[i])) continue;
      result.distance[i] = std::abs(values[i] - median) / spread;
      result.expected[i] = median;
    }
    return result;
  }
  SlidingWindow past;
  Moments moments;
  size_t from_left = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    if (past.size() >= kMinPast) {
      const double median = past.sorted().median();
      const double mad = SortedMad(past.sorted(), median, &from_left);
      const double spread = std::max(
          {kMadToSigma * mad, kSigmaFloor * moments.Sigma(), 1e-6 * std::abs(median) + kTiny});
      result.distance[i] = std::abs(values[i] - median) / spread;
      result.expected[i] = median;
    }
    if (past.size() == kMaxPast) past.PopFront();
    past.Push(static_cast<double>(i), values[i]);
    moments.Add(values[i]);
  }
  return result;
}

PointDistances IqrDistances(std::span<const double> values, bool streaming) {
  PointDistances result = Empty(values);
  const auto judge = [&](size_t i, double q1, double q2, double q3, double sigma) {
    const double range = std::max({q3 - q1, kSigmaFloor * sigma, 1e-6 * std::abs(q2) + kTiny});
    result.distance[i] = std::max({q1 - values[i], values[i] - q3, 0.0}) / range;
    result.expected[i] = q2;
  };
  Moments moments;
  if (!streaming) {
    std::vector<double> finite = Finite(values);
    if (finite.size() < kMinPast) return result;
    for (const double v : finite) moments.Add(v);
    const Quartiles q = QuartilesOf(finite);
    const double sigma = moments.Sigma();
    for (size_t i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i])) judge(i, q.lower, q.median, q.upper, sigma);
    }
    return result;
  }
  SlidingWindow past;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    if (past.size() >= kMinPast) {
      const SortedSamples& s = past.sorted();
      judge(i, s.at(0.25), s.median(), s.at(0.75), moments.Sigma());
    }
    if (past.size() == kMaxPast) past.PopFront();
    past.Push(static_cast<double>(i), values[i]);
    moments.Add(values[i]);
  }
  return result;
}

}  // namespace opsmesh::analytics
