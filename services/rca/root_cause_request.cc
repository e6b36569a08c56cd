#include "services/rca/root_cause_request.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "libs/analytics/series.h"
#include "libs/base/error.h"
#include "services/rca/epoch_seconds.h"
#include "services/rca/metric_source.h"

namespace opsmesh::rca {
namespace {

using analytics::CauseInput;
using analytics::ServiceMetric;

constexpr int kMaxSeries = 10000;
constexpr absl::Duration kLongestWindow = absl::Hours(24 * 7);

absl::Status CheckWindow(const v1::AnalyzeRootCauseRequest& request) {
  if (!request.has_start_time()) {
    return base::InvalidArgument("start_time", "TIME_WINDOW",
                                 "There is neither a window to read nor a series.")
        .Hint("Give start_time and end_time, or the figures inline under 'series'.");
  }
  if (!request.has_end_time()) {
    return base::InvalidArgument("end_time", "TIME_WINDOW", "The window has no end.")
        .Hint("Give end_time.");
  }
  const double window = EpochSeconds(request.end_time()) - EpochSeconds(request.start_time());
  if (window <= 0 || window > absl::ToDoubleSeconds(kLongestWindow)) {
    return base::InvalidArgument(
               "end_time", "TIME_WINDOW",
               "The window does not end after its begin, or is longer than 7 days.")
        .Hint("Give start_time before end_time, at most 7 days apart.");
  }
  return absl::OkStatus();
}

absl::Status CheckSeries(const v1::ServiceSeries& s, const std::string& field) {
  if (s.service().empty() || s.metric().empty()) {
    return base::InvalidArgument(field, "SERIES_SHAPE", "A series names no service or no metric.")
        .Hint("Give both; a series of the whole system has the service \"SLI\".");
  }
  if (s.times_size() != s.values_size()) {
    return base::InvalidArgument(field, "SERIES_SHAPE",
                                 fmt::format("{} {} has {} times and {} values.", s.service(),
                                             s.metric(), s.times_size(), s.values_size()))
        .Hint("Give one value a time; leave out the time of a value that is missing.");
  }
  if (!std::all_of(s.times().begin(), s.times().end(), [](double t) { return std::isfinite(t); })) {
    return base::InvalidArgument(field + ".times", "SERIES_SHAPE", "A time is no number.")
        .Hint("Times are epoch seconds.");
  }
  if (s.times_size() == 0) return absl::OkStatus();
  return analytics::CheckEpochSeconds(s.times(0), field + ".times");
}

// Figures put together from two periods have stamps that fall once, and keep their order; stamps
// that fall again and again were given in any order. Of equal stamps the last one counts.
void SortWhenShuffled(ServiceMetric& s) {
  constexpr int kPeriods = 3;
  int falls = 0;
  for (size_t i = 1; i < s.times.size(); ++i) falls += s.times[i] < s.times[i - 1] ? 1 : 0;
  if (falls < kPeriods) return;
  std::map<double, double> sorted;
  for (size_t i = 0; i < s.times.size(); ++i) sorted[s.times[i]] = s.values[i];
  s.times.clear();
  s.values.clear();
  for (const auto& [time, value] : sorted) {
    s.times.push_back(time);
    s.values.push_back(value);
  }
}

}  // namespace

absl::Status CheckRootCauseRequest(const v1::AnalyzeRootCauseRequest& request) {
  if (request.series_size() == 0 || request.metrics_size() > 0) {
    OPSMESH_RETURN_IF_ERROR(CheckWindow(request));
  }
  if (request.series_size() > kMaxSeries) {
    return base::InvalidArgument(
               "series", "TOO_MANY_SERIES",
               fmt::format("{} series are more than {}.", request.series_size(), kMaxSeries))
        .Hint("Leave out what cannot be a cause.");
  }
  for (int i = 0; i < request.series_size(); ++i) {
    OPSMESH_RETURN_IF_ERROR(CheckSeries(request.series(i), fmt::format("series[{}]", i)));
  }
  if (request.has_onset_time() && !std::isfinite(request.onset_time())) {
    return base::InvalidArgument("onset_time", "SERIES_SHAPE", "The onset is no number.")
        .Hint("Leave it out to have it found.");
  }
  if (request.max_causes() < 0) {
    return base::InvalidArgument("max_causes", "MAX_CAUSES", "max_causes is negative.")
        .Hint("0 ranks every service.");
  }
  return absl::OkStatus();
}

void TakeInlineSeries(const v1::AnalyzeRootCauseRequest& request, CauseInput& input) {
  for (const v1::ServiceSeries& s : request.series()) {
    input.series.push_back({s.service(),
                            s.metric(),
                            {s.times().begin(), s.times().end()},
                            {s.values().begin(), s.values().end()}});
    for (double& value : input.series.back().values) {
      if (!Usable(value)) value = std::nan("");
    }
    SortWhenShuffled(input.series.back());
  }
}

absl::Status CheckOnset(const CauseInput& input) {
  if (!input.onset_time) return absl::OkStatus();
  double first = INFINITY, last = -INFINITY;
  for (const ServiceMetric& s : input.series) {
    for (const double t : s.times) {
      first = std::min(first, t);
      last = std::max(last, t);
    }
  }
  if (first > last || (*input.onset_time > first && *input.onset_time <= last))
    return absl::OkStatus();
  return base::InvalidArgument(
             "onset_time", "ONSET",
             fmt::format("The onset {:.15g} lies outside of the figures, which span {:.15g} to "
                         "{:.15g}: there is nothing to compare.",
                         *input.onset_time, first, last))
      .Hint("Give an epoch second after the first sample, or leave it out to have it found.");
}

}  // namespace opsmesh::rca
