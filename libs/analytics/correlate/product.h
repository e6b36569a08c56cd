// Products of all rows of a matrix with all rows shifted by a lag: the inner loop of lagged
// correlation. Rows are packed sixteen side by side, so that a shift is a whole step in memory and
// every load is aligned.
//
// Compiled for AVX-512, for AVX2 and for every processor; the processor decides at run time. Each
// sum runs over the samples in their order, without fused multiply-add, so that the bytes are the
// same on all three and do not depend on who computes which panel. Immutable; thread-safe.
#pragma once

#include <cstddef>
#include <memory>

namespace opsmesh::analytics {

class LagProducts {
 public:
  /// Rows a panel holds.
  static constexpr size_t kPanel = 16;
  /// Lags one call may ask for: their block of rows stays in the first cache.
  static constexpr size_t kLags = 16;

  /// `rows` x `columns` floats, row-major, copied.
  LagProducts(const float* data, size_t rows, size_t columns);

  size_t panels() const { return panels_; }
  /// `rows` rounded up to whole panels: the length of a row of Panel's output.
  size_t padded_rows() const { return panels_ * kPanel; }

  /// For rows i of the panel (from 16 * panel on), lags from `first` to `first` + `count` - 1 (at
  /// most kLags of them, each below `columns`) and all rows j:
  /// out[((lag - first) * 16 + i) * padded_rows() + j] = sum of row_i[t] * row_j[t + lag].
  /// Rows beyond the last are 0.
  void Panel(size_t panel, size_t first, size_t count, float* out) const;

  /// How a product is computed; the widest the processor knows unless a test chooses.
  enum class Width { kAny, kAvx2, kAvx512 };
  static Width WidestWidth();
  void Panel(size_t panel, size_t first, size_t count, float* out, Width width) const;

 private:
  struct Free {
    void operator()(float* memory) const;
  };
  size_t columns_;
  size_t panels_;
  std::unique_ptr<float[], Free> packed_;  // panel by panel, sample by sample, 16 rows
};

}  // namespace opsmesh::analytics
