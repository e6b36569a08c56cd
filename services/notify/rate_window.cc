#include "services/notify/rate_window.h"

#include <algorithm>

namespace opsmesh::notify {

void RateWindow::Note(absl::Time time) {
  // A clock that stepped back: what was noted before counts as sent now, which waits rather too
  // long than too short.
  for (absl::Time& earlier : times_) earlier = std::min(earlier, time);
  times_.push_back(time);
  const absl::Time old = time - Memory();
  while (!times_.empty() && times_.front() < old) times_.pop_front();
}

absl::Time RateWindow::Next(absl::Time now) const {
  absl::Time next = now;
  for (const RateLimit& limit : limits_) {
    if (limit.messages <= 0 || times_.size() < static_cast<size_t>(limit.messages)) continue;
    const absl::Time oldest =
        std::min(times_[times_.size() - static_cast<size_t>(limit.messages)], now);
    next = std::max(next, oldest + limit.window);
  }
  return next;
}

absl::Duration RateWindow::Memory() const {
  absl::Duration longest;
  for (const RateLimit& limit : limits_) longest = std::max(longest, limit.window);
  return longest;
}

}  // namespace opsmesh::notify
