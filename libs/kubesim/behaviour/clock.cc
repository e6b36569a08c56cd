#include "libs/kubesim/behaviour/clock.h"

namespace opsmesh::kubesim {

absl::Time SimulationClock::Now() const {
  return frozen() ? absl::FromUnixNanos(nanos_.load(std::memory_order_acquire)) : underlying_.Now();
}

absl::Duration SimulationClock::Steady() const {
  return frozen() ? Now() - absl::UnixEpoch() : underlying_.Steady();
}

void SimulationClock::Freeze(absl::Time at) {
  nanos_.store(absl::ToUnixNanos(at), std::memory_order_release);
  frozen_.store(true, std::memory_order_release);
}

void SimulationClock::Follow() { frozen_.store(false, std::memory_order_release); }

void SimulationClock::AdvanceTo(absl::Time to) {
  const int64_t nanos = absl::ToUnixNanos(to);
  if (nanos > nanos_.load(std::memory_order_acquire))
    nanos_.store(nanos, std::memory_order_release);
}

}  // namespace opsmesh::kubesim
