// PELT (Killick, Fearnhead and Eckley, 2012): the cheapest cut of a series into stretches of
// constant mean, exactly, in time that grows linearly when changes do. Cost: squared error; penalty
// a change: `penalty`. Pure, deterministic.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace opsmesh::analytics {

struct PeltOptions {
  double penalty = 0;     // 0 = BIC: 3 log(n) times the variance of the noise
  size_t min_length = 2;  // samples of a stretch
};

/// One change of the mean.
struct MeanChange {
  size_t index = 0;   // first sample of the new stretch
  double before = 0;  // mean of the stretch before
  double after = 0;   // mean of the stretch that begins
  double gain = 0;    // what undoing it would cost, in penalties; >= 1
};

struct PeltResult {
  std::vector<MeanChange> changes;
  /// For each length of the series, first sample of the last stretch of its best cut: what a stream
  /// would have known.
  std::vector<size_t> last_begin;
  double penalty = 0;
};

/// The penalty PeltOptions::penalty = 0 stands for.
double PeltPenalty(std::span<const double> values);

/// No NaN in `values`.
PeltResult Pelt(std::span<const double> values, const PeltOptions& options = {});

}  // namespace opsmesh::analytics
