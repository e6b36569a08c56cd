// The detectors by name: which there are, which vote by default, and how each scores a series, in
// one scale.
//
// Every method's own distance is calibrated so that 0.65, the shipped threshold (decision 29), is
// reached exactly at its usual limit: 3 standard deviations, 3.5 robust ones, 3 interquartile
// ranges, and so on (docs/analytics.md). Deterministic: what is random is seeded. Thread-safe: no
// state.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace opsmesh::analytics {

enum class Method {
  kEnsemble,
  kZScore,
  kRobustZ,
  kIqr,
  kIsolationForest,
  kDbscan,
  kStl,
  kSeasonalEsd,
  kSpectralResidual,
  kMatrixProfile,
  kBocpd,
  kPelt,
};

/// "ensemble", "zscore", "robust_z", "iqr", "isolation_forest", "dbscan", "stl", "shesd",
/// "spectral_residual", "matrix_profile", "bocpd", "pelt".
std::string_view MethodName(Method method);

/// Upper and lower case, "-", "_" and blanks are the same; "mad", "z_score", "iforest", "s_h_esd"
/// and "sr" are understood.
std::optional<Method> MethodNamed(std::string_view name);

/// All of them, in order.
std::span<const Method> AllMethods();
/// Those that vote when none are named: cheap enough for every series of a cluster.
std::span<const Method> DefaultMethods();

struct MethodOptions {
  bool streaming = false;
  double season_seconds = 0;  // 0 = found from the series
  uint64_t seed = 0;
  double dbscan_eps = 0.5;  // standard deviations of each feature
  int dbscan_min_samples = 5;
  int feature_count = 4;  // 1 or 4, of DBSCAN and the isolation forest
};

/// What one method says.
struct MethodScores {
  std::vector<double> scores;      // 0 to 1, one a sample; 0 for missing ones
  std::vector<double> expected;    // one a sample; empty when the method expects nothing
  std::vector<int> labels;         // DBSCAN: cluster or -1
  std::vector<int> change_points;  // first samples of new regimes
  std::string parameters;
  std::optional<std::string> not_judged;
};

/// `times` in epoch seconds, not falling, as long as `values`. Not for kEnsemble, which has its own
/// functions.
MethodScores RunMethod(Method method, std::span<const double> times, std::span<const double> values,
                       const MethodOptions& options);

/// Score of a distance whose usual limit is `limit`: 0.65 there, 0 at 0, towards 1 beyond.
double CalibratedScore(double distance, double limit);

}  // namespace opsmesh::analytics
