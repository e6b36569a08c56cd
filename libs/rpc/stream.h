// The two ways to answer with a stream: a handler that writes (a Writer, with back-pressure), and a
// source that is drained by a reactor (a StreamSource, no thread held while nothing happens).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/error.h"

namespace opsmesh::rpc {

/// Sends the messages of one streamed answer. Used by one thread at a time.
template <typename Resp>
class Writer {
 public:
  virtual ~Writer() = default;
  /// Queues a message; waits while 16 are unsent (the client or the network is slower than the
  /// handler). Not OK when the client left, the deadline passed or the service stops: return that
  /// status from the handler.
  virtual absl::Status Write(Resp message) = 0;
};

/// What a StreamSource has right now.
template <typename Resp>
struct Polled {
  enum class State { kMessage, kNothingYet, kEnd };
  State state = State::kNothingYet;
  std::optional<Resp> message;  // with kMessage
  absl::Status status;          // with kEnd: how the stream ends

  static Polled Message(Resp m) { return {State::kMessage, std::move(m), absl::OkStatus()}; }
  static Polled Nothing() { return {}; }
  static Polled End(absl::Status s = absl::OkStatus()) {
    return {State::kEnd, std::nullopt, std::move(s)};
  }
};

/// Messages that come some time, or never: a subscription. Drained by the stream's reactor;
/// destroyed when the stream is over, whichever side ended it.
template <typename Resp>
class StreamSource {
 public:
  virtual ~StreamSource() = default;
  /// Called once, before the first Poll(). Keep `wake` and call it from any thread whenever Poll()
  /// may have something new (calling too often is harmless, after the stream's end too).
  virtual void Start(std::function<void()> wake) = 0;
  /// The next message, if there is one. Must not block. Called by one thread at a time.
  virtual Polled<Resp> Poll() = 0;
};

/// A ready-made source: a bounded queue that others push into. Thread-safe. A consumer that falls
/// more than `limit` messages behind loses the stream (RESOURCE_EXHAUSTED, SLOW_CONSUMER), not the
/// service its memory.
template <typename Resp>
class EventQueue {
 public:
  explicit EventQueue(size_t limit = 256) : limit_(limit) {}

  /// False when the queue is closed or was just closed for being full.
  bool Push(Resp message) {
    return Change([&] {
      if (closed_) return false;
      if (queue_.size() >= limit_) {
        closed_ = true;
        end_ =
            base::ResourceExhausted("SLOW_CONSUMER", "The stream was read too slowly and was cut.")
                .Hint("Subscribe again; the first message carries the current state.");
        return false;
      }
      queue_.push_back(std::move(message));
      return true;
    });
  }
  /// Ends the stream after what is queued.
  void Close(absl::Status status = absl::OkStatus()) {
    Change([&] {
      if (!closed_) end_ = std::move(status);
      return closed_ = true;
    });
  }
  Polled<Resp> Poll() {
    const std::lock_guard lock(mutex_);
    if (!queue_.empty()) {
      auto polled = Polled<Resp>::Message(std::move(queue_.front()));
      queue_.pop_front();
      return polled;
    }
    return closed_ ? Polled<Resp>::End(end_) : Polled<Resp>::Nothing();
  }
  void OnChange(std::function<void()> wake) {
    const std::lock_guard lock(mutex_);
    wake_ = std::move(wake);
  }

 private:
  template <typename F>
  bool Change(F change) {
    std::function<void()> wake;
    bool result;
    {
      const std::lock_guard lock(mutex_);
      result = change();
      wake = wake_;
    }
    if (wake) wake();  // outside the lock: it polls
    return result;
  }

  const size_t limit_;
  std::mutex mutex_;
  std::deque<Resp> queue_;
  bool closed_ = false;
  absl::Status end_;
  std::function<void()> wake_;
};

/// Drains a shared EventQueue; tells its owner when the stream is over, so that the owner forgets
/// the subscriber.
template <typename Resp>
class QueueSource final : public StreamSource<Resp> {
 public:
  explicit QueueSource(std::shared_ptr<EventQueue<Resp>> queue,
                       std::function<void()> on_end = nullptr)
      : queue_(std::move(queue)), on_end_(std::move(on_end)) {}
  ~QueueSource() override {
    queue_->OnChange(nullptr);
    queue_->Close();
    if (on_end_) on_end_();
  }
  void Start(std::function<void()> wake) override { queue_->OnChange(std::move(wake)); }
  Polled<Resp> Poll() override { return queue_->Poll(); }

 private:
  const std::shared_ptr<EventQueue<Resp>> queue_;
  const std::function<void()> on_end_;
};

}  // namespace opsmesh::rpc
