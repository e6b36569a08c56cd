#include "libs/analytics/detect/sorted_window.h"

namespace opsmesh::analytics {

void SlidingWindow::PushAt(double time, double value, size_t position) {
  if (size_ == ring_.size()) {
    std::vector<Sample> larger(std::max<size_t>(64, ring_.size() * 2));
    for (size_t i = 0; i < size_; ++i) larger[i] = (*this)[i];
    ring_ = std::move(larger);
    head_ = 0;
  }
  ring_[(head_ + size_) & (ring_.size() - 1)] = {time, value};
  ++size_;
  sorted_.InsertAt(position, value);
}

void SlidingWindow::PopFront() {
  sorted_.Remove(ring_[head_].value);
  head_ = (head_ + 1) & (ring_.size() - 1);
  --size_;
}

double SlidingWindow::Sum() const {
  const size_t first = std::min(size_, ring_.size() - head_);
  double sum = 0;
  for (size_t i = 0; i < first; ++i) sum += ring_[head_ + i].value;
  for (size_t i = 0; i < size_ - first; ++i) sum += ring_[i].value;
  return sum;
}

}  // namespace opsmesh::analytics
