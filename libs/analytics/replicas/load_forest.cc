#include "libs/analytics/replicas/load_forest.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace opsmesh::analytics {
namespace {

constexpr double kDay = 86400;
constexpr double kRefit = kDay / 4;  // and at least kRefitSteps
constexpr double kRefitSteps = 72;
constexpr size_t kEarlyRefit = 12;    // samples, while little is known
constexpr double kTrainingDays = 13;  // and at least kTrainingSteps
constexpr double kTrainingSteps = 1000;
constexpr double kOffsetShare =
    0.02;                          // of the mean load: idle times must not blow up the logarithm
constexpr double kMostGrowth = 4;  // an outlook beyond that much of the most ever seen is none
constexpr size_t kMostRows = 4000;
constexpr size_t kLeastRows = 60;
constexpr size_t kRecent = 12;  // samples looked at one by one

}  // namespace

LoadView::LoadView(const LoadHistory& history, double offset)
    : history_(history),
      day_(static_cast<size_t>(std::max(1.0, std::round(kDay / history.step)))),
      hour_(static_cast<size_t>(std::max(2.0, std::round(kDay / 24 / history.step)))),
      scaled_(history.values.size()),
      sums_(history.values.size() + 1) {
  for (size_t i = 0; i < scaled_.size(); ++i) {
    scaled_[i] = std::log(std::max(history.values[i], 0.0) + offset);
    sums_[i + 1] = sums_[i] + scaled_[i];
  }
}

double LoadView::Mean(ptrdiff_t end, size_t count) const {
  const ptrdiff_t begin = std::max<ptrdiff_t>(0, end - static_cast<ptrdiff_t>(count));
  if (end <= begin) return scaled_.front();
  return (sums_[static_cast<size_t>(end)] - sums_[static_cast<size_t>(begin)]) /
         static_cast<double>(end - begin);
}

double LoadView::Highest(size_t index, size_t count) const {
  const auto begin = scaled_.begin() + static_cast<ptrdiff_t>(index);
  return *std::max_element(begin, begin + static_cast<ptrdiff_t>(count));
}

void LoadView::Row(size_t index, std::span<float> row) const {
  const auto i = static_cast<ptrdiff_t>(index);
  const auto d = static_cast<ptrdiff_t>(day_), h = static_cast<ptrdiff_t>(hour_);
  const double last = At(i - 1);
  size_t next = 0;
  const auto put = [&](double value) { row[next++] = static_cast<float>(value); };
  // What is not known yet is as the last value.
  const auto lag = [&](ptrdiff_t back) {
    back = std::max<ptrdiff_t>(back, 1);  // a day of one sample has none just after it
    return i >= back ? At(i - back) - last : 0;
  };
  const auto highest = [&](ptrdiff_t from, ptrdiff_t to) {
    double most = last;
    if (from >= 0)
      most = *std::max_element(scaled_.begin() + from, scaled_.begin() + std::min(to, i));
    return most - last;
  };
  // Steps of late, and the level against that of the last half hour, hour and day.
  for (ptrdiff_t k = 1; k <= 3; ++k) put(At(i - k) - At(i - k - 1));
  put(last - Mean(i, kRecent / 2));
  put(last - Mean(i, kRecent));
  put(last - Mean(i, day_));
  put(Mean(i, kRecent) - Mean(i, day_));
  // The same time one, two and seven days ago, and just before and after it.
  put(lag(d));
  put(lag(2 * d));
  put(lag(7 * d));
  put(lag(d - 1));
  put(lag(d + 1));
  put((lag(d) + lag(2 * d) + lag(3 * d)) / 3);
  put(std::max({lag(d), lag(2 * d), lag(3 * d)}));
  put(highest(i - d - 2, i - d + 3));
  put(last - At(i - d - 1));
  put(Mean(i, kRecent) - Mean(i - d, kRecent));
  // One and two hours ago: what runs every hour.
  put(lag(h));
  put(lag(2 * h));
  // How restless it is.
  put(highest(std::max<ptrdiff_t>(0, i - static_cast<ptrdiff_t>(kRecent)), i));
  double moved = 0;
  for (ptrdiff_t k = 1; k <= static_cast<ptrdiff_t>(kRecent); ++k)
    moved += std::abs(At(i - k) - At(i - k - 1));
  put(moved / static_cast<double>(kRecent));
  // The clock.
  const double time = history_.TimeOf(index);
  put(std::fmod(time, kDay));
  put(std::fmod(time, kDay / 24));
  put(std::fmod(std::floor(time / kDay) + 3, 7));
}

LoadForest LoadForest::Fit(const LoadHistory& training, size_t lead) {
  LoadForest result;
  result.lead_ = lead;
  result.start_time_ = training.start_time;
  result.step_ = training.step;
  result.training_.assign(training.values.begin(), training.values.end());
  const size_t count = training.values.size();
  if (count == 0) return result;
  const double mean = std::accumulate(training.values.begin(), training.values.end(), 0.0) /
                      static_cast<double>(count);
  result.offset_ = kOffsetShare * std::abs(mean) + 1e-9;
  const LoadView view(training, result.offset_);
  result.highest_ = view.Highest(0, count) + std::log(kMostGrowth);
  // Rows begin where there is a day before them, once there are two.
  const size_t first = count >= 2 * view.day() + kRecent ? view.day() + kRecent : kRecent + 1;
  if (count < first + lead + kLeastRows) return result;
  const size_t usable = count - lead - first;
  const size_t stride = (usable + kMostRows - 1) / kMostRows;
  std::vector<float> rows;
  for (size_t i = first + (usable - 1) % stride; i + lead < count; i += stride) {
    rows.resize(rows.size() + LoadView::kFeatures);
    view.Row(i, std::span(rows).last(LoadView::kFeatures));
    result.targets_.push_back(static_cast<float>(view.Highest(i, lead + 1) - view.Last(i)));
  }
  result.forest_ = replicas::QuantileForest::Fit(rows, LoadView::kFeatures, result.targets_, {});
  return result;
}

bool LoadForest::IsOf(const LoadHistory& training, size_t lead) const {
  return lead == lead_ && training.start_time == start_time_ && training.step == step_ &&
         std::equal(training.values.begin(), training.values.end(), training_.begin(),
                    training_.end());
}

LoadForest::Outlook LoadForest::Ahead(const LoadView& view, size_t index, double quantile) const {
  std::array<float, LoadView::kFeatures> row;
  view.Row(index, row);
  thread_local std::vector<replicas::WeightedRow> found;
  forest_.Find(row, found);
  std::sort(found.begin(), found.end(), [&](const auto& a, const auto& b) {
    return std::pair(targets_[a.row], a.row) < std::pair(targets_[b.row], b.row);
  });
  const double most = std::max(highest_, view.Last(index));
  const auto load = [&](float target) {
    return std::max(0.0, std::exp(std::min(view.Last(index) + target, most)) - offset_);
  };
  Outlook outlook{.planned = load(targets_[found.back().row])};
  double below = 0;
  bool reached = false;
  for (const auto& [of, weight] : found) {
    outlook.mean += weight * load(targets_[of]);
    if (!reached && below + weight >= quantile) {
      outlook.planned = load(targets_[of]);
      reached = true;
    }
    below += weight;
  }
  return outlook;
}

std::pair<size_t, size_t> TrainingRange(const LoadHistory& history, size_t known) {
  if (known == 0) return {0, 0};
  const double period = std::max(kRefit, kRefitSteps * history.step);
  const double boundary = std::floor(history.TimeOf(known - 1) / period) * period;
  const double before = std::ceil((boundary - history.start_time) / history.step);
  const size_t end = before > 0 ? std::min(known, static_cast<size_t>(before)) : 0;
  if (2 * end < known || end < 4 * kLeastRows) return {0, known - known % kEarlyRefit};
  const auto most =
      static_cast<size_t>(std::max(kTrainingSteps, std::ceil(kTrainingDays * kDay / history.step)));
  return {end > most ? end - most : 0, end};
}

}  // namespace opsmesh::analytics
