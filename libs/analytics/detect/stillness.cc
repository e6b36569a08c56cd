#include "libs/analytics/detect/stillness.h"

#include <algorithm>
#include <cmath>

namespace opsmesh::analytics {
namespace {

// Samples before anything is said.
constexpr size_t kLeast = 30;
// A series in which more than this share of samples repeats the one before may stand still.
constexpr double kMayRepeat = 0.5;
// Repeats beyond twice the longest run that are not learnt.
constexpr size_t kNotLearnt = 20;
// Steps without a sample that nobody wonders about: a scrape fails, a pod restarts, and Prometheus
// itself looks back five minutes.
constexpr double kUsualSilence = 10;
// Stamps further apart than this are a gap, not the step.
constexpr double kGap = 3;

}  // namespace

double Stillness::Push(double value, double share) {
  if (!any_) {
    any_ = true;
    last_ = value;
    return 0;
  }
  const bool repeats = value == last_;
  last_ = value;
  if (repeats) {
    ++run_;
  } else {
    longest_run_ = std::max(longest_run_, run_);
    run_ = 0;
  }
  double score = 0;
  if (compared_ >= kLeast && run_ > 2 * longest_run_) {
    const double chance =
        std::max(share, (static_cast<double>(repeats_) + 1) / (static_cast<double>(compared_) + 2));
    if (chance <= kMayRepeat)
      score = static_cast<double>(run_ - longest_run_) * -std::log10(chance);
  }
  if (!repeats || run_ <= 2 * longest_run_ + kNotLearnt) {
    ++compared_;
    repeats_ += repeats ? 1 : 0;
  }
  return score;
}

double Silence::At(double time) const {
  if (present_ < kLeast || !(step_ > 0)) return 0;
  const double steps = (time - last_) / step_ - 1;
  const double limit = std::max(kUsualSilence, 2 * longest_);
  return steps >= limit / 2 ? steps / limit : 0;
}

double Silence::Push(double time, bool present) {
  const double silence = At(time);
  if (!present) return silence;
  if (present_ > 0) {
    const double distance = time - last_;
    if (!(step_ > 0)) {
      step_ = distance;
    } else if (distance <= kGap * step_) {
      // A running mean of distances that are no gaps; the first ones may have been.
      const auto count = static_cast<double>(std::min<size_t>(present_, 100));
      step_ += (distance - step_) / count;
    } else {
      if (present_ < kLeast) step_ = std::max(step_, distance / 2);
      longest_ = std::max(longest_, distance / step_ - 1);
    }
  }
  ++present_;
  last_ = time;
  return silence;
}

}  // namespace opsmesh::analytics
