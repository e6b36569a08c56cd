#include "services/rca/detection_plan.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <string>

#include "fmt/format.h"
#include "libs/analytics/series.h"
#include "libs/base/error.h"

namespace opsmesh::rca {
namespace {

using analytics::Method;

constexpr int kMaxSeries = 10000;
constexpr size_t kMaxPoints = 5'000'000;

absl::Status ChooseMethods(const v1::DetectAnomaliesRequest& request, DetectionPlan& plan) {
  for (const std::string& name : request.methods()) {
    const std::optional<Method> method = analytics::MethodNamed(name);
    if (!method) {
      std::string known;
      for (const Method m : analytics::AllMethods())
        known += fmt::format("{}{}", known.empty() ? "" : ", ", MethodName(m));
      return base::InvalidArgument("methods", "METHOD", fmt::format("'{}' is no method.", name))
          .Hint(fmt::format("Known are {}.", known));
    }
    if (std::find(plan.methods.begin(), plan.methods.end(), *method) == plan.methods.end())
      plan.methods.push_back(*method);
  }
  if (plan.methods.empty()) {
    plan.methods.assign(analytics::DefaultMethods().begin(), analytics::DefaultMethods().end());
  }
  plan.ensemble =
      std::find(plan.methods.begin(), plan.methods.end(), Method::kEnsemble) != plan.methods.end();
  return absl::OkStatus();
}

absl::Status CheckParameters(const v1::DetectAnomaliesRequest& request) {
  if (request.dbscan_eps() < 0 || !std::isfinite(request.dbscan_eps()) ||
      request.dbscan_min_samples() < 0 ||
      (request.feature_count() != 0 && request.feature_count() != 1 &&
       request.feature_count() != 4) ||
      !(request.season_seconds() >= 0)) {
    return base::InvalidArgument("dbscan_eps", "PARAMETER",
                                 "A parameter of a method is out of its range.")
        .Hint(
            "dbscan_eps and season_seconds are not negative, dbscan_min_samples is at least 1, "
            "feature_count is 1 or 4.");
  }
  return absl::OkStatus();
}

absl::Status CheckSeries(const v1::NamedSeries& s, const std::string& field) {
  if (s.times_size() != s.values_size()) {
    return base::InvalidArgument(field, "SERIES_SHAPE",
                                 fmt::format("Series '{}' has {} times and {} values.", s.name(),
                                             s.times_size(), s.values_size()))
        .Hint("Give one value a time; leave out the time of a value that is missing.");
  }
  for (int k = 0; k < s.times_size(); ++k) {
    if (std::isfinite(s.times(k)) && (k == 0 || s.times(k) >= s.times(k - 1))) continue;
    return base::InvalidArgument(
               fmt::format("{}.times[{}]", field, k), "SERIES_SHAPE",
               fmt::format("Times of series '{}' fall or are no numbers at position {}.", s.name(),
                           k))
        .Hint("Sort the points by time; times are epoch seconds.");
  }
  if (s.times_size() == 0) return absl::OkStatus();
  return analytics::CheckEpochSeconds(s.times(0), field + ".times");
}

}  // namespace

absl::StatusOr<DetectionPlan> MakeDetectionPlan(const v1::DetectAnomaliesRequest& request,
                                                double threshold) {
  DetectionPlan plan;
  std::string mode;
  for (const char c : request.mode())
    mode += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (mode != "" && mode != "BATCH" && mode != "STREAMING") {
    return base::InvalidArgument("mode", "MODE", fmt::format("'{}' is no mode.", request.mode()))
        .Hint("STREAMING scores each point from its past only, BATCH from the whole series.");
  }
  plan.streaming = mode == "STREAMING";
  plan.threshold = request.has_threshold() ? request.threshold() : threshold;
  if (!(plan.threshold >= 0 && plan.threshold <= 1)) {
    return base::InvalidArgument("threshold", "THRESHOLD",
                                 fmt::format("{} is not between 0 and 1.", plan.threshold))
        .Hint("0.65 is the shipped operating point; higher reports less.");
  }
  OPSMESH_RETURN_IF_ERROR(ChooseMethods(request, plan));
  OPSMESH_RETURN_IF_ERROR(CheckParameters(request));
  plan.options.streaming = plan.streaming;
  plan.options.season_seconds = request.season_seconds();
  plan.options.seed = static_cast<uint64_t>(request.seed());
  if (request.dbscan_eps() > 0) plan.options.dbscan_eps = request.dbscan_eps();
  if (request.dbscan_min_samples() > 0)
    plan.options.dbscan_min_samples = request.dbscan_min_samples();
  if (request.feature_count() > 0) plan.options.feature_count = request.feature_count();
  return plan;
}

absl::Status CheckInlineSeries(const v1::DetectAnomaliesRequest& request) {
  if (request.series_size() > kMaxSeries) {
    return base::InvalidArgument(
               "series", "TOO_MANY_SERIES",
               fmt::format("{} series are more than {}.", request.series_size(), kMaxSeries))
        .Hint("Send them in several requests.");
  }
  size_t points = 0;
  for (int i = 0; i < request.series_size(); ++i) {
    OPSMESH_RETURN_IF_ERROR(CheckSeries(request.series(i), fmt::format("series[{}]", i)));
    points += static_cast<size_t>(request.series(i).times_size());
  }
  if (points > kMaxPoints) {
    return base::InvalidArgument("series", "TOO_MANY_SERIES",
                                 fmt::format("{} points are more than {}.", points, kMaxPoints))
        .Hint("Send them in several requests.");
  }
  return absl::OkStatus();
}

}  // namespace opsmesh::rca
