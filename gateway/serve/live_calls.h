// Counts the requests that still hold on to the gateway, so that it is not taken down under them.
#pragma once

#include <condition_variable>
#include <mutex>

namespace opsmesh::gateway {

/// Thread-safe. Outlives its tokens' holders by WaitForNone().
class LiveCalls {
 public:
  /// Counts as long as it lives. Declare it first in what it counts: then it goes last.
  class Token {
   public:
    explicit Token(LiveCalls& calls) : calls_(calls) {
      const std::lock_guard lock(calls_.mutex_);
      ++calls_.count_;
    }
    Token(const Token&) = delete;
    Token& operator=(const Token&) = delete;
    ~Token() {
      const std::lock_guard lock(calls_.mutex_);
      // Under the lock: the one who waits may destroy us as soon as it is released.
      if (--calls_.count_ == 0) calls_.none_.notify_all();
    }

   private:
    LiveCalls& calls_;
  };

  /// Waits until no token is left. Ends because every call behind one was cancelled before, or has
  /// a deadline.
  void WaitForNone() {
    std::unique_lock lock(mutex_);
    none_.wait(lock, [this] { return count_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  size_t count_ = 0;
};

}  // namespace opsmesh::gateway
