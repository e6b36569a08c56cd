// Stops asking a provider that keeps failing, and tries it again after a while.
#pragma once

#include <mutex>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"

namespace opsmesh::llm_provider {

/// Closed: every call goes through. After `failures_to_open` failures in a row (or one that waiting
/// does not mend: a wrong key) open for `open_for`; then half open: one call goes through and
/// decides. Thread-safe.
class Breaker {
 public:
  struct Options {
    int failures_to_open = 3;
    absl::Duration open_for = absl::Seconds(30);
  };
  enum class State { kClosed, kOpen, kHalfOpen };

  Breaker(const base::Clock& clock, Options options) : clock_(clock), options_(options) {}

  /// True when a call may be made now; it must be followed by one of the three below.
  bool Allow();
  void Succeeded();
  /// `lasting` opens at once.
  void Failed(const absl::Status& why, bool lasting);
  /// The call ended for a reason that says nothing about the provider (the client left).
  void Abandoned();

  State state() const;
  /// The failure that opened it last; OK when it never was, or has worked since.
  absl::Status why() const;
  /// When the last call succeeded; InfinitePast when none has.
  absl::Time last_success() const;

 private:
  State StateLocked() const;

  const base::Clock& clock_;
  const Options options_;
  mutable std::mutex mutex_;
  int failures_ = 0;
  bool open_ = false;
  bool trial_ = false;  // the one call of the half-open state is under way
  absl::Duration opened_at_;
  absl::Status why_;
  absl::Time last_success_ = absl::InfinitePast();
};

}  // namespace opsmesh::llm_provider
