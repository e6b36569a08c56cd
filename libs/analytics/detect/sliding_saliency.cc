#include "libs/analytics/detect/sliding_saliency.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace opsmesh::analytics {
namespace {

constexpr size_t kRestart = 64;
// Amplitudes below this share of the largest (squared) are rounding.
constexpr double kFloor = 1e-30;
constexpr size_t kGroup = 8;  // lanes of the inverse that are summed together

double Angle(size_t k, size_t t, size_t size) {
  return 2 * M_PI * static_cast<double>(k * t % size) / static_cast<double>(size);
}

// x^(-1/6) of numbers from 1e-30 to about 1: an estimate from the bits of a float, within a few
// percent, and four steps of Newton.
void InverseSixthRoots(const double* x, size_t count, float* single, double* out) {
  for (size_t i = 0; i < count; ++i) single[i] = static_cast<float>(x[i]);
  for (size_t i = 0; i < count; ++i) {
    int32_t bits;
    std::memcpy(&bits, &single[i], sizeof bits);
    const float estimate = static_cast<float>(bits) * (-1.0F / 6) + 1.24249e9F;
    bits = static_cast<int32_t>(estimate);
    std::memcpy(&single[i], &bits, sizeof bits);
  }
  for (size_t i = 0; i < count; ++i) {
    double y = static_cast<double>(single[i]);
    for (int step = 0; step < 4; ++step) {
      const double y2 = y * y;
      y = y * ((7.0 / 6) - (1.0 / 6) * x[i] * (y2 * y2 * y2));
    }
    out[i] = y;
  }
}

// sums[t] = sum over bins of re * cos[t] + im * sin[t], group by group of the lanes; the order of
// each sum is that of the bins.
template <size_t kLanes>
__attribute__((always_inline)) inline void Invert(const double* re, const double* im,
                                                  const double* cosine, const double* sine,
                                                  size_t bins, size_t lanes, double* sums) {
  typedef double Vector __attribute__((vector_size(kLanes * sizeof(double)), aligned(8)));
  constexpr size_t kVectors = kGroup / kLanes;
  for (size_t t = 0; t < lanes; t += kGroup) {
    Vector sum[kVectors];
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) sum[v] = Vector{};
    for (size_t k = 0; k < bins; ++k) {
      const Vector* c = reinterpret_cast<const Vector*>(cosine + k * lanes + t);
      const Vector* s = reinterpret_cast<const Vector*>(sine + k * lanes + t);
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; ++v) {
        sum[v] += re[k] * c[v];
        sum[v] += im[k] * s[v];
      }
    }
#pragma GCC unroll 4
    for (size_t v = 0; v < kVectors; ++v) reinterpret_cast<Vector*>(sums + t)[v] = sum[v];
  }
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void InvertAvx2(const double* re, const double* im,
                                                const double* cosine, const double* sine,
                                                size_t bins, size_t lanes, double* sums) {
  Invert<4>(re, im, cosine, sine, bins, lanes, sums);
}
#endif

}  // namespace

SlidingSaliency::SlidingSaliency(size_t window, size_t size, size_t tail)
    : window_(window),
      size_(size),
      tail_(tail),
      bins_(size / 2 + 1),
      lanes_((tail + kGroup - 1) / kGroup * kGroup) {
  for (auto* column : {&re_, &im_, &turn_re_, &turn_im_, &last_re_, &last_im_, &ahead_re_,
                       &ahead_im_, &spectrum_re_, &spectrum_im_})
    column->assign(bins_, 0);
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
      cos_[k * lanes_ + i] = twice * std::cos(angle) / static_cast<double>(size);
      sin_[k * lanes_ + i] = -twice * std::sin(angle) / static_cast<double>(size);
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
  const double come = window.back();
  for (size_t k = 0; k < bins_; ++k) {
    const double re = re_[k] - left;
    re_[k] = re * turn_re_[k] - im_[k] * turn_im_[k] + come * last_re_[k];
    im_[k] = re * turn_im_[k] + im_[k] * turn_re_[k] + come * last_im_[k];
  }
}

void SlidingSaliency::Saliency(double ahead, std::span<double> out) {
  double* const power = power_.data() + 1;
  for (size_t k = 0; k < bins_; ++k) {
    spectrum_re_[k] = re_[k] + ahead * ahead_re_[k];
    spectrum_im_[k] = im_[k] + ahead * ahead_im_[k];
    power[k] = spectrum_re_[k] * spectrum_re_[k] + spectrum_im_[k] * spectrum_im_[k];
  }
  scale_ = *std::max_element(power, power + bins_);
  if (!(scale_ > 1e-200 && scale_ < 1e200)) {
    std::fill(out.begin(), out.end(), 0);
    return;
  }
  const double unit = 1 / scale_;
  for (size_t k = 0; k < bins_; ++k) power[k] = power[k] * unit + kFloor;
  power_[0] = power[1];
  power[bins_] = size_ % 2 == 0 ? power[bins_ - 2] : power[bins_ - 1];
  InverseSixthRoots(power_.data(), bins_ + 2, single_.data(), root_.data());
  // The mean of the logarithms of three amplitudes, taken off, is a division by their cube root.
  const double amplitude = std::sqrt(unit);
  const double* const root = root_.data() + 1;
  for (size_t k = 0; k < bins_; ++k) {
    const double residual =
        amplitude * (root[static_cast<ptrdiff_t>(k) - 1] * root[k] * root[k + 1]);
    spectrum_re_[k] *= residual;
    spectrum_im_[k] *= residual;
  }
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2");
  if (wide) {
    InvertAvx2(spectrum_re_.data(), spectrum_im_.data(), cos_.data(), sin_.data(), bins_, lanes_,
               sums_.data());
  } else {
    Invert<2>(spectrum_re_.data(), spectrum_im_.data(), cos_.data(), sin_.data(), bins_, lanes_,
              sums_.data());
  }
#else
  Invert<2>(spectrum_re_.data(), spectrum_im_.data(), cos_.data(), sin_.data(), bins_, lanes_,
            sums_.data());
#endif
  for (size_t i = 0; i < tail_; ++i) out[i] = std::abs(sums_[i]);
}

}  // namespace opsmesh::analytics
