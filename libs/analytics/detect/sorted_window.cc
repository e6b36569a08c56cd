#include "libs/analytics/detect/sorted_window.h"

namespace opsmesh::analytics {

void SampleQueue::Grow() {
  std::vector<Sample> larger(std::max<size_t>(64, ring_.size() * 2));
  for (size_t i = 0; i < size_; ++i) larger[i] = ring_[(head_ + i) & (ring_.size() - 1)];
  ring_ = std::move(larger);
  head_ = 0;
}

double SampleQueue::Sum() const {
  const size_t first = std::min(size_, ring_.size() - head_);
  double sum = 0;
  for (size_t i = 0; i < first; ++i) sum += ring_[head_ + i].value;
  for (size_t i = 0; i < size_ - first; ++i) sum += ring_[i].value;
  return sum;
}

}  // namespace opsmesh::analytics
