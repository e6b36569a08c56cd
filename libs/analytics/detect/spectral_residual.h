// Spectral residual (Ren et al., KDD 2019): what the logarithm of the amplitude spectrum has beyond
// its own moving mean, taken back into time, stands out where the series surprises. A cheap second
// opinion. Pure, deterministic.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace opsmesh::analytics {

struct SpectralResidualOptions {
  size_t spectrum_window = 3;   // bins of the mean of the log spectrum
  size_t saliency_window = 21;  // samples the saliency is compared with
};

/// Relative saliency of each sample, >= 0: 3 = four times its surroundings. No NaN in `values`;
/// empty for fewer than 12.
std::vector<double> SpectralResidual(std::span<const double> values,
                                     const SpectralResidualOptions& options = {});

/// The same for a stream: each sample from the `window` samples up to it, prolonged by the last
/// slope as in the paper.
std::vector<double> SpectralResidualStreaming(std::span<const double> values, size_t window = 128,
                                              const SpectralResidualOptions& options = {});

/// The strongest period of the series, in samples, by autocorrelation of its spectrum; 0 = none.
/// Between `least` and a third of the series.
size_t DominantPeriod(std::span<const double> values, size_t least = 4);

}  // namespace opsmesh::analytics
