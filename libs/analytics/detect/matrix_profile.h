// Matrix profile (Yeh et al., ICDM 2016; diagonal order as in SCRIMP) and Sub-KNN: how far each
// stretch of a series is from the stretch most like it elsewhere. What is like nothing else is a
// discord. O(n^2) time, O(n) memory; in the form for streams a stretch is compared with earlier
// ones only. Pure, deterministic.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace opsmesh::analytics {

struct MatrixProfileOptions {
  size_t window = 0;       // samples of a stretch, >= 4
  bool past_only = false;  // compare with what came before
  bool normalise =
      true;  // compare shapes (z-normalised); false = the values themselves, as Sub-KNN does
  size_t neighbour = 1;  // distance to the k-th nearest stretch, 1 to 8
};

/// Distance of the stretch that begins at each sample: size - window + 1 values; NaN where there is
/// nothing to compare with. No NaN in `values`. Empty for fewer than 2 windows.
std::vector<double> MatrixProfile(std::span<const double> values,
                                  const MatrixProfileOptions& options);

}  // namespace opsmesh::analytics
