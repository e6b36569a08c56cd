// The spectral residual's saliency of the end of a window that slides sample by sample, without a
// transform of the whole window each time. Internal to detect/.
//
// The window's spectrum is kept up (sliding discrete Fourier transform; Jacobsen and Lyons, 2003)
// and taken anew every 128 samples, so that rounding does not pile up; only the last few samples of
// the inverse are computed. In vectors of the processor, with the same bytes on every processor.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace opsmesh::analytics {

/// Not thread-safe.
class SlidingSaliency {
 public:
  /// `window` samples prolonged to `size` (>= window); saliency of the last `tail` (<= window).
  SlidingSaliency(size_t window, size_t size, size_t tail);

  /// Takes the spectrum of a whole window.
  void Restart(std::span<const double> window);
  /// Moves on by a sample: `left` leaves at the front, window.back() has come.
  void Advance(double left, std::span<const double> window);
  /// Saliency (>= 0, free of scale) of the last samples, oldest first; the window is prolonged by
  /// `ahead`. out.size() == tail.
  void Saliency(double ahead, std::span<double> out);

  /// Views of the state for the kernels, which are compiled once a processor family.
  struct Work {
    size_t bins, lanes;
    bool even;
    const double *re, *im, *ahead_re, *ahead_im;
    const float *cosine, *sine;
    double *spectrum_re, *spectrum_im, *power;
    float *root, *single, *residual_re, *residual_im, *sums;
    double* scale;
  };

 private:
  size_t window_, size_, tail_, bins_;
  size_t lanes_;  // tail, rounded up
  size_t since_restart_ = 0;
  double scale_ = 0;  // largest squared amplitude of the last spectrum
  // A bin each: the spectrum of the window, and what it is advanced and prolonged by.
  std::vector<double> re_, im_, turn_re_, turn_im_, last_re_, last_im_, ahead_re_, ahead_im_;
  std::vector<float> cos_, sin_;  // bins x lanes, of the inverse
  std::vector<double> spectrum_re_, spectrum_im_, power_;
  std::vector<float> root_, single_, residual_re_, residual_im_;
  std::vector<float> sums_;  // lanes
};

}  // namespace opsmesh::analytics
