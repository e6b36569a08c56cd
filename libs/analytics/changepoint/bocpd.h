// Bayesian online change-point detection (Adams and MacKay, 2007) with a Normal-Gamma model of each
// series: the distribution of the time since the last change, sample by sample, from the past only.
// Several series that change together are one model with independent noise, as in BARO's
// multivariate form. Run lengths that have become impossible are dropped, which keeps a sample's
// cost near constant. Deterministic.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace opsmesh::analytics {

struct BocpdOptions {
  double hazard = 1.0 / 250;  // chance of a change at any sample
  double prune = 1e-7;        // run lengths less likely than this are dropped
  size_t recent = 3;          // a change within this many samples is a recent one
  size_t max_runs = 4096;
};

struct BocpdResult {
  std::vector<double>
      recent_change;  // chance that a change lies within the last `recent` samples, one a sample
  std::vector<size_t>
      change_points;  // first samples of new regimes, where the likeliest run length broke off
};

/// `values` is row-major, samples x series, no NaN; each series is scaled by its first `learning`
/// samples.
BocpdResult Bocpd(std::span<const double> values, size_t series, const BocpdOptions& options = {},
                  size_t learning = 30);

}  // namespace opsmesh::analytics
