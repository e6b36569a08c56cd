#include "libs/analytics/forecast/history.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fmt/format.h"
#include "libs/analytics/order_statistics.h"
#include "libs/base/error.h"

namespace opsmesh::analytics::forecast {
namespace {

constexpr double kDay = 86400;
constexpr size_t kLeastSamples = 8;
constexpr double kLongestGap = 10'000;  // steps
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// Beyond 1e150 squares overflow, and exporters write the largest double for "not known": such
// values are missing, as NaN and infinities are.
bool Usable(double value) { return std::abs(value) <= 1e150; }

absl::StatusOr<double> StepOf(const Series& series, double given) {
  if (given != 0) {
    if (!(given >= 1 && given <= 30 * kDay)) {
      return base::InvalidArgument("step_seconds", "HISTORY",
                                   "The step must be between 1 second and 30 days.");
    }
    return given;
  }
  std::vector<double> distances;
  for (size_t i = 1; i < series.times.size(); ++i)
    distances.push_back(series.times[i] - series.times[i - 1]);
  return std::max(1.0, std::round(Median(distances)));
}

absl::Status Check(const Series& series) {
  if (series.times.size() != series.values.size()) {
    return base::InvalidArgument(
        "history", "HISTORY",
        fmt::format("The history has {} times and {} values; there must be as many.",
                    series.times.size(), series.values.size()));
  }
  if (!series.times.empty())
    OPSMESH_RETURN_IF_ERROR(CheckEpochSeconds(series.times.front(), "history.times"));
  for (size_t i = 0; i < series.times.size(); ++i) {
    if (!std::isfinite(series.times[i]) || (i > 0 && !(series.times[i] > series.times[i - 1]))) {
      return base::InvalidArgument(
          "history.times", "HISTORY",
          fmt::format("The times of the history must rise; number {} does not.", i + 1));
    }
  }
  return absl::OkStatus();
}

// Autocorrelation of the first differences' running sum would favour trends; the plain one of the
// detrended values does not.
double Autocorrelation(const std::vector<double>& values, size_t lag) {
  double mean = 0;
  for (const double v : values) mean += v;
  mean /= static_cast<double>(values.size());
  double product = 0, square = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double d = values[i] - mean;
    square += d * d;
    if (i >= lag) product += d * (values[i - lag] - mean);
  }
  return square > 0 ? product / square : 0;
}

// The day when three of them are there; else the strongest peak of the autocorrelation that repeats
// three times.
size_t FindSeason(const std::vector<double>& values, double step) {
  const double day = kDay / step;
  if (day >= 4 && day == std::floor(day) && static_cast<double>(values.size()) >= 3 * day)
    return static_cast<size_t>(day);
  const size_t most = std::min<size_t>(values.size() / 3, 2016);
  size_t best = 0;
  double highest = 0.3;
  std::vector<double> correlation(most + 1);
  for (size_t lag = 1; lag <= most; ++lag) correlation[lag] = Autocorrelation(values, lag);
  for (size_t lag = 4; lag < most; ++lag) {
    const bool peak =
        correlation[lag] > correlation[lag - 1] && correlation[lag] >= correlation[lag + 1];
    if (peak && correlation[lag] > highest * 1.05) {
      highest = correlation[lag];
      best = lag;
    }
  }
  return best;
}

void FillGaps(std::vector<double>& values, size_t season) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) continue;
    if (season > 0 && i >= season) {
      values[i] = values[i - season];
    } else {
      size_t next = i;
      while (next < values.size() && std::isnan(values[next])) ++next;
      if (i == 0) {
        values[i] = next < values.size() ? values[next] : 0;
      } else if (next == values.size()) {
        values[i] = values[i - 1];
      } else {
        values[i] =
            values[i - 1] + (values[next] - values[i - 1]) / static_cast<double>(next - i + 1);
      }
    }
  }
}

// The means of the samples of each step, back from the last one; steps without any are missing.
void PutOnGrid(const Series& series, History& history) {
  const double last = series.times.back();
  const auto steps_back = [&](double time) {
    return std::floor((last - time) / history.step + 0.5);
  };
  // What lies before a gap of thousands of steps says nothing of now.
  size_t first = series.times.size() - 1;
  while (first > 0 && series.times[first] - series.times[first - 1] <= kLongestGap * history.step)
    --first;
  const auto cells = static_cast<size_t>(
      std::min(steps_back(series.times[first]) + 1, static_cast<double>(kMaxGrid)));
  history.values.assign(cells, 0);
  std::vector<uint32_t> counts(cells);
  for (size_t i = 0; i < series.times.size(); ++i) {
    const double back = steps_back(series.times[i]);
    if (back >= static_cast<double>(cells) || !Usable(series.values[i])) continue;
    const size_t cell = cells - 1 - static_cast<size_t>(back);
    history.values[cell] += series.values[i];
    ++counts[cell];
  }
  for (size_t c = 0; c < cells; ++c) {
    if (counts[c] == 0) {
      ++history.missing_count;
      history.values[c] = kMissing;
    } else {
      history.values[c] /= counts[c];
    }
  }
  history.sample_count = cells - history.missing_count;
  history.start_time = last - history.step * static_cast<double>(cells - 1);
}

// Gaps are filled twice: plainly to find the season, then with what the season expects.
void FindSeasons(History& history) {
  std::vector<double> filled = history.values;
  FillGaps(filled, 0);
  history.season = FindSeason(filled, history.step);
  if (history.season > 0 && history.missing_count > 0)
    FillGaps(history.values, history.season);
  else
    history.values = std::move(filled);
  const bool is_day =
      history.season > 0 && static_cast<double>(history.season) * history.step == kDay;
  if (is_day && history.values.size() >= 8 * history.season)
    history.long_season = 7 * history.season;
}

}  // namespace

absl::StatusOr<History> Regularise(const Series& series, double step_seconds) {
  OPSMESH_RETURN_IF_ERROR(Check(series));
  const auto usable =
      static_cast<size_t>(std::count_if(series.values.begin(), series.values.end(), Usable));
  if (usable < kLeastSamples) {
    return base::FailedPrecondition(
               "HISTORY_TOO_SHORT",
               fmt::format("The history has {} usable samples; a forecast needs at least {}.",
                           usable, kLeastSamples))
        .Hint(
            "Give a longer history; three days show the daily pattern, two weeks the weekly one.");
  }
  History history;
  OPSMESH_ASSIGN_OR_RETURN(history.step, StepOf(series, step_seconds));
  PutOnGrid(series, history);
  if (history.sample_count < kLeastSamples) {
    return base::FailedPrecondition(
               "HISTORY_TOO_SHORT",
               fmt::format("The history covers {} steps of {} s; a forecast needs at least {}.",
                           history.sample_count, history.step, kLeastSamples))
        .Hint("Give a longer history or a smaller step.");
  }
  FindSeasons(history);
  return history;
}

Scale::Scale(const std::vector<double>& values) {
  double most = 0, sum = 0;
  positive_ = true;
  for (const double v : values) {
    if (v < 0) positive_ = false;
    most = std::max(most, v);
    sum += std::abs(v);
  }
  offset_ = 0.02 * sum / static_cast<double>(values.size()) + 1e-9;
  highest_ = std::log(4 * most + offset_);
}

double Scale::To(double value) const { return positive_ ? std::log(value + offset_) : value; }

double Scale::From(double scaled) const {
  if (!positive_) return scaled;
  const double value = std::exp(std::clamp(scaled, -50.0, highest_)) - offset_;
  // What is left of a nought by rounding is a nought.
  return value > 1e-12 * offset_ ? value : 0;
}

}  // namespace opsmesh::analytics::forecast
