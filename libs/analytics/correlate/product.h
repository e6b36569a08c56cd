// The product of a matrix with the transpose of another, of rows that may overlap (lags of the same
// series). Compiled once for processors with AVX2 and FMA and once for all; the processor decides
// at run time, the same for all threads.
#pragma once

#include <cstddef>

namespace opsmesh::analytics {

/// out[i * rows + j] = scale * sum over t < columns of a[i * stride + t] * b[j * stride + t].
void ProductOfRows(const float* a, const float* b, size_t rows, size_t columns, size_t stride,
                   float scale, float* out);

}  // namespace opsmesh::analytics
