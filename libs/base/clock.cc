#include "libs/base/clock.h"

#include <chrono>
#include <string>

#include "absl/time/clock.h"
#include "libs/base/strings.h"

namespace opsmesh::base {
namespace {

class MachineClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
  absl::Duration Steady() const override {
    return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

const Clock& SystemClock() {
  static const MachineClock clock;
  return clock;
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

bool ParseRfc3339(std::string_view text, absl::Time* time) {
  // The library takes blanks around a time as well, and "infinite-future".
  if (text.size() < sizeof("2025-01-21T10:30:00Z") - 1 || !IsDigit(text.front()) ||
      (!IsDigit(text.back()) && text.back() != 'Z'))
    return false;
  std::string error;
  return absl::ParseTime(absl::RFC3339_full, ToAbsl(text), time, &error);
}

}  // namespace opsmesh::base
