// Spectral residual (Ren et al., KDD 2019): what the logarithm of the amplitude spectrum has beyond
// its own moving mean (of three bins; the spectrum is periodic, and so is the mean), taken back
// into time, stands out where the series surprises. A cheap second opinion. Pure, deterministic.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace opsmesh::analytics {

struct SpectralResidualOptions {
  size_t saliency_window = 21;  // samples the saliency is compared with
};

/// Relative saliency of each sample, >= 0: 3 = four times its surroundings. No NaN in `values`;
/// empty for fewer than 12.
std::vector<double> SpectralResidual(std::span<const double> values,
                                     const SpectralResidualOptions& options = {});

/// The same for a stream: each sample from the `window` samples up to it, prolonged by the mean of
/// those before the last. The spectrum slides along (a rotation and two terms a bin, taken anew
/// every 128 samples), so that a sample costs well below a microsecond. `window` > saliency_window,
/// at most 4096.
std::vector<double> SpectralResidualStreaming(std::span<const double> values, size_t window = 128,
                                              const SpectralResidualOptions& options = {});

/// The strongest period of the series, in samples, by autocorrelation of its spectrum; 0 = none.
/// Between `least` and a third of the series.
size_t DominantPeriod(std::span<const double> values, size_t least = 4);

}  // namespace opsmesh::analytics
