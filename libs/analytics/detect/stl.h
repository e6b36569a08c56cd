// STL: trend, season and remainder by loess (Cleveland, Cleveland, McRae and Terpenning, 1990), and
// the seasonal hybrid ESD test on the remainder (Hochenbaum, Vallis and Kejariwal, 2017;
// generalised ESD: Rosner, 1983). Loess is evaluated every few samples and interpolated between, as
// the authors' own program does. Pure, deterministic.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace opsmesh::analytics {

struct StlOptions {
  size_t period = 0;           // samples, >= 2; the series must hold two of them
  size_t seasonal_window = 7;  // cycles, odd
  bool robust = true;          // outliers weigh less, at the price of more passes
  size_t inner_passes = 2;
  size_t outer_passes = 15;
};

struct StlResult {
  std::vector<double> season;
  std::vector<double> trend;
  std::vector<double> remainder;
};

/// No NaN in `values`. Empty when there are fewer than two periods.
StlResult Stl(std::span<const double> values, const StlOptions& options);

/// What the ESD test holds for outliers, strongest first, at most `share` of the samples, at
/// significance `alpha`; distances are from the median in scaled median absolute deviations.
std::vector<size_t> EsdOutliers(std::span<const double> values, double share = 0.1,
                                double alpha = 0.05);

/// Critical value of the first step of the ESD test with n samples.
double EsdCriticalValue(size_t n, size_t step, double alpha);

}  // namespace opsmesh::analytics
