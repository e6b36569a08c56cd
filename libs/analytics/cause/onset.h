// Finds when the trouble of a window began, from many series at once.
//
// A fault makes many series jump at once. For each sample of each series the median of the next
// samples is compared with the samples before, in robust spreads of these; the logarithm of the
// jump, cut off, keeps a single wild series from deciding, and the jumps of all series are added up
// (the target counts as much as all others together). The onset is where the sum is largest. A
// drift of one series, however long, weighs less than many small jumps at the same moment.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "libs/analytics/cause/deviation.h"

namespace opsmesh::analytics {

struct OnsetOptions {
  double normal_share = 0.25;  // of the window, at its begin, where no onset is looked for
  size_t before = 40;          // samples a jump is measured against
  size_t after = 4;            // samples that must have jumped, by their median
  double least_jump = 0.7;     // sum of the log jumps of all series below which there is no onset
};

/// Rows are series on a common grid of `columns` samples, NaN = missing; `weights` and `noise` one
/// a row, `noise` may be empty.
struct SeriesBlock {
  std::span<const double> values;  // row-major
  size_t rows = 0;
  size_t columns = 0;
  std::span<const double> weights;
  std::span<const KnownNoise> noise = {};
};

struct Onset {
  size_t column = 0;       // first unusual sample
  size_t uncertainty = 0;  // samples either way within which the split is almost as good
};

/// Nothing when no split stands out or there are fewer than 10 columns.
std::optional<Onset> FindOnset(const SeriesBlock& block, const OnsetOptions& options = {});

}  // namespace opsmesh::analytics
