// The load of the next moments as a distribution, learnt from the history of that load: a forest
// that looks up when the last hour, the same time yesterday and a week ago looked as they do now,
// and what came then.
//
// For short horizons (one or a few steps); further ahead see libs/analytics/forecast.
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "libs/analytics/replicas/quantile_forest.h"

namespace opsmesh::analytics {

/// Evenly spaced load, no NaN: `values[i]` is the mean over the step that ends at start_time + step
/// * i.
struct LoadHistory {
  std::span<const double> values;
  double start_time = 0;  // epoch seconds
  double step = 300;      // seconds

  double TimeOf(size_t index) const { return start_time + step * static_cast<double>(index); }
};

/// A history seen on the scale log(load + offset), with what a row of features needs at hand.
/// Refers to the history.
class LoadView {
 public:
  static constexpr size_t kFeatures = 24;

  LoadView(const LoadHistory& history, double offset);

  /// What is known before sample `index` (values[0, index) only; index >= 1), relative to the last
  /// known value.
  void Row(size_t index, std::span<float> row) const;
  double Last(size_t index) const { return scaled_[index - 1]; }
  /// Highest of the `count` samples from `index` on.
  double Highest(size_t index, size_t count) const;
  size_t day() const { return day_; }
  size_t size() const { return scaled_.size(); }

 private:
  double At(ptrdiff_t index) const { return scaled_[index > 0 ? static_cast<size_t>(index) : 0]; }
  double Mean(ptrdiff_t end, size_t count) const;

  const LoadHistory& history_;
  size_t day_ = 0;   // samples
  size_t hour_ = 0;  // samples, at least 2
  std::vector<double> scaled_;
  std::vector<double> sums_;
};

/// Immutable; thread-safe. The same training set gives the same forest.
class LoadForest {
 public:
  /// Learns the highest load of `lead` + 1 samples from what is known before them. Without enough
  /// rows the forest is not ready().
  static LoadForest Fit(const LoadHistory& training, size_t lead);

  bool ready() const { return !forest_.empty(); }
  double offset() const { return offset_; }
  /// True when Fit of this set would give this forest again.
  bool IsOf(const LoadHistory& training, size_t lead) const;

  struct Outlook {
    double mean = 0;
    double planned = 0;  // the quantile asked for
  };
  /// Of the highest load of samples index .. index + lead, knowing view's samples before `index`.
  /// `view` has this forest's offset.
  Outlook Ahead(const LoadView& view, size_t index, double quantile) const;

 private:
  size_t lead_ = 0;
  double offset_ = 0;
  double highest_ = 0;  // most an outlook may say, on the scale of a view
  double start_time_ = 0, step_ = 0;
  std::vector<double> training_;
  std::vector<float> targets_;
  replicas::QuantileForest forest_;
};

/// Which part of the `known` first samples a forest for the next one is learnt from, as [begin,
/// end): at most 13 days (1,000 samples if that is more) that end at a full quarter of a day (UTC;
/// 72 steps if that is longer), so that the forest is the same for hours; nearly all that is known
/// while that is little.
std::pair<size_t, size_t> TrainingRange(const LoadHistory& history, size_t known);

}  // namespace opsmesh::analytics
