#include "libs/analytics/detect/sorted_window.h"

namespace opsmesh::analytics {

void SortedSamples::Grow() {
  std::vector<double> larger(std::max<size_t>(64, 2 * size_ + 2));
  const size_t begin = (larger.size() - size_) / 2;
  std::copy_n(store_.begin() + static_cast<std::ptrdiff_t>(begin_), size_,
              larger.begin() + static_cast<std::ptrdiff_t>(begin));
  store_ = std::move(larger);
  begin_ = begin;
}

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
