#include "libs/kube/scheduler.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>

#include "libs/base/clock.h"

namespace opsmesh::kube {

Scheduler::Scheduler(int threads) {
  for (int i = 0; i < std::max(1, threads); ++i) {
    threads_.emplace_back([this] {
      pthread_setname_np(pthread_self(), "kube-cache");
      Run();
    });
  }
}

Scheduler::~Scheduler() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void Scheduler::PostAfter(absl::Duration delay, std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  tasks_.emplace(base::SystemClock().Steady() + delay, std::move(task));
  changed_.notify_one();
}

void Scheduler::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (tasks_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const absl::Duration wait = tasks_.begin()->first - base::SystemClock().Steady();
    if (wait > absl::ZeroDuration()) {
      changed_.wait_for(lock, absl::ToChronoNanoseconds(wait));
      continue;
    }
    {
      const std::function<void()> task = std::move(tasks_.begin()->second);
      tasks_.erase(tasks_.begin());
      lock.unlock();
      task();
    }
    lock.lock();
  }
}

}  // namespace opsmesh::kube
