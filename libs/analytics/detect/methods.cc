#include "libs/analytics/detect/methods.h"

#include <array>
#include <cctype>
#include <cmath>

#include "fmt/format.h"
#include "libs/analytics/detect/point_scores.h"
#include "libs/analytics/detect/shape_methods.h"

namespace opsmesh::analytics {
namespace {

const double kRate = -std::log(1 - 0.65);

constexpr double kZLimit = 3;
constexpr double kRobustZLimit = 3.5;
constexpr double kIqrLimit = 3;

constexpr auto kAll = std::to_array<Method>(
    {Method::kEnsemble, Method::kZScore, Method::kRobustZ, Method::kIqr, Method::kIsolationForest,
     Method::kDbscan, Method::kStl, Method::kSeasonalEsd, Method::kSpectralResidual,
     Method::kMatrixProfile, Method::kBocpd, Method::kPelt});
constexpr auto kDefault =
    std::to_array<Method>({Method::kEnsemble, Method::kZScore, Method::kRobustZ, Method::kIqr,
                           Method::kSpectralResidual, Method::kPelt});

MethodScores Calibrated(PointDistances distances, double limit, std::string parameters) {
  MethodScores result;
  result.scores = std::move(distances.distance);
  for (double& score : result.scores) score = CalibratedScore(score, limit);
  result.expected = std::move(distances.expected);
  result.parameters = std::move(parameters);
  return result;
}

}  // namespace

double CalibratedScore(double distance, double limit) {
  return distance > 0 ? 1 - std::exp(-kRate * distance / limit) : 0;
}

std::string_view MethodName(Method method) {
  switch (method) {
    case Method::kEnsemble:
      return "ensemble";
    case Method::kZScore:
      return "zscore";
    case Method::kRobustZ:
      return "robust_z";
    case Method::kIqr:
      return "iqr";
    case Method::kIsolationForest:
      return "isolation_forest";
    case Method::kDbscan:
      return "dbscan";
    case Method::kStl:
      return "stl";
    case Method::kSeasonalEsd:
      return "shesd";
    case Method::kSpectralResidual:
      return "spectral_residual";
    case Method::kMatrixProfile:
      return "matrix_profile";
    case Method::kBocpd:
      return "bocpd";
    case Method::kPelt:
      return "pelt";
  }
  return "ensemble";
}

std::optional<Method> MethodNamed(std::string_view name) {
  std::string key;
  for (const char c : name) {
    if (c != '-' && c != '_' && c != ' ')
      key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  for (const Method method : kAll) {
    std::string own;
    for (const char c : MethodName(method)) {
      if (c != '_') own += c;
    }
    if (own == key) return method;
  }
  struct Alias {
    std::string_view name;
    Method method;
  };
  static constexpr auto kAliases =
      std::to_array<Alias>({{"mad", Method::kRobustZ},
                            {"robustzscore", Method::kRobustZ},
                            {"medianabsolutedeviation", Method::kRobustZ},
                            {"z", Method::kZScore},
                            {"interquartilerange", Method::kIqr},
                            {"esd", Method::kSeasonalEsd},
                            {"hybridesd", Method::kSeasonalEsd},
                            {"iforest", Method::kIsolationForest},
                            {"seasonalhybridesd", Method::kSeasonalEsd},
                            {"sr", Method::kSpectralResidual},
                            {"subknn", Method::kMatrixProfile},
                            {"tailprobability", Method::kEnsemble},
                            {"tailprobabilityensemble", Method::kEnsemble}});
  for (const Alias& alias : kAliases) {
    if (alias.name == key) return alias.method;
  }
  return std::nullopt;
}

std::span<const Method> AllMethods() { return kAll; }
std::span<const Method> DefaultMethods() { return kDefault; }

MethodScores RunMethod(Method method, std::span<const double> times, std::span<const double> values,
                       const MethodOptions& options) {
  switch (method) {
    case Method::kZScore:
      return Calibrated(ZScores(values, options.streaming), kZLimit, "limit 3 standard deviations");
    case Method::kRobustZ:
      return Calibrated(RobustZScores(values, options.streaming), kRobustZLimit,
                        "limit 3.5 scaled median absolute deviations");
    case Method::kIqr:
      return Calibrated(IqrDistances(values, options.streaming), kIqrLimit,
                        "limit 3 interquartile ranges beyond the quartiles");
    case Method::kEnsemble:
      break;
    default:
      return RunShapeMethod(method, times, values, options);
  }
  MethodScores none;
  none.not_judged = "the ensemble has functions of its own";
  return none;
}

}  // namespace opsmesh::analytics
