// What a piece of work carries with it: deadline, cancellation, caller, trace. Logic takes it as
// its first argument and hands it to whatever it waits for, so that every wait has an end and a
// client that leaves stops the work behind it.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/principal.h"

namespace opsmesh::base {

/// One-way switch from "go on" to "stop". Shared by all copies of a Context. Thread-safe.
class CancelState {
 public:
  /// Stops the work; runs the callbacks on this thread, each once. Later calls do nothing.
  void Cancel();
  bool cancelled() const;
  /// Waits until cancelled or for `timeout`; true when cancelled.
  bool WaitFor(absl::Duration timeout) const;

  /// Runs `callback` on cancellation (at once when already cancelled) until the returned handle is
  /// destroyed. The handle's destructor waits for a callback that is running, unless called from
  /// inside it.
  class Registration {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept { *this = std::move(other); }
    Registration& operator=(Registration&& other) noexcept;
    ~Registration() { Reset(); }
    void Reset();

   private:
    friend class CancelState;
    struct Entry;
    std::shared_ptr<Entry> entry_;
  };
  Registration OnCancel(std::function<void()> callback);

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool cancelled_ = false;
  std::list<std::weak_ptr<Registration::Entry>> entries_;
};

/// W3C trace context (https://www.w3.org/TR/trace-context/). Empty trace_id = not traced.
struct TraceContext {
  std::string trace_id;  // 32 lower-case hex digits
  std::string span_id;   // 16 lower-case hex digits: the parent of what is started next
  bool sampled = true;
};

/// Immutable value, cheap to copy. Thread-safe.
class Context {
 public:
  /// No deadline, never cancelled, nobody: for main() and tests. Requests get theirs from libs/rpc.
  static Context Background(const Clock& clock = SystemClock());

  /// A copy with a deadline no later than `timeout` from now.
  Context WithTimeout(absl::Duration timeout) const;
  /// A copy with its own cancellation switch, thrown when this one's is. `cancel` receives the
  /// switch.
  Context WithCancel(std::shared_ptr<CancelState>* cancel) const;
  Context WithPrincipal(Principal principal) const;
  Context WithRequestId(std::string request_id) const;
  Context WithTrace(TraceContext trace) const;
  /// Language tags of the person asking, as in HTTP's Accept-Language; "" = unknown.
  Context WithLanguage(std::string language) const;

  /// Time left, never negative; absl::InfiniteDuration() when there is no deadline.
  absl::Duration Remaining() const;
  bool cancelled() const { return cancel_->cancelled(); }
  /// OK, or CANCELLED (reason CALLER_LEFT) or DEADLINE_EXCEEDED (reason DEADLINE) with a sentence.
  absl::Status Check() const;
  /// Sleeps for `duration`, less when cancelled or out of time; the result of Check() afterwards.
  absl::Status Sleep(absl::Duration duration) const;
  CancelState::Registration OnCancel(std::function<void()> callback) const {
    return cancel_->OnCancel(std::move(callback));
  }

  const Principal& principal() const { return meta_->principal; }
  const std::string& request_id() const { return meta_->request_id; }
  const TraceContext& trace() const { return meta_->trace; }
  const std::string& language() const { return meta_->language; }
  const Clock& clock() const { return *clock_; }

 private:
  struct Meta {
    Principal principal;
    std::string request_id;
    TraceContext trace;
    std::string language;
  };
  template <typename F>
  Context WithMeta(F change) const;

  const Clock* clock_ = nullptr;
  absl::Duration steady_deadline_ = absl::InfiniteDuration();
  std::shared_ptr<CancelState> cancel_;
  std::shared_ptr<const CancelState::Registration> parent_link_;
  std::shared_ptr<const Meta> meta_;
};

}  // namespace opsmesh::base
