#include "libs/analytics/detect/slow_change.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace opsmesh::analytics {
namespace {

constexpr double kHour = 3600;
constexpr long kDay = 24;
constexpr size_t kDays = 7;
// Samples an hour must have to be one.
constexpr size_t kLeastSamples = 4;
// Hours looked at together: one wild sample moves one of them and not their median.
constexpr size_t kTogether = 3;
// Distances before anything is said, and kept.
constexpr size_t kLeast = 24;
constexpr size_t kMost = 24 * 28;
// Spreads (quartiles) a distance must be off.
constexpr double kPlain = 7;
constexpr double kWeight = 2;
constexpr double kMargin = 5;
constexpr double kTiny = 1e-9;

double MedianOf(double* values, size_t count) {
  std::nth_element(values, values + count / 2, values + count);
  return values[count / 2];
}

}  // namespace

double SlowChange::Push(double time, double value) {
  const long hour = static_cast<long>(std::floor(std::clamp(time / kHour, -1e15, 1e15)));
  double score = 0;
  if (count_ > 0 && hour != current_) {
    score = Close();
    sum_ = 0;
    count_ = 0;
  }
  current_ = hour;
  sum_ += value;
  ++count_;
  return score;
}

double SlowChange::Close() {
  if (count_ < kLeastSamples) return 0;
  const double mean = sum_ / static_cast<double>(count_);
  std::array<double, kDays> before{};
  size_t days = 0;
  for (size_t i = hours_.size(); i-- > 0 && days < kDays;) {
    const long age = current_ - hours_[i].index;
    if (age > 0 && age % kDay == 0) before[days++] = hours_[i].mean;
    if (age > kDay * static_cast<long>(kDays)) break;
  }
  hours_.push_back({current_, mean});
  if (hours_.size() > 2 * kDay * (kDays + 1))
    hours_.erase(hours_.begin(), hours_.end() - kDay * static_cast<long>(kDays + 1));
  if (days < 2) return 0;
  residuals_.push_back(mean - MedianOf(before.data(), days));
  if (residuals_.size() > kTogether) residuals_.erase(residuals_.begin());
  if (residuals_.size() < kTogether) return 0;
  std::array<double, kTogether> last{};
  std::copy(residuals_.begin(), residuals_.end(), last.begin());
  const double distance = MedianOf(last.data(), kTogether);

  double score = 0;
  if (distances_.size() >= kLeast) {
    const std::vector<double>& seen = distances_;
    const auto count = static_cast<double>(seen.size());
    const double median = seen[seen.size() / 2];
    const double spread = (seen[seen.size() * 3 / 4] - seen[seen.size() / 4]) / 1.349;
    const double beyond = distance > seen.back()    ? distance - seen.back()
                          : distance < seen.front() ? seen.front() - distance
                                                    : 0;
    const double reach = distance > median ? seen.back() - median : median - seen.front();
    if (beyond > 0 && std::abs(distance - median) > kPlain * spread) {
      score = kWeight * (std::log10((count + 1) / 2) +
                         kMargin * std::log10(1 + 3 * beyond / (reach + kTiny)));
    }
  }
  guard_.push_back(distance);
  if (guard_.size() > static_cast<size_t>(kDay)) {
    const double known = guard_.front();
    guard_.pop_front();
    distances_.insert(std::upper_bound(distances_.begin(), distances_.end(), known), known);
    order_.push_back(known);
    if (order_.size() > kMost) {
      distances_.erase(std::lower_bound(distances_.begin(), distances_.end(), order_.front()));
      order_.pop_front();
    }
  }
  return score;
}

}  // namespace opsmesh::analytics
