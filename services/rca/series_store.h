// Series that were read, within a bound of memory: when there are too many points, neighbours are
// averaged, in all series alike, as often as needed.
#pragma once

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "services/rca/metric_source.h"

namespace opsmesh::rca {

/// Not thread-safe.
class SeriesStore {
 public:
  /// 16 bytes a point: 4,000,000 are 64 MB, and the analysis needs as much again.
  explicit SeriesStore(size_t max_points = 4'000'000) : max_points_(max_points) {}

  void Add(MetricSeries series) {
    for (size_t m = 1; m < merged_; m *= 2) Halve(series);
    points_ += series.times.size();
    series.times.shrink_to_fit();
    series.values.shrink_to_fit();
    series_.push_back(std::move(series));
    if (points_ <= max_points_) return;
    merged_ *= 2;
    points_ = 0;
    for (MetricSeries& s : series_) {
      Halve(s);
      points_ += s.times.size();
    }
  }

  /// Neighbouring points that were made one; 1 = none.
  size_t merged() const { return merged_; }
  std::vector<MetricSeries> Take() { return std::move(series_); }

 private:
  // NaN is a missing value: the other one counts.
  static double Mean(double a, double b) {
    if (std::isnan(a)) return b;
    return std::isnan(b) ? a : a / 2 + b / 2;
  }
  static void Halve(MetricSeries& s) {
    std::vector<double> times, values;
    times.reserve((s.times.size() + 1) / 2);
    values.reserve((s.times.size() + 1) / 2);
    for (size_t i = 0; i < s.times.size(); i += 2) {
      const bool pair = i + 1 < s.times.size();
      times.push_back(s.times[i]);
      values.push_back(pair ? Mean(s.values[i], s.values[i + 1]) : s.values[i]);
    }
    s.times = std::move(times);
    s.values = std::move(values);
  }

  const size_t max_points_;
  size_t points_ = 0;
  size_t merged_ = 1;
  std::vector<MetricSeries> series_;
};

}  // namespace opsmesh::rca
