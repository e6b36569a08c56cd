// What the values alone do not show: a series that stands still, and one that falls silent.
//
// Both ask the same question: how likely is a run this long, as often as such runs came before?
// Streaming, O(1) a sample. Deterministic. Not thread-safe.
#pragma once

#include <cstddef>

namespace opsmesh::analytics {

/// Judges how long a value has not moved.
class Stillness {
 public:
  /// Takes the next sample; `share` is the part of the samples before it that have this very value.
  /// -log10 of the chance that a value repeats as often in a row as it just did; 0 while too little
  /// is known, for a series in which most samples repeat, and until the run is twice the longest
  /// seen. A long run is not learnt, else it would explain itself.
  double Push(double value, double share);

 private:
  double last_ = 0;
  bool any_ = false;
  size_t run_ = 0;  // samples in a row that repeated the one before
  size_t longest_run_ = 0;
  size_t repeats_ = 0;  // of compared_ samples
  size_t compared_ = 0;
};

/// Judges how long no sample came, be it that stamps are missing or that values are.
class Silence {
 public:
  /// Takes the stamp of the next sample and whether it has a value. Steps without a value up to
  /// this one when these are more than what is usual for the series, as a multiple of the limit;
  /// else 0.
  double Push(double time, bool present);

  /// Median-like distance of samples, seconds; 0 while it is not known.
  double step() const { return step_; }
  /// The multiple of the limit if nothing came up to `time`.
  double At(double time) const;

 private:
  double first_ = 0;
  double last_ = 0;     // of the last sample with a value
  double step_ = 0;     // usual distance of stamps
  double longest_ = 0;  // silence that ended, in steps
  size_t present_ = 0;  // samples with a value
};

}  // namespace opsmesh::analytics
