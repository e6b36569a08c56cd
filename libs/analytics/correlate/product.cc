#include "libs/analytics/correlate/product.h"

#include <algorithm>

namespace opsmesh::analytics {
namespace {

// Lanes of a vector: GCC's vector extension becomes AVX2 or two SSE registers.
constexpr size_t kLanes = 8;
typedef float Vector __attribute__((vector_size(kLanes * sizeof(float)), aligned(4)));
constexpr size_t kRowsA = 3, kRowsB = 4;  // sums held in registers at a time
constexpr size_t kColumns = 512;          // of a block that stays in the first cache

template <size_t kA, size_t kB>
__attribute__((always_inline)) inline void Block(const float* a, const float* b, size_t stride,
                                                 size_t columns, float* out, size_t rows) {
  Vector sum[kA][kB] = {};
  size_t t = 0;
  for (; t + kLanes <= columns; t += kLanes) {
    Vector right[kB];
    for (size_t j = 0; j < kB; ++j) right[j] = *reinterpret_cast<const Vector*>(b + j * stride + t);
    for (size_t i = 0; i < kA; ++i) {
      const Vector left = *reinterpret_cast<const Vector*>(a + i * stride + t);
      for (size_t j = 0; j < kB; ++j) sum[i][j] += left * right[j];
    }
  }
  for (size_t i = 0; i < kA; ++i) {
    for (size_t j = 0; j < kB; ++j) {
      float total = 0;
      for (size_t l = 0; l < kLanes; ++l) total += sum[i][j][l];
      for (size_t k = t; k < columns; ++k) total += a[i * stride + k] * b[j * stride + k];
      out[i * rows + j] += total;
    }
  }
}

__attribute__((always_inline)) inline void Product(const float* a, const float* b, size_t rows,
                                                   size_t columns, size_t stride, float scale,
                                                   float* out) {
  std::fill(out, out + rows * rows, 0.0F);
  for (size_t t = 0; t < columns; t += kColumns) {
    const size_t width = std::min(kColumns, columns - t);
    size_t i = 0;
    for (; i + kRowsA <= rows; i += kRowsA) {
      size_t j = 0;
      for (; j + kRowsB <= rows; j += kRowsB)
        Block<kRowsA, kRowsB>(a + i * stride + t, b + j * stride + t, stride, width,
                              out + i * rows + j, rows);
      for (; j < rows; ++j)
        Block<kRowsA, 1>(a + i * stride + t, b + j * stride + t, stride, width, out + i * rows + j,
                         rows);
    }
    for (; i < rows; ++i) {
      size_t j = 0;
      for (; j + kRowsB <= rows; j += kRowsB)
        Block<1, kRowsB>(a + i * stride + t, b + j * stride + t, stride, width, out + i * rows + j,
                         rows);
      for (; j < rows; ++j)
        Block<1, 1>(a + i * stride + t, b + j * stride + t, stride, width, out + i * rows + j,
                    rows);
    }
  }
  for (size_t k = 0; k < rows * rows; ++k) out[k] *= scale;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void ProductAvx2(const float* a, const float* b, size_t rows,
                                                     size_t columns, size_t stride, float scale,
                                                     float* out) {
  Product(a, b, rows, columns, stride, scale, out);
}
#endif

}  // namespace

void ProductOfRows(const float* a, const float* b, size_t rows, size_t columns, size_t stride,
                   float scale, float* out) {
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (wide) return ProductAvx2(a, b, rows, columns, stride, scale, out);
#endif
  Product(a, b, rows, columns, stride, scale, out);
}

}  // namespace opsmesh::analytics
