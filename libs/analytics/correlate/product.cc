#include "libs/analytics/correlate/product.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace opsmesh::analytics {
namespace {

constexpr size_t kPanel = LagProducts::kPanel;
// Samples of a block: 8 KB of either operand, which stay in the first cache for all lags.
constexpr size_t kBlock = 128;
constexpr size_t kAlignment = 64;

// A tile of kRows x 16 sums in registers. Lanes are the rows j, so that no sum is ever split: its
// order is that of the samples whatever the width.
template <size_t kLanes, size_t kRows>
__attribute__((always_inline)) inline void Tile(const float* a, const float* b, size_t steps,
                                                float* out, size_t stride) {
  typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));
  typedef float Unaligned __attribute__((vector_size(kLanes * sizeof(float)), aligned(4)));
  constexpr size_t kVectors = kPanel / kLanes;
  Vector sum[kRows][kVectors];
#pragma GCC unroll 16
  for (size_t i = 0; i < kRows; ++i) {
#pragma GCC unroll 16
    for (size_t v = 0; v < kVectors; ++v) sum[i][v] = Vector{};
  }
  for (size_t t = 0; t < steps; ++t) {
    const Vector* right = reinterpret_cast<const Vector*>(b + t * kPanel);
    const float* left = a + t * kPanel;
#pragma GCC unroll 16
    for (size_t i = 0; i < kRows; ++i) {
#pragma GCC unroll 16
      for (size_t v = 0; v < kVectors; ++v) sum[i][v] += left[i] * right[v];
    }
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < kRows; ++i) {
#pragma GCC unroll 16
    for (size_t v = 0; v < kVectors; ++v)
      reinterpret_cast<Unaligned*>(out + i * stride)[v] += sum[i][v];
  }
}

struct Job {
  const float* packed;
  size_t columns, panels, panel, first, count;
  float* out;
};

template <size_t kLanes, size_t kRows>
__attribute__((always_inline)) inline void Run(const Job& job) {
  const size_t stride = job.panels * kPanel, height = job.columns * kPanel;
  std::fill(job.out, job.out + job.count * kPanel * stride, 0.0F);
  const float* a = job.packed + job.panel * height;
  for (size_t t = 0; t < job.columns; t += kBlock) {
    for (size_t j = 0; j < job.panels; ++j) {
      const float* b = job.packed + j * height;
      for (size_t k = 0; k < job.count; ++k) {
        const size_t lag = job.first + k;
        if (t + lag >= job.columns) break;
        const size_t steps = std::min(kBlock, job.columns - lag - t);
        float* out = job.out + k * kPanel * stride + j * kPanel;
        for (size_t i = 0; i < kPanel; i += kRows)
          Tile<kLanes, kRows>(a + t * kPanel + i, b + (t + lag) * kPanel, steps, out + i * stride,
                              stride);
      }
    }
  }
}

void RunAny(const Job& job) { Run<4, 2>(job); }

#if defined(__x86_64__)
__attribute__((target("avx2"))) void RunAvx2(const Job& job) { Run<8, 4>(job); }
__attribute__((target("avx512f"))) void RunAvx512(const Job& job) { Run<16, 16>(job); }
#endif

}  // namespace

void LagProducts::Free::operator()(float* memory) const { std::free(memory); }

LagProducts::LagProducts(const float* data, size_t rows, size_t columns)
    : columns_(columns), panels_((rows + kPanel - 1) / kPanel) {
  const size_t size = std::max<size_t>(1, panels_ * columns_ * kPanel);
  packed_.reset(static_cast<float*>(
      std::aligned_alloc(kAlignment, size * sizeof(float) / kAlignment * kAlignment + kAlignment)));
  if (packed_ == nullptr) throw std::bad_alloc();
  for (size_t p = 0; p < panels_; ++p) {
    float* panel = packed_.get() + p * columns_ * kPanel;
    for (size_t i = 0; i < kPanel; ++i) {
      const size_t row = p * kPanel + i;
      for (size_t t = 0; t < columns_; ++t)
        panel[t * kPanel + i] = row < rows ? data[row * columns_ + t] : 0;
    }
  }
}

LagProducts::Width LagProducts::WidestWidth() {
#if defined(__x86_64__)
  static const Width widest = __builtin_cpu_supports("avx512f") ? Width::kAvx512
                              : __builtin_cpu_supports("avx2")  ? Width::kAvx2
                                                                : Width::kAny;
  return widest;
#else
  return Width::kAny;
#endif
}

void LagProducts::Panel(size_t panel, size_t first, size_t count, float* out) const {
  Panel(panel, first, count, out, WidestWidth());
}

void LagProducts::Panel(size_t panel, size_t first, size_t count, float* out, Width width) const {
  const Job job{packed_.get(), columns_, panels_, panel, first, count, out};
#if defined(__x86_64__)
  if (width == Width::kAvx512) return RunAvx512(job);
  if (width == Width::kAvx2) return RunAvx2(job);
#endif
  (void)width;
  RunAny(job);
}

}  // namespace opsmesh::analytics
