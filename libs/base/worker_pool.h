// A bounded pool of threads: the one way to run blocking work.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace opsmesh::base {

/// Fixed number of threads and a queue with a bound. Thread-safe. The destructor runs what is
/// queued, then joins.
class WorkerPool {
 public:
  struct Options {
    std::string name = "worker";  // thread name as shown by the system, at most 15 bytes
    int threads = 8;              // >= 1
    size_t queue_limit = 128;     // tasks waiting beyond the running ones; >= 0
  };
  struct Depth {
    size_t queued = 0;
    size_t running = 0;
  };

  explicit WorkerPool(Options options);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();

  /// Queues `task`; false (and the task is dropped) when the queue is full or the pool is stopping.
  /// A task must not throw.
  [[nodiscard]] bool TrySubmit(std::function<void()> task);
  Depth depth() const;

 private:
  void Run();

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::deque<std::function<void()>> queue_;
  size_t running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace opsmesh::base
