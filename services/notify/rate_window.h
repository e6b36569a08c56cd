// At most so many messages in any stretch of so long: when the next one may go. Not thread-safe.
#pragma once

#include <deque>
#include <vector>

#include "absl/time/time.h"
#include "services/notify/platform.h"

namespace opsmesh::notify {

class RateWindow {
 public:
  explicit RateWindow(std::vector<RateLimit> limits) : limits_(std::move(limits)) {}

  /// A message went out at `time`. Times need not be in order (the wall clock may step back).
  void Note(absl::Time time);
  /// The earliest time, at or after `now`, at which another may go.
  absl::Time Next(absl::Time now) const;
  /// The longest stretch of the limits: what must be remembered over a restart.
  absl::Duration Memory() const;

 private:
  std::vector<RateLimit> limits_;
  std::deque<absl::Time> times_;
};

}  // namespace opsmesh::notify
