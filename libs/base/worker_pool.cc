#include "libs/base/worker_pool.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace opsmesh::base {

WorkerPool::WorkerPool(Options options) : options_(std::move(options)) {
  for (int i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this] { Run(); });
    pthread_setname_np(threads_.back().native_handle(), options_.name.substr(0, 15).c_str());
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    work_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

bool WorkerPool::TrySubmit(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  const size_t idle = threads_.size() - std::min(running_, threads_.size());
  if (stopping_ || queue_.size() >= options_.queue_limit + idle) return false;
  queue_.push_back(std::move(task));
  work_.notify_one();
  return true;
}

WorkerPool::Depth WorkerPool::depth() const {
  const std::lock_guard lock(mutex_);
  return {queue_.size(), running_};
}

void WorkerPool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    auto task = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    lock.unlock();
    task();
    task = nullptr;  // its captures die before the pool counts the thread as idle
    lock.lock();
    --running_;
  }
}

}  // namespace opsmesh::base
