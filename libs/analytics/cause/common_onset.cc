#include "libs/analytics/cause/common_onset.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "libs/analytics/cause/onset.h"
#include "libs/analytics/cause/sample_order.h"

namespace opsmesh::analytics {
namespace {

// Samples before an onset that was found which are judged with what follows it.
constexpr size_t kEarlier = 3;
constexpr size_t kGridLimit = 4096;

const std::vector<double>* LongestGrid(const CauseInput& input) {
  const ServiceMetric* longest = nullptr;
  for (const ServiceMetric& s : input.series) {
    if (longest == nullptr || s.times.size() > longest->times.size()) longest = &s;
  }
  return longest == nullptr || longest->times.empty() ? nullptr : &longest->times;
}

// The series as a row of `columns` samples, every `stride`-th place of the grid one.
void FillRow(const ServiceMetric& s, const std::vector<double>& grid, bool clock, size_t stride,
             double* row) {
  if (s.times.size() == grid.size() || !clock) {
    for (size_t i = 0; i < std::min(grid.size(), s.values.size()); i += stride)
      row[i / stride] = s.values[i];
    return;
  }
  size_t at = 0;
  for (size_t i = 0; i < s.times.size(); ++i) {
    while (at + 1 < grid.size() && grid[at] < s.times[i]) ++at;
    row[at / stride] = s.values[i];
  }
}

std::vector<double> Weights(const CauseInput& input) {
  size_t targets = 0;
  for (const ServiceMetric& s : input.series) targets += IsTarget(input, s);
  const double others = static_cast<double>(input.series.size() - targets);
  std::vector<double> weights;
  for (const ServiceMetric& s : input.series) {
    weights.push_back(IsTarget(input, s) ? std::max(1.0, others) / static_cast<double>(targets)
                                         : 1);
  }
  return weights;
}

}  // namespace

bool IsTarget(const CauseInput& input, const ServiceMetric& series) {
  if (input.target_service.empty()) return series.service == kIndicatorService;
  return series.service == input.target_service &&
         (input.target_metric.empty() || series.metric == input.target_metric);
}

std::optional<CommonOnset> FindCommonOnset(const CauseInput& input) {
  const std::vector<double>* longest = LongestGrid(input);
  if (longest == nullptr) return std::nullopt;
  const std::vector<double>& grid = *longest;
  const size_t n = std::min(grid.size(), kGridLimit);
  const size_t stride = (grid.size() + n - 1) / n;
  const size_t columns = (grid.size() + stride - 1) / stride;
  const bool clock = Rising(grid);
  std::vector<double> block(input.series.size() * columns, std::nan(""));
  for (size_t r = 0; r < input.series.size(); ++r)
    FillRow(input.series[r], grid, clock, stride, block.data() + r * columns);
  const std::vector<double> weights = Weights(input);
  std::vector<KnownNoise> noise;
  for (const ServiceMetric& s : input.series) noise.push_back(s.noise);
  const auto onset = FindOnset({block, input.series.size(), columns, weights, noise});
  if (!onset) return std::nullopt;
  const size_t index = std::min(onset->column * stride, grid.size() - 1);
  const double step =
      grid.size() > 1 ? std::abs(grid.back() - grid.front()) / static_cast<double>(grid.size() - 1)
                      : 0;
  // Attribution tells quiet samples from troubled ones by itself, so an onset found too late costs
  // more than one too early.
  const size_t earlier = input.target_service.empty() ? 0 : kEarlier * stride;
  return CommonOnset{
      .time = grid[index],
      .uncertainty = static_cast<double>(std::max<size_t>(1, onset->uncertainty) * stride) * step,
      .judged_from = grid[index - std::min(index, earlier)]};
}

}  // namespace opsmesh::analytics
