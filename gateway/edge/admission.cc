#include "gateway/edge/admission.h"

namespace opsmesh::gateway {

bool Admission::Enter(std::function<void()> start) {
  {
    const std::lock_guard lock(mutex_);
    if (in_flight_ >= options_.max_in_flight) {
      if (queue_.size() >= options_.max_queued) return false;
      queue_.push_back(std::move(start));
      return true;
    }
    ++in_flight_;
  }
  start();
  return true;
}

void Admission::Done() {
  std::function<void()> next;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) {
      --in_flight_;
      return;
    }
    next = std::move(queue_.front());  // takes over the place
    queue_.pop_front();
  }
  next();
}

size_t Admission::in_flight() const {
  const std::lock_guard lock(mutex_);
  return in_flight_;
}

size_t Admission::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

}  // namespace opsmesh::gateway
