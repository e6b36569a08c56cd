#include "libs/analytics/detect/sliding_saliency.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace opsmesh::analytics {
namespace {

constexpr size_t kRestart = 128;
// Amplitudes below this share of the largest (squared) are rounding.
constexpr double kFloor = 1e-30;
double Angle(size_t k, size_t t, size_t size) {
  return 2 * M_PI * static_cast<double>(k * t % size) / static_cast<double>(size);
}

// x^(-1/6) of numbers from 1e-30 to about 1: an estimate from the bits of a float, within a
// percent, and three steps of Newton, which leave the rounding of a float.
__attribute__((always_inline)) inline void InverseSixthRoots(const double* x, size_t count,
                                                             float* single, float* out) {
  for (size_t i = 0; i < count; ++i) single[i] = static_cast<float>(x[i]);
  for (size_t i = 0; i < count; ++i) {
    int32_t bits;
    std::memcpy(&bits, &single[i], sizeof bits);
    bits = static_cast<int32_t>(static_cast<float>(bits) * (-1.0F / 6) + 1.24249e9F);
    std::memcpy(&out[i], &bits, sizeof bits);
  }
  for (size_t i = 0; i < count; ++i) {
    float y = out[i];
    for (int step = 0; step < 3; ++step) {
      const float y2 = y * y;
      y = y * ((7.0F / 6) - (1.0F / 6) * single[i] * (y2 * y2 * y2));
    }
    out[i] = y;
  }
}

// sums[t] = sum over bins of re * cos[t] + im * sin[t] for 8 kVectors lanes from `t` on; the order
// of each sum is that of the bins.
template <size_t kLanes, size_t kGroup>
__attribute__((always_inline)) inline void InvertGroup(const SlidingSaliency::Work& w, size_t t) {
  typedef float Vector __attribute__((vector_size(kLanes * sizeof(float)), aligned(4)));
  constexpr size_t kVectors = kGroup / kLanes;
  Vector sum[kVectors];
#pragma GCC unroll 8
  for (size_t v = 0; v < kVectors; ++v) sum[v] = Vector{};
  for (size_t k = 0; k < w.bins; ++k) {
    const Vector* c = reinterpret_cast<const Vector*>(w.cosine + k * w.lanes + t);
    const Vector* s = reinterpret_cast<const Vector*>(w.sine + k * w.lanes + t);
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) {
      sum[v] += w.residual_re[k] * c[v];
      sum[v] += w.residual_im[k] * s[v];
    }
  }
#pragma GCC unroll 8
  for (size_t v = 0; v < kVectors; ++v) reinterpret_cast<Vector*>(w.sums + t)[v] = sum[v];
}

// Saliency into w.sums; false when the spectrum is no number or nothing.
template <size_t kLanes>
__attribute__((always_inline)) inline bool Compute(const SlidingSaliency::Work& w, double ahead) {
  double* const power = w.power + 1;
  for (size_t k = 0; k < w.bins; ++k) {
    const double re = w.re[k] + ahead * w.ahead_re[k], im = w.im[k] + ahead * w.ahead_im[k];
    w.spectrum_re[k] = re;
    w.spectrum_im[k] = im;
    power[k] = re * re + im * im;
  }
  double most[4] = {power[0], 0, 0, 0};
  for (size_t k = 0; k + 4 <= w.bins; k += 4) {
    for (size_t l = 0; l < 4; ++l) most[l] = power[k + l] > most[l] ? power[k + l] : most[l];
  }
  for (size_t k = w.bins & ~size_t{3}; k < w.bins; ++k) most[0] = std::max(most[0], power[k]);
  *w.scale = std::max(std::max(most[0], most[1]), std::max(most[2], most[3]));
  if (!(*w.scale > 1e-200 && *w.scale < 1e200)) return false;
  const double unit = 1 / *w.scale;
  for (size_t k = 0; k < w.bins; ++k) power[k] = power[k] * unit + kFloor;
  power[-1] = power[1];
  power[w.bins] = w.even ? power[w.bins - 2] : power[w.bins - 1];
  InverseSixthRoots(w.power, w.bins + 2, w.single, w.root);
  // The mean of the logarithms of three amplitudes, taken off, is a division by their cube root.
  const double amplitude = std::sqrt(unit);
  for (size_t k = 0; k < w.bins; ++k) {
    const double factor =
        amplitude * static_cast<double>(w.root[k] * w.root[k + 1] * w.root[k + 2]);
    w.residual_re[k] = static_cast<float>(w.spectrum_re[k] * factor);
    w.residual_im[k] = static_cast<float>(w.spectrum_im[k] * factor);
  }
  size_t t = 0;
  for (; t + 24 <= w.lanes; t += 24) InvertGroup<kLanes, 24>(w, t);
  for (; t < w.lanes; t += 8) InvertGroup<kLanes, 8>(w, t);
  return true;
}

struct Turning {
  size_t bins;
  double *re, *im;
  const double *turn_re, *turn_im, *last_re, *last_im;
};

// One sample leaves, the spectrum turns by one, another one comes.
__attribute__((always_inline)) inline void Turn(const Turning& t, double left, double come) {
  double* const re = t.re;
  double* const im = t.im;
#pragma GCC ivdep
  for (size_t k = 0; k < t.bins; ++k) {
    const double real = re[k] - left;
    const double imaginary = im[k];
    re[k] = real * t.turn_re[k] - imaginary * t.turn_im[k] + come * t.last_re[k];
    im[k] = real * t.turn_im[k] + imaginary * t.turn_re[k] + come * t.last_im[k];
  }
}

void TurnAny(const Turning& t, double left, double come) { Turn(t, left, come); }
bool ComputeAny(const SlidingSaliency::Work& w, double ahead) { return Compute<4>(w, ahead); }

#if defined(__x86_64__)
bool Wide() {
  static const bool wide = __builtin_cpu_supports("avx2");
  return wide;
}
__attribute__((target("avx2"))) void TurnAvx2(const Turning& t, double left, double come) {
  Turn(t, left, come);
}
__attribute__((target("avx2"))) bool ComputeAvx2(const SlidingSaliency::Work& w, double ahead) {
  return Compute<8>(w, ahead);
}
#endif

}  // namespace

SlidingSaliency::SlidingSaliency(size_t window, size_t size, size_t tail)
    : window_(window), size_(size), tail_(tail), bins_(size / 2 + 1), lanes_((tail + 7) / 8 * 8) {
  for (auto* column : {&re_, &im_, &turn_re_, &turn_im_, &last_re_, &last_im_, &ahead_re_,
                       &ahead_im_, &spectrum_re_, &spectrum_im_})
    column->assign(bins_, 0);
  residual_re_.assign(bins_, 0);
  residual_im_.assign(bins_, 0);
  // One bin more at either end: the neighbours of the first and of the last.
  power_.assign(bins_ + 2, 0);
  root_.assign(bins_ + 2, 0);
  single_.assign(bins_ + 2, 0);
  sums_.assign(lanes_, 0);
  cos_.assign(bins_ * lanes_, 0);
  sin_.assign(bins_ * lanes_, 0);
  for (size_t k = 0; k < bins_; ++k) {
    turn_re_[k] = std::cos(Angle(k, 1, size));
    turn_im_[k] = std::sin(Angle(k, 1, size));
    last_re_[k] = std::cos(Angle(k, window - 1, size));
    last_im_[k] = -std::sin(Angle(k, window - 1, size));
    for (size_t t = window; t < size; ++t) {
      ahead_re_[k] += std::cos(Angle(k, t, size));
      ahead_im_[k] -= std::sin(Angle(k, t, size));
    }
    // Bins above the middle are conjugates of those below it, which count twice.
    const double twice = k == 0 || 2 * k == size ? 1 : 2;
    for (size_t i = 0; i < tail; ++i) {
      const double angle = Angle(k, window - tail + i, size);
      cos_[k * lanes_ + i] =
          static_cast<float>(twice * std::cos(angle) / static_cast<double>(size));
      sin_[k * lanes_ + i] =
          static_cast<float>(-twice * std::sin(angle) / static_cast<double>(size));
    }
  }
}

void SlidingSaliency::Restart(std::span<const double> window) {
  std::fill(re_.begin(), re_.end(), 0);
  std::fill(im_.begin(), im_.end(), 0);
  // Horner's scheme from the last sample: one rotation a sample, as in Advance.
  for (size_t t = window_; t-- > 0;) {
    for (size_t k = 0; k < bins_; ++k) {
      const double re = re_[k] * turn_re_[k] + im_[k] * turn_im_[k] + window[t];
      im_[k] = im_[k] * turn_re_[k] - re_[k] * turn_im_[k];
      re_[k] = re;
    }
  }
  since_restart_ = 0;
}

void SlidingSaliency::Advance(double left, std::span<const double> window) {
  // A sample far above all that stays would leave its rounding behind.
  const bool towering = !(left * left <= 1e8 * scale_);
  if (++since_restart_ >= kRestart || towering) return Restart(window);
  const Turning turning{.bins = bins_,
                        .re = re_.data(),
                        .im = im_.data(),
                        .turn_re = turn_re_.data(),
                        .turn_im = turn_im_.data(),
                        .last_re = last_re_.data(),
                        .last_im = last_im_.data()};
#if defined(__x86_64__)
  if (Wide()) return TurnAvx2(turning, left, window.back());
#endif
  TurnAny(turning, left, window.back());
}

void SlidingSaliency::Saliency(double ahead, std::span<double> out) {
  const Work work{.bins = bins_,
                  .lanes = lanes_,
                  .even = size_ % 2 == 0,
                  .re = re_.data(),
                  .im = im_.data(),
                  .ahead_re = ahead_re_.data(),
                  .ahead_im = ahead_im_.data(),
                  .cosine = cos_.data(),
                  .sine = sin_.data(),
                  .spectrum_re = spectrum_re_.data(),
                  .spectrum_im = spectrum_im_.data(),
                  .power = power_.data(),
                  .root = root_.data(),
                  .single = single_.data(),
                  .residual_re = residual_re_.data(),
                  .residual_im = residual_im_.data(),
                  .sums = sums_.data(),
                  .scale = &scale_};
#if defined(__x86_64__)
  const bool known = Wide() ? ComputeAvx2(work, ahead) : ComputeAny(work, ahead);
#else
  const bool known = ComputeAny(work, ahead);
#endif
  for (size_t i = 0; i < tail_; ++i) out[i] = known ? std::abs(static_cast<double>(sums_[i])) : 0;
}

}  // namespace opsmesh::analytics
