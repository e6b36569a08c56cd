// How many unary calls run at once, and how many wait.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <utility>

namespace opsmesh::gateway {

/// Thread-safe. Everything that waits is bounded in number here and in time by the deadlines of
/// what runs.
class Admission {
 public:
  struct Options {
    size_t max_in_flight = 64;  // >= 1
    size_t max_queued = 512;
  };
  explicit Admission(Options options) : options_(options) {}

  /// Runs `start` now or when a place is free; false, and never, when too many wait. Whoever was
  /// started calls Done() once.
  [[nodiscard]] bool Enter(std::function<void()> start);
  /// Frees a place; starts the next that waits, on this thread.
  void Done();

  size_t in_flight() const;
  size_t queued() const;

 private:
  const Options options_;
  mutable std::mutex mutex_;
  size_t in_flight_ = 0;
  std::deque<std::function<void()>> queue_;
};

}  // namespace opsmesh::gateway
