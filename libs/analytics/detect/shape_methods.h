// The methods that need more than one sample at a time, in the one scale of methods.h. A stream is
// judged causally: models are fitted to the past at growing intervals, distances are taken to the
// past only.
#pragma once

#include <span>

#include "libs/analytics/detect/methods.h"

namespace opsmesh::analytics {

/// For kIsolationForest, kDbscan, kStl, kSeasonalEsd, kSpectralResidual, kMatrixProfile, kBocpd and
/// kPelt.
MethodScores RunShapeMethod(Method method, std::span<const double> times,
                            std::span<const double> values, const MethodOptions& options);

/// Features of the isolation forest and DBSCAN, row-major: the value; with 4 also the step, mean
/// and deviation of the last 5.
std::vector<double> PointFeatures(std::span<const double> values, int count);

}  // namespace opsmesh::analytics
