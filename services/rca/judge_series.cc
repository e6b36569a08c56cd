#include "services/rca/judge_series.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "libs/analytics/detect/ensemble.h"
#include "libs/analytics/detect/methods.h"
#include "services/rca/metric_source.h"
#include "services/rca/silences.h"

namespace opsmesh::rca {
namespace {

using analytics::EnsemblePoint;
using analytics::Method;
using analytics::MethodScores;

// Fewer usable points than this are no basis for a verdict: the main detector's learning time.
constexpr size_t kMinUsable = 30;
// Anomalies listed of one series; more are a sign of a wrong threshold and are counted by the
// scores.
constexpr int kMaxAnomalies = 1000;

v1::PointAnomaly MakeAnomaly(size_t i, double time, double value, const EnsemblePoint& point) {
  v1::PointAnomaly anomaly;
  anomaly.set_time(time);
  anomaly.set_value(value);
  anomaly.set_score(point.score);
  anomaly.set_baseline(point.baseline);
  anomaly.set_window_seconds(point.window_seconds);
  anomaly.set_channel(std::string(analytics::ChannelName(point.channel)));
  anomaly.set_index(static_cast<int32_t>(i));
  return anomaly;
}

// The season the methods work with: as asked, else a day.
double SeasonSeconds(const DetectionPlan& plan) {
  return plan.options.season_seconds > 0 ? plan.options.season_seconds : 86400;
}

// The values with those that are no measurements as NaN, when there are such.
std::vector<double> Cleaned(std::span<const double> values) {
  if (std::none_of(values.begin(), values.end(),
                   [](double v) { return std::isfinite(v) && !Usable(v); }))
    return {};
  std::vector<double> cleaned(values.begin(), values.end());
  for (double& v : cleaned) {
    if (!Usable(v)) v = std::nan("");
  }
  return cleaned;
}

std::vector<EnsemblePoint> RunEnsemble(const JudgedSeries& s, const DetectionPlan& plan,
                                       v1::SeriesAnomalies* out) {
  analytics::EnsembleOptions ensemble;
  ensemble.season_seconds = SeasonSeconds(plan);
  std::vector<EnsemblePoint> points = plan.streaming
                                          ? analytics::ScoreStreaming(s.times, s.values, ensemble)
                                          : analytics::ScoreBatch(s.times, s.values, ensemble);
  const size_t n = s.values.size();
  int learning = 0;
  for (size_t i = 0; i < n; ++i) {
    out->set_scores(static_cast<int>(i), points[i].score);
    if (std::isfinite(s.values[i]) && points[i].learning) ++learning;
  }
  out->set_learning_count(learning);
  const double length = s.times.back() - s.times.front();
  if (length >= ensemble.season_seconds) out->set_season_seconds(ensemble.season_seconds);
  const double step = length / static_cast<double>(std::max<size_t>(1, n - 1));
  out->set_refractory_seconds(
      std::min(ensemble.refractory_max_seconds,
               step * std::max(static_cast<double>(ensemble.refractory_min_samples),
                               ensemble.refractory_share * static_cast<double>(n))));
  return points;
}

// Of all methods but the ensemble; by place in the plan.
std::vector<MethodScores> RunOthers(const JudgedSeries& s, const DetectionPlan& plan) {
  std::vector<MethodScores> said(plan.methods.size());
  for (size_t m = 0; m < plan.methods.size(); ++m) {
    if (plan.methods[m] != Method::kEnsemble)
      said[m] = RunMethod(plan.methods[m], s.times, s.values, plan.options);
  }
  return said;
}

// The ensemble decides where it is asked for, else whichever method is surest.
void AddAnomalies(const JudgedSeries& s, const DetectionPlan& plan,
                  const std::vector<EnsemblePoint>& points, const std::vector<MethodScores>& said,
                  v1::SeriesAnomalies* out) {
  double last = 0;  // value
  for (size_t i = 0; i < s.values.size() && out->anomalies_size() < kMaxAnomalies; ++i) {
    const bool missing = !std::isfinite(s.values[i]);
    if (missing && !plan.ensemble) continue;
    if (!missing) last = s.values[i];
    double strongest = plan.ensemble ? points[i].score : 0;
    double expected = points[i].baseline;
    if (!plan.ensemble) {
      for (const MethodScores& method : said) {
        if (method.scores.empty() || method.scores[i] <= strongest) continue;
        strongest = method.scores[i];
        if (!method.expected.empty()) expected = method.expected[i];
      }
    }
    if (strongest < plan.threshold || strongest <= 0) continue;
    v1::PointAnomaly anomaly = MakeAnomaly(i, s.times[i], last, points[i]);
    anomaly.set_score(strongest);
    anomaly.set_baseline(expected);
    if (plan.ensemble) (*anomaly.mutable_votes())["ensemble"] = points[i].score;
    for (size_t m = 0; m < said.size(); ++m) {
      if (said[m].scores.empty() || said[m].scores[i] < plan.threshold) continue;
      (*anomaly.mutable_votes())[std::string(MethodName(plan.methods[m]))] = said[m].scores[i];
    }
    *out->add_anomalies() = std::move(anomaly);
  }
}

void AddMethod(const DetectionPlan& plan, Method method, const std::vector<EnsemblePoint>& points,
               const MethodScores& said, v1::SeriesAnomalies* out) {
  v1::MethodResult& result = *out->add_methods();
  result.set_method(std::string(MethodName(method)));
  result.set_threshold(plan.threshold);
  if (method == Method::kEnsemble) {
    for (const EnsemblePoint& point : points) result.add_scores(point.raw);
    result.set_parameters(
        "scores before the refractory rule; season 24 h unless given, window 7 d, level of 6 "
        "samples");
    return;
  }
  *result.mutable_scores() = {said.scores.begin(), said.scores.end()};
  *result.mutable_labels() = {said.labels.begin(), said.labels.end()};
  *result.mutable_change_points() = {said.change_points.begin(), said.change_points.end()};
  result.set_parameters(said.parameters);
  if (said.not_judged) result.set_not_judged(*said.not_judged);
}

}  // namespace

void JudgeSeries(JudgedSeries s, const DetectionPlan& plan, bool include_methods,
                 v1::SeriesAnomalies* out) {
  const std::vector<double> cleaned = Cleaned(s.values);
  if (!cleaned.empty()) s.values = cleaned;
  const size_t n = s.values.size();
  const auto usable = static_cast<size_t>(std::count_if(s.values.begin(), s.values.end(), Usable));
  out->set_threshold(plan.threshold);
  out->set_point_count(static_cast<int32_t>(n));
  out->set_usable_count(static_cast<int32_t>(usable));
  out->mutable_scores()->Resize(static_cast<int>(n), 0);
  if (usable < kMinUsable) {
    out->set_not_judged(fmt::format("insufficient data: {} usable points of {}, {} are needed",
                                    usable, n, kMinUsable));
    return;
  }
  const std::vector<EnsemblePoint> points = RunEnsemble(s, plan, out);
  const std::vector<MethodScores> said = RunOthers(s, plan);
  AddAnomalies(s, plan, points, said, out);
  if (plan.ensemble) AddSilences(s.times, s.values, plan.threshold, s.until, out);
  for (size_t m = 0; m < said.size() && include_methods; ++m)
    AddMethod(plan, plan.methods[m], points, said[m], out);
}

}  // namespace opsmesh::rca
