// Changes too slow for a sample to show: a leak, a daily pattern that is gone, a rate that crept
// up. Means of an hour are compared with the same hour of the days before, and how far the last
// three of them lie off with how far three ever lay off until a day ago: what is compared with
// yesterday only would explain itself.
//
// Needs three days. Streaming, amortised O(1) a sample. Deterministic. Not thread-safe.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

namespace opsmesh::analytics {

class SlowChange {
 public:
  /// Takes the next sample, time not falling, a finite value. At the first sample of an hour the
  /// score of the hours before it, on the scale of the ensemble's sums; else 0.
  double Push(double time, double value);

 private:
  struct Hour {
    long index;  // since the epoch
    double mean;
  };
  double Close();

  long current_ = 0;
  double sum_ = 0;
  size_t count_ = 0;
  std::vector<Hour> hours_;        // of the last eight days
  std::vector<double> residuals_;  // of the last hours, latest last
  std::deque<double> guard_;       // distances of the last day, not compared with yet
  std::vector<double> distances_;  // sorted
  std::deque<double> order_;       // the same in order of time
};

}  // namespace opsmesh::analytics
