#include "libs/analytics/forecast/linear.h"

#include <cmath>

namespace opsmesh::analytics::forecast {

Ridge::Ridge(size_t columns, double penalty)
    : columns_(columns), penalty_(penalty), gram_(columns * columns), moment_(columns) {}

void Ridge::Add(std::span<const double> row, double target, double weight) {
  count_ += weight;
  for (size_t i = 0; i < columns_; ++i) {
    const double scaled = weight * row[i];
    if (scaled == 0) continue;
    double* const gram = &gram_[i * columns_];
    for (size_t j = 0; j <= i; ++j) gram[j] += scaled * row[j];
    moment_[i] += scaled * target;
  }
}

std::vector<double> Ridge::Solve() const {
  if (count_ <= 0) return {};
  // Cholesky, in place on a copy.
  std::vector<double> l = gram_;
  for (size_t i = 0; i < columns_; ++i) l[i * columns_ + i] += penalty_;
  for (size_t i = 0; i < columns_; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double sum = l[i * columns_ + j];
      for (size_t k = 0; k < j; ++k) sum -= l[i * columns_ + k] * l[j * columns_ + k];
      if (i != j) {
        l[i * columns_ + j] = sum / l[j * columns_ + j];
      } else if (sum > 0 && std::isfinite(sum)) {
        l[i * columns_ + i] = std::sqrt(sum);
      } else {
        return {};
      }
    }
  }
  std::vector<double> beta = moment_;
  for (size_t i = 0; i < columns_; ++i) {
    for (size_t k = 0; k < i; ++k) beta[i] -= l[i * columns_ + k] * beta[k];
    beta[i] /= l[i * columns_ + i];
  }
  for (size_t i = columns_; i-- > 0;) {
    for (size_t k = i + 1; k < columns_; ++k) beta[i] -= l[k * columns_ + i] * beta[k];
    beta[i] /= l[i * columns_ + i];
  }
  return beta;
}

}  // namespace opsmesh::analytics::forecast
