// Exponential smoothing in the additive error form: level, optional (damped) trend, optional season
// (Holt 1957, Winters 1960; state-space form and AICc: Hyndman, Koehler, Ord and Snyder, 2008).
//
// Smoothing parameters and initial states minimise the squared one-step errors, in turn. The
// parameters by a compass search without gradients, of which all eight trials of a round run
// through the series in one pass, side by side in vectors; the initial states, in which the errors
// are linear, by conjugate gradients from a classical decomposition of the first cycles. Pure,
// deterministic, the same bytes on every processor.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace opsmesh::analytics::forecast {

enum class TrendForm { kNone, kAdditive, kDamped };

struct SmoothingForm {
  size_t period = 0;  // samples of the season; below 2 = no season
  TrendForm trend = TrendForm::kNone;
};

/// A plain value.
struct SmoothingFit {
  SmoothingForm form;
  double alpha = 0;  // of the level, 0 to 1
  double beta = 0;   // of the trend, 0 to alpha
  double gamma = 0;  // of the season, 0 to 1 - alpha
  double phi = 1;    // damping of the trend
  double level = 0;  // states after the last sample
  double trend = 0;
  std::vector<double> season;  // a ring
  size_t phase = 0;            // of `season`, of the next sample
  double squared_error = 0;    // sum over all samples, one step ahead
  double aicc = 0;

  /// Moves the states on by a sample, the rates as they are.
  void Advance(double value);
  /// The next `horizon` values.
  std::vector<double> Forecast(size_t horizon) const;
};

/// Fits one form. Nothing for fewer than 10 samples or two periods, or values that are not finite.
std::optional<SmoothingFit> FitSmoothing(std::span<const double> values, const SmoothingForm& form);

/// The best by AICc of the six forms: no trend, a trend, a damped one; each without a season and,
/// when `period` >= 2 and the history holds two of them, with it.
std::optional<SmoothingFit> FitBestSmoothing(std::span<const double> values, size_t period);

}  // namespace opsmesh::analytics::forecast
