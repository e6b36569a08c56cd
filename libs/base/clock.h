// Time as a dependency. Nothing outside libs/base reads the machine's clock: it is given a Clock.
#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace opsmesh::base {

/// Tells the time. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall time: for stamps that people and other systems read. May jump.
  virtual absl::Time Now() const = 0;
  /// Monotonic time since an arbitrary point: for deadlines, latencies and back-off. Never goes
  /// back.
  virtual absl::Duration Steady() const = 0;
};

/// The machine's clock; lives as long as the process.
const Clock& SystemClock();

/// RFC 3339 in UTC with `Z` and whole seconds: "2025-01-21T10:30:00Z".
std::string Rfc3339(absl::Time time);
/// Parses RFC 3339 with any offset and fraction; false when it is not one.
bool ParseRfc3339(std::string_view text, absl::Time* time);

}  // namespace opsmesh::base
