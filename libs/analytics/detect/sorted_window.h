// Order statistics over a window that slides: the samples kept sorted in contiguous memory.
// Inserting and removing move the shorter side only (a memmove, a hundred nanoseconds for a
// thousand samples), which beats trees and skip lists up to tens of thousands of samples. Not
// thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace opsmesh::analytics {

/// Samples in rising order. No NaN.
class SortedSamples {
 public:
  /// `position` must be CountAtMost(value).
  void InsertAt(size_t position, double value) {
    if (position < size_ / 2 ? begin_ == 0 : begin_ + size_ == store_.size()) Grow();
    double* const at = store_.data() + begin_;
    if (position < size_ / 2) {
      std::memmove(at - 1, at, position * sizeof(double));
      --begin_;
      store_[begin_ + position] = value;
    } else {
      std::memmove(at + position + 1, at + position, (size_ - position) * sizeof(double));
      at[position] = value;
    }
    ++size_;
  }
  /// `value` must have been inserted.
  void Remove(double value) {
    const size_t position = CountBelow(value);
    double* const at = store_.data() + begin_;
    if (position < size_ / 2) {
      std::memmove(at + 1, at, position * sizeof(double));
      ++begin_;
    } else {
      std::memmove(at + position, at + position + 1, (size_ - position - 1) * sizeof(double));
    }
    --size_;
  }

  std::span<const double> samples() const { return {store_.data() + begin_, size_}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  double min() const { return store_[begin_]; }
  double max() const { return store_[begin_ + size_ - 1]; }
  /// The upper median; not to be called when empty.
  double median() const { return store_[begin_ + size_ / 2]; }
  /// Sample of rank floor(p * size), 0 <= p < 1.
  double at(double p) const {
    return store_[begin_ + static_cast<size_t>(p * static_cast<double>(size_))];
  }
  size_t CountBelow(double value) const {
    return Search([value](double sample) { return sample < value; });
  }
  size_t CountAtMost(double value) const {
    return Search([value](double sample) { return sample <= value; });
  }

 private:
  // How many samples from the begin on satisfy what the first ones do. Quarters, then halves,
  // without a branch: the way through random samples cannot be predicted, and three loads at once
  // wait no longer than one.
  template <typename Before>
  size_t Search(Before before) const {
    size_t left = size_;
    if (left == 0) return 0;
    const double* const first = store_.data() + begin_;
    const double* base = first;
    while (left >= 8) {
      const size_t quarter = left / 4;
      const size_t count = static_cast<size_t>(before(base[quarter - 1])) +
                           static_cast<size_t>(before(base[2 * quarter - 1])) +
                           static_cast<size_t>(before(base[3 * quarter - 1]));
      base += quarter * count;
      left = count == 3 ? left - 3 * quarter : quarter;
    }
    while (left > 1) {
      const size_t half = left / 2;
      base += half & (size_t{0} - static_cast<size_t>(before(base[half - 1])));
      left -= half;
    }
    return static_cast<size_t>(base - first) + (before(*base) ? 1 : 0);
  }

  // Room for as much again, half of it on either side.
  void Grow();

  std::vector<double> store_;
  size_t begin_ = 0;
  size_t size_ = 0;
};

/// Timed samples, first in first out. Grows to the largest size it is used with and allocates no
/// more after that.
class SampleQueue {
 public:
  struct Sample {
    double time = 0;
    double value = 0;
  };

  void Push(double time, double value) {
    if (size_ == ring_.size()) Grow();
    ring_[(head_ + size_) & (ring_.size() - 1)] = {time, value};
    ++size_;
  }
  void PopFront() {
    head_ = (head_ + 1) & (ring_.size() - 1);
    --size_;
  }
  const Sample& front() const { return ring_[head_]; }
  size_t size() const { return size_; }
  /// Sum of the values in the order they came.
  double Sum() const;

 private:
  void Grow();

  std::vector<Sample> ring_;  // its size is a power of two
  size_t head_ = 0;
  size_t size_ = 0;
};

/// The same with order statistics.
class SlidingWindow {
 public:
  using Sample = SampleQueue::Sample;

  void Push(double time, double value) { PushAt(time, value, sorted_.CountAtMost(value)); }
  /// The same when sorted().CountAtMost(value) is known.
  void PushAt(double time, double value, size_t position) {
    queue_.Push(time, value);
    sorted_.InsertAt(position, value);
  }
  void PopFront() {
    sorted_.Remove(queue_.front().value);
    queue_.PopFront();
  }
  const Sample& front() const { return queue_.front(); }
  size_t size() const { return queue_.size(); }
  const SortedSamples& sorted() const { return sorted_; }

 private:
  SampleQueue queue_;
  SortedSamples sorted_;
};

}  // namespace opsmesh::analytics
