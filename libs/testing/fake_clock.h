// A clock that a test moves by hand.
#pragma once

#include <mutex>

#include "absl/time/time.h"
#include "libs/base/clock.h"

namespace opsmesh::testing {

/// Starts at 2025-01-21T10:30:00Z and stands still until advanced. Thread-safe.
class FakeClock final : public base::Clock {
 public:
  FakeClock() = default;
  explicit FakeClock(absl::Time now) : now_(now) {}

  absl::Time Now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  absl::Duration Steady() const override {
    const std::lock_guard lock(mutex_);
    return steady_;
  }
  /// Moves wall and steady time on.
  void Advance(absl::Duration by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
    steady_ += by;
  }
  /// Makes the wall clock jump; steady time does not.
  void JumpTo(absl::Time now) {
    const std::lock_guard lock(mutex_);
    now_ = now;
  }

 private:
  mutable std::mutex mutex_;
  absl::Time now_ = absl::FromUnixSeconds(1737455400);
  absl::Duration steady_ = absl::Seconds(1000);
};

}  // namespace opsmesh::testing
