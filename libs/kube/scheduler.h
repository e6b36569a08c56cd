// A few threads that run tasks now or later.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/time/time.h"

namespace opsmesh::kube {

/// Thread-safe. The destructor lets running tasks end and drops the others.
class Scheduler {
 public:
  explicit Scheduler(int threads);
  ~Scheduler();
  void Post(std::function<void()> task) { PostAfter(absl::ZeroDuration(), std::move(task)); }
  void PostAfter(absl::Duration delay, std::function<void()> task);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<absl::Duration, std::function<void()>> tasks_;  // by steady time
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace opsmesh::kube
