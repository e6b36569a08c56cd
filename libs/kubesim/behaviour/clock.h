// The simulated cluster's clock. It follows another clock (real time) or stands still until it is
// moved (virtual time).
#pragma once

#include <atomic>
#include <cstdint>

#include "absl/time/time.h"
#include "libs/base/clock.h"

namespace opsmesh::kubesim {

/// The store's, the door's and the engine's clock are this one object. Thread-safe.
class SimulationClock final : public base::Clock {
 public:
  /// Follows `underlying` (not owned) until Freeze() is called.
  explicit SimulationClock(const base::Clock& underlying) : underlying_(underlying) {}

  absl::Time Now() const override;
  absl::Duration Steady() const override;

  /// From now on the clock stands at `at`.
  void Freeze(absl::Time at);
  /// Follows the underlying clock again.
  void Follow();
  bool frozen() const { return frozen_.load(std::memory_order_acquire); }
  /// Moves a frozen clock forward; an earlier time is ignored.
  void AdvanceTo(absl::Time to);

 private:
  const base::Clock& underlying_;
  std::atomic<bool> frozen_{false};
  std::atomic<int64_t> nanos_{0};  // since the Unix epoch, while frozen
};

}  // namespace opsmesh::kubesim
