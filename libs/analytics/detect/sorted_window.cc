#include "libs/analytics/detect/sorted_window.h"

namespace opsmesh::analytics {

void SlidingWindow::Push(double time, double value) {
  if (size_ == ring_.size()) {
    std::vector<Sample> larger(std::max<size_t>(64, ring_.size() * 2));
    for (size_t i = 0; i < size_; ++i) larger[i] = (*this)[i];
    ring_ = std::move(larger);
    head_ = 0;
  }
  ring_[(head_ + size_) % ring_.size()] = {time, value};
  ++size_;
  sorted_.Insert(value);
}

void SlidingWindow::PopFront() {
  sorted_.Remove(ring_[head_].value);
  head_ = (head_ + 1) % ring_.size();
  --size_;
}

}  // namespace opsmesh::analytics
