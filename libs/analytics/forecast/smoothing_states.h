// The states of exponential smoothing: how they move with each sample, and those a series starts
// from. Private to exponential smoothing.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "libs/analytics/forecast/exponential_smoothing.h"

namespace opsmesh::analytics::forecast {

struct Rates {
  double alpha = 0, beta = 0, gamma = 0, phi = 0;
};

struct States {
  double level = 0, trend = 0;
  std::vector<double> season;  // one 0 when there is none
};

/// From a classical decomposition of the first cycles: `y` has at least 10 samples, and two cycles
/// where the form has a season.
States InitialStates(std::span<const double> y, const SmoothingForm& form);

/// One step after the other; returns the squared error, and the errors when `errors` is not null.
/// With `y` empty the series is `count` zeros: what the initial states alone bring about.
double PlainPass(std::span<const double> y, size_t count, const Rates& r, States& s,
                 double* errors);

/// Moves the initial states to those that minimise the squared errors for given rates. The errors
/// are linear in them, so that this is least squares: conjugate gradients (CGLS; Hestenes and
/// Stiefel, 1952), each step a pass forwards and one backwards.
void ImproveStates(std::span<const double> y, const Rates& r, const SmoothingForm& form,
                   States& initial);

}  // namespace opsmesh::analytics::forecast
