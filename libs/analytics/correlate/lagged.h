// Which of many series move together, and which leads: Pearson's coefficient at every lag, on what
// remains after trend and season, with the false-discovery rate held (Benjamini and Hochberg,
// 1995). All pairs of a lag are one matrix product. Edge evidence only: two series that move
// together are not cause and effect. Pure, deterministic.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace opsmesh::analytics {

struct LaggedOptions {
  size_t max_lag = 10;           // samples either way
  double min_coefficient = 0.5;  // absolute
  double false_discovery_rate = 0.05;
  size_t threads = 1;  // at most; the answer does not depend on it
};

/// A pair that is reported.
struct LaggedPair {
  size_t first = 0;  // moves first, or the smaller index at lag 0
  size_t second = 0;
  size_t lag = 0;  // samples by which `second` follows
  double coefficient = 0;
  double p_value = 0;  // smallest false-discovery rate at which the pair is still reported
};

struct LaggedResult {
  std::vector<LaggedPair> pairs;  // strongest first
  size_t tested = 0;
};

/// `values` is row-major, series x samples, no NaN. The best lag of each pair is tested once, with
/// Bonferroni over its lags; the effective number of samples is corrected for the series' own
/// persistence (Bartlett).
LaggedResult CorrelateLagged(std::span<const double> values, size_t series,
                             const LaggedOptions& options = {});

/// Coefficients at lag -max_lag .. max_lag of all pairs: [lag][a][b] = corr(a[t], b[t + lag]); for
/// the benchmark.
std::vector<float> LagTensor(std::span<const double> values, size_t series, size_t max_lag);

/// Takes a running mean (and the mean of each phase of `period` samples, when it is not 0) off a
/// series, in place.
void ToResiduals(std::span<double> values, size_t period);

/// Benjamini and Hochberg: for each p-value the smallest rate at which it is still a discovery.
std::vector<double> FalseDiscoveryRates(std::span<const double> p_values);

/// p-value of Granger's F test: does the past of `cause` say more about `effect` than its own past,
/// with `lags` samples? 1 when there are too few samples.
double GrangerPValue(std::span<const double> cause, std::span<const double> effect, size_t lags);

/// Partial correlation of each pair given all other series, from the shrunk inverse of the
/// correlation matrix (shrinkage as Schäfer and Strimmer, 2005, with a fixed intensity); row-major
/// series x series.
std::vector<double> PartialCorrelations(std::span<const double> values, size_t series,
                                        double shrinkage = 0.1);

}  // namespace opsmesh::analytics
