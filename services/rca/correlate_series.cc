#include "services/rca/correlate_series.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "libs/analytics/correlate/lagged.h"
#include "libs/analytics/detect/spectral_residual.h"
#include "libs/analytics/order_statistics.h"
#include "libs/analytics/parallel.h"
#include "libs/analytics/series.h"
#include "libs/base/error.h"
#include "services/rca/metric_source.h"

namespace opsmesh::rca {
namespace {

constexpr int kMaxSeries = 1000;
constexpr size_t kMaxGrid = 11000;
constexpr size_t kMinPoints = 16;
constexpr size_t kDefaultLag = 10;
constexpr size_t kMaxLag = 1000;
constexpr size_t kGrangerLags = 5;
// Partial correlation needs an inverse of series x series.
constexpr size_t kMaxPartial = 200;

absl::Status Check(const v1::CorrelateSeriesRequest& request) {
  if (request.series_size() < 2 || request.series_size() > kMaxSeries) {
    return base::InvalidArgument("series", "TOO_MANY_SERIES",
                                 fmt::format("{} series are not between 2 and {}.",
                                             request.series_size(), kMaxSeries))
        .Hint("Choose the series that may have to do with each other.");
  }
  for (int i = 0; i < request.series_size(); ++i) {
    const type::v1::TimeSeries& s = request.series(i);
    if (s.times_size() != s.values_size() || !std::is_sorted(s.times().begin(), s.times().end()) ||
        !std::all_of(s.times().begin(), s.times().end(),
                     [](double t) { return std::isfinite(t); })) {
      return base::InvalidArgument(
                 fmt::format("series[{}]", i), "SERIES_SHAPE",
                 fmt::format("Series '{}' has {} times and {} values, or its times fall.",
                             s.metric(), s.times_size(), s.values_size()))
          .Hint("Give one value a time, sorted by time, in epoch seconds.");
    }
    if (s.times_size() > 0) {
      OPSMESH_RETURN_IF_ERROR(
          analytics::CheckEpochSeconds(s.times(0), fmt::format("series[{}].times", i)));
    }
  }
  const double rate = request.has_false_discovery_rate() ? request.false_discovery_rate() : 0.05;
  const double least = request.has_min_coefficient() ? request.min_coefficient() : 0.5;
  if (!(rate > 0 && rate < 1) || !(least >= 0 && least <= 1) || !(request.max_lag_seconds() >= 0) ||
      request.max_pairs() < 0) {
    return base::InvalidArgument("false_discovery_rate", "PARAMETER",
                                 "A parameter is out of its range.")
        .Hint(
            "false_discovery_rate lies between 0 and 1, min_coefficient from 0 to 1, "
            "max_lag_seconds and max_pairs are not negative.");
  }
  return absl::OkStatus();
}

// All series on one grid: the commonest step of the longest one; short gaps take the value before.
struct Block {
  std::vector<double> values;  // series x columns
  std::vector<int> series;     // position in the request of each row
  size_t columns = 0;
  double step = 0;
};

Block OnGrid(const v1::CorrelateSeriesRequest& request) {
  Block block;
  std::vector<double> steps;
  double first = -INFINITY, last = INFINITY;
  for (const type::v1::TimeSeries& s : request.series()) {
    if (s.times_size() < static_cast<int>(kMinPoints)) continue;
    for (int k = 1; k < std::min(s.times_size(), 200); ++k) {
      if (s.times(k) > s.times(k - 1)) steps.push_back(s.times(k) - s.times(k - 1));
    }
    first = std::max(first, s.times(0));
    last = std::min(last, s.times(s.times_size() - 1));
  }
  if (steps.empty() || last <= first) return block;
  block.step =
      std::max(analytics::Median(steps), (last - first) / static_cast<double>(kMaxGrid - 1));
  block.columns = static_cast<size_t>(std::floor((last - first) / block.step + 1e-6)) + 1;
  for (int i = 0; i < request.series_size(); ++i) {
    const type::v1::TimeSeries& s = request.series(i);
    if (s.times_size() < static_cast<int>(kMinPoints)) continue;
    block.series.push_back(i);
    int at = 0;
    double value = 0;
    bool known = false;
    for (size_t c = 0; c < block.columns; ++c) {
      const double time = first + static_cast<double>(c) * block.step + block.step / 2;
      while (at < s.times_size() && s.times(at) < time) {
        if (Usable(s.values(at))) {
          value = s.values(at);
          known = true;
        }
        ++at;
      }
      block.values.push_back(known ? value : 0);
    }
  }
  return block;
}

}  // namespace

absl::StatusOr<v1::CorrelateSeriesResponse> CorrelateSeries(
    const base::Context& ctx, const v1::CorrelateSeriesRequest& request, size_t threads) {
  OPSMESH_RETURN_IF_ERROR(Check(request));
  v1::CorrelateSeriesResponse response;
  Block block = OnGrid(request);
  const size_t rows = block.series.size();
  if (rows < 2 || block.columns < kMinPoints) {
    return base::InvalidArgument(
               "series", "SERIES_SHAPE",
               fmt::format(
                   "insufficient data: {} series with at least {} points share {} points in time.",
                   rows, kMinPoints, block.columns))
        .Hint("Give series that cover the same time.");
  }
  if (!request.raw_values()) {
    analytics::ForEachIndex(rows, threads, [&](size_t r) {
      if (!ctx.Check().ok()) return;
      const std::span<double> row(block.values.data() + r * block.columns, block.columns);
      analytics::ToResiduals(row, analytics::DominantPeriod(row));
    });
    OPSMESH_RETURN_IF_ERROR(ctx.Check());
  }
  analytics::LaggedOptions options;
  options.threads = threads;
  options.max_lag =
      request.max_lag_seconds() > 0
          ? static_cast<size_t>(std::min(static_cast<double>(kMaxLag),
                                         std::ceil(request.max_lag_seconds() / block.step)))
          : kDefaultLag;
  if (request.has_min_coefficient()) options.min_coefficient = request.min_coefficient();
  if (request.has_false_discovery_rate())
    options.false_discovery_rate = request.false_discovery_rate();
  const analytics::LaggedResult result = analytics::CorrelateLagged(block.values, rows, options);
  OPSMESH_RETURN_IF_ERROR(ctx.Check());
  const size_t shown = std::min(
      result.pairs.size(), request.max_pairs() == 0
                               ? size_t{100}
                               : std::min<size_t>(1000, static_cast<size_t>(request.max_pairs())));
  std::vector<double> partial;
  if (rows <= kMaxPartial) partial = analytics::PartialCorrelations(block.values, rows);
  std::vector<double> granger;
  const auto row = [&](size_t r) {
    return std::span<const double>(block.values.data() + r * block.columns, block.columns);
  };
  for (size_t k = 0; k < shown; ++k) {
    if (k % 64 == 0) OPSMESH_RETURN_IF_ERROR(ctx.Check());
    granger.push_back(analytics::GrangerPValue(row(result.pairs[k].first),
                                               row(result.pairs[k].second), kGrangerLags));
  }
  granger = analytics::FalseDiscoveryRates(granger);
  for (size_t k = 0; k < shown; ++k) {
    const analytics::LaggedPair& pair = result.pairs[k];
    const type::v1::TimeSeries& first = request.series(block.series[pair.first]);
    const type::v1::TimeSeries& second = request.series(block.series[pair.second]);
    v1::Correlation& out = *response.add_correlations();
    out.set_metric(first.metric());
    *out.mutable_labels() = first.labels();
    out.set_other_metric(second.metric());
    *out.mutable_other_labels() = second.labels();
    out.set_coefficient(pair.coefficient);
    out.set_lag_seconds(static_cast<double>(pair.lag) * block.step);
    out.set_p_value(pair.p_value);
    out.set_granger_p_value(granger[k]);
    if (!partial.empty()) out.set_partial_coefficient(partial[pair.first * rows + pair.second]);
    out.set_point_count(static_cast<int32_t>(block.columns - pair.lag));
  }
  response.set_total_count(static_cast<int32_t>(result.pairs.size()));
  response.set_tested_count(static_cast<int32_t>(result.tested));
  return response;
}

}  // namespace opsmesh::rca
