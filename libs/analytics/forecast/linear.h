// Ridge regression from running sums: rows are added, the coefficients are solved for whenever they
// are needed.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace opsmesh::analytics::forecast {

/// Least squares with a penalty on the size of the coefficients. Not thread-safe.
class Ridge {
 public:
  /// `penalty` is added to the diagonal, times the number of rows when `scaled`.
  Ridge(size_t columns, double penalty);

  void Add(std::span<const double> row, double target, double weight = 1);
  /// The coefficients; empty when the sums are singular beyond repair or no row was added.
  std::vector<double> Solve() const;

 private:
  const size_t columns_;
  const double penalty_;
  double count_ = 0;
  std::vector<double> gram_;    // columns x columns, lower triangle
  std::vector<double> moment_;  // columns
};

}  // namespace opsmesh::analytics::forecast
