// Series that were read, within a bound of memory: when there are too many points, neighbours are
// averaged, in all series alike, as often as needed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "services/rca/metric_source.h"

namespace opsmesh::rca {

/// Not thread-safe.
class SeriesStore {
 public:
  /// 16 bytes a point: 6,000,000 are 96 MB.
  explicit SeriesStore(size_t max_points = 6'000'000) : max_points_(max_points) {}

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

  size_t size() const { return series_.size(); }
  /// Neighbouring points that were made one; 1 = none.
  size_t merged() const { return merged_; }
  size_t LongestSince(size_t first) const {
    size_t longest = 0;
    for (size_t i = first; i < series_.size(); ++i)
      longest = std::max(longest, series_[i].times.size());
    return longest;
  }
  void DropSince(size_t first) {
    for (size_t i = first; i < series_.size(); ++i) points_ -= series_[i].times.size();
    series_.resize(first);
  }
  std::vector<MetricSeries> Take() { return std::move(series_); }

 private:
  static void Halve(MetricSeries& s) {
    std::vector<double> times, values;
    times.reserve((s.times.size() + 1) / 2);
    values.reserve((s.times.size() + 1) / 2);
    for (size_t i = 0; i < s.times.size(); i += 2) {
      const bool pair = i + 1 < s.times.size();
      times.push_back(s.times[i]);
      values.push_back(pair ? s.values[i] / 2 + s.values[i + 1] / 2 : s.values[i]);
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
