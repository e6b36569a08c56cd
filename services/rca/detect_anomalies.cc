#include "services/rca/detect_anomalies.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "libs/analytics/detect/ensemble.h"
#include "libs/analytics/detect/methods.h"
#include "libs/analytics/parallel.h"
#include "libs/analytics/series.h"
#include "libs/base/error.h"
#include "services/rca/silences.h"

namespace opsmesh::rca {
namespace {

using analytics::Method;

constexpr int kMaxSeries = 10000;
constexpr size_t kMaxPoints = 5'000'000;
// Fewer usable points than this are no basis for a verdict: the main detector's learning time.
constexpr size_t kMinUsable = 30;
// Anomalies listed of one series; more are a sign of a wrong threshold and are counted by the
// scores.
constexpr int kMaxAnomalies = 1000;
// Of what is read from Prometheus: judged at once, ...
constexpr size_t kBatchPoints = 100'000;
constexpr size_t kBatchSeries = 1000;
// Share of the time after which nothing more is judged: what is left is for sending.
constexpr double kJudgingShare = 0.9;
// ... scores an answer holds (some 20 MB of JSON), and anomalies.
constexpr size_t kMaxScores = 1'000'000;
constexpr int kMaxAllAnomalies = 50'000;

struct Plan {
  bool streaming = false;
  std::vector<Method> methods;
  bool ensemble = false;
  double threshold = 0.65;
  analytics::MethodOptions options;
};

absl::StatusOr<Plan> MakePlan(const v1::DetectAnomaliesRequest& request,
                              const DetectOptions& options) {
  Plan plan;
  std::string mode;
  for (const char c : request.mode())
    mode += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (mode != "" && mode != "BATCH" && mode != "STREAMING") {
    return base::InvalidArgument("mode", "MODE", fmt::format("'{}' is no mode.", request.mode()))
        .Hint("STREAMING scores each point from its past only, BATCH from the whole series.");
  }
  plan.streaming = mode == "STREAMING";
  plan.threshold = request.has_threshold() ? request.threshold() : options.threshold;
  if (!(plan.threshold >= 0 && plan.threshold <= 1)) {
    return base::InvalidArgument("threshold", "THRESHOLD",
                                 fmt::format("{} is not between 0 and 1.", plan.threshold))
        .Hint("0.65 is the shipped operating point; higher reports less.");
  }
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
  plan.options.streaming = plan.streaming;
  plan.options.season_seconds = request.season_seconds();
  plan.options.seed = static_cast<uint64_t>(request.seed());
  if (request.dbscan_eps() > 0) plan.options.dbscan_eps = request.dbscan_eps();
  if (request.dbscan_min_samples() > 0)
    plan.options.dbscan_min_samples = request.dbscan_min_samples();
  if (request.feature_count() > 0) plan.options.feature_count = request.feature_count();
  return plan;
}

absl::Status CheckShape(const v1::DetectAnomaliesRequest& request) {
  if (request.series_size() > kMaxSeries) {
    return base::InvalidArgument(
               "series", "TOO_MANY_SERIES",
               fmt::format("{} series are more than {}.", request.series_size(), kMaxSeries))
        .Hint("Send them in several requests.");
  }
  size_t points = 0;
  for (int i = 0; i < request.series_size(); ++i) {
    const v1::NamedSeries& s = request.series(i);
    if (s.times_size() != s.values_size()) {
      return base::InvalidArgument(fmt::format("series[{}]", i), "SERIES_SHAPE",
                                   fmt::format("Series '{}' has {} times and {} values.", s.name(),
                                               s.times_size(), s.values_size()))
          .Hint("Give one value a time; leave out the time of a value that is missing.");
    }
    for (int k = 0; k < s.times_size(); ++k) {
      if (std::isfinite(s.times(k)) && (k == 0 || s.times(k) >= s.times(k - 1))) continue;
      return base::InvalidArgument(
                 fmt::format("series[{}].times[{}]", i, k), "SERIES_SHAPE",
                 fmt::format("Times of series '{}' fall or are no numbers at position {}.",
                             s.name(), k))
          .Hint("Sort the points by time; times are epoch seconds.");
    }
    if (s.times_size() > 0) {
      OPSMESH_RETURN_IF_ERROR(
          analytics::CheckEpochSeconds(s.times(0), fmt::format("series[{}].times", i)));
    }
    points += static_cast<size_t>(s.times_size());
  }
  if (points > kMaxPoints) {
    return base::InvalidArgument("series", "TOO_MANY_SERIES",
                                 fmt::format("{} points are more than {}.", points, kMaxPoints))
        .Hint("Send them in several requests.");
  }
  return absl::OkStatus();
}

v1::PointAnomaly MakeAnomaly(size_t i, double time, double value,
                             const analytics::EnsemblePoint& point) {
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

struct Series {
  std::span<const double> times;
  std::span<const double> values;
  std::optional<double> until;  // when samples should have come last, when that is known
};

// The season the methods work with: as asked, else a day.
double SeasonSeconds(const Plan& plan) {
  return plan.options.season_seconds > 0 ? plan.options.season_seconds : 86400;
}

void Judge(Series s, const Plan& plan, bool include_methods, v1::SeriesAnomalies* out) {
  const size_t n = s.values.size();
  std::vector<double> cleaned;
  if (std::any_of(s.values.begin(), s.values.end(),
                  [](double v) { return std::isfinite(v) && !Usable(v); })) {
    cleaned.assign(s.values.begin(), s.values.end());
    for (double& v : cleaned) {
      if (!Usable(v)) v = std::nan("");
    }
    s.values = cleaned;
  }
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
  analytics::EnsembleOptions ensemble;
  ensemble.season_seconds = SeasonSeconds(plan);
  const std::vector<analytics::EnsemblePoint> points =
      plan.streaming ? analytics::ScoreStreaming(s.times, s.values, ensemble)
                     : analytics::ScoreBatch(s.times, s.values, ensemble);
  int learning = 0;
  for (size_t i = 0; i < n; ++i) {
    out->set_scores(static_cast<int>(i), points[i].score);
    if (std::isfinite(s.values[i]) && points[i].learning) ++learning;
  }
  out->set_learning_count(learning);
  if (s.times.back() - s.times.front() >= ensemble.season_seconds)
    out->set_season_seconds(ensemble.season_seconds);
  const double step =
      (s.times.back() - s.times.front()) / static_cast<double>(std::max<size_t>(1, n - 1));
  out->set_refractory_seconds(
      std::min(ensemble.refractory_max_seconds,
               step * std::max(static_cast<double>(ensemble.refractory_min_samples),
                               ensemble.refractory_share * static_cast<double>(n))));

  std::vector<analytics::MethodScores> said(plan.methods.size());
  for (size_t m = 0; m < plan.methods.size(); ++m) {
    if (plan.methods[m] != Method::kEnsemble)
      said[m] = RunMethod(plan.methods[m], s.times, s.values, plan.options);
  }
  double last = 0;  // value
  for (size_t i = 0; i < n && out->anomalies_size() < kMaxAnomalies; ++i) {
    const bool missing = !std::isfinite(s.values[i]);
    if (missing && !plan.ensemble) continue;
    if (!missing) last = s.values[i];
    double strongest = plan.ensemble ? points[i].score : 0;
    double expected = points[i].baseline;
    if (!plan.ensemble) {
      for (const analytics::MethodScores& method : said) {
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
  if (plan.ensemble) AddSilences(s.times, s.values, plan.threshold, s.until, out);
  for (size_t m = 0; m < said.size() && include_methods; ++m) {
    v1::MethodResult& result = *out->add_methods();
    result.set_method(std::string(MethodName(plan.methods[m])));
    result.set_threshold(plan.threshold);
    if (plan.methods[m] == Method::kEnsemble) {
      for (const analytics::EnsemblePoint& point : points) result.add_scores(point.raw);
      result.set_parameters(
          "scores before the refractory rule; season 24 h unless given, window 7 d, level of 6 "
          "samples");
      continue;
    }
    *result.mutable_scores() = {said[m].scores.begin(), said[m].scores.end()};
    *result.mutable_labels() = {said[m].labels.begin(), said[m].labels.end()};
    *result.mutable_change_points() = {said[m].change_points.begin(), said[m].change_points.end()};
    result.set_parameters(said[m].parameters);
    if (said[m].not_judged) result.set_not_judged(*said[m].not_judged);
  }
}

/// Judges series as they come, a batch at a time, and keeps only what belongs into the answer: so
/// that ten thousand series of eleven thousand points need no more memory than a batch of them.
class Judging {
 public:
  Judging(const base::Context& ctx, const Plan& plan, bool include_methods, size_t threads,
          v1::DetectAnomaliesResponse& response)
      : ctx_(ctx),
        until_(ctx.Remaining() == absl::InfiniteDuration()
                   ? ctx
                   : ctx.WithTimeout(ctx.Remaining() * kJudgingShare)),
        plan_(plan),
        include_methods_(include_methods),
        threads_(threads),
        response_(response) {}

  absl::Status Inline(const google::protobuf::RepeatedPtrField<v1::NamedSeries>& all) {
    std::vector<Series> series;
    const std::optional<double> until = CommonEnd(all);
    for (const v1::NamedSeries& s : all) {
      series.push_back({{s.times().data(), static_cast<size_t>(s.times_size())},
                        {s.values().data(), static_cast<size_t>(s.values_size())},
                        until});
      response_.add_results()->set_name(s.name());
    }
    JudgeLast(series, ctx_);
    return ctx_.Check();
  }

  /// Series that are taken from now on should reach this time.
  void ReadUntil(double time) { read_until_ = time; }

  absl::Status Take(MetricSeries series) {
    points_ += series.times.size();
    batch_.push_back(std::move(series));
    return points_ >= kBatchPoints || batch_.size() >= kBatchSeries ? Flush() : absl::OkStatus();
  }

  absl::Status Flush() {
    std::vector<Series> series;
    for (const MetricSeries& s : batch_) {
      // Pods come and go: that one is no more is no news of its series.
      series.push_back({s.times, s.values, s.labels.contains("pod") ? std::nullopt : read_until_});
      v1::SeriesAnomalies& result = *response_.add_results();
      result.set_name(s.name);
      for (const auto& [key, value] : s.labels) (*result.mutable_labels())[key] = value;
    }
    const std::vector<char> judged = JudgeLast(series, until_);
    const int first = response_.results_size() - static_cast<int>(batch_.size());
    batch_.clear();
    points_ = 0;
    // What there was no time for is counted, not shown empty.
    int kept = first;
    for (size_t i = 0; i < judged.size(); ++i) {
      if (judged[i] == 0) continue;
      response_.mutable_results()->SwapElements(kept, first + static_cast<int>(i));
      Bound(*response_.mutable_results(kept++));
    }
    not_judged_ += response_.results_size() - kept;
    response_.mutable_results()->DeleteSubrange(kept, response_.results_size() - kept);
    return ctx_.Check();
  }

  /// Tells the ledger what did not fit into the answer.
  void Finish() {
    if (not_judged_ > 0) {
      Entry("anomalies",
            fmt::format("{} of {} series judged: the time was up", response_.results_size(),
                        response_.results_size() + not_judged_));
    }
    if (without_scores_ > 0) {
      Entry("scores", fmt::format("scores are given for {} of {} series: an answer holds {} of "
                                  "them; the anomalies of all are listed",
                                  response_.results_size() - without_scores_,
                                  response_.results_size(), kMaxScores));
    }
    if (left_out_ > 0) {
      Entry("anomalies", fmt::format("{} anomalies beyond the first {} are not listed", left_out_,
                                     kMaxAllAnomalies));
    }
  }

 private:
  // Judges the last results, which are those of `series`, until the time is up; which were judged.
  std::vector<char> JudgeLast(const std::vector<Series>& series, const base::Context& until) {
    const int first = response_.results_size() - static_cast<int>(series.size());
    std::vector<v1::SeriesAnomalies*> results;
    for (int i = first; i < response_.results_size(); ++i)
      results.push_back(response_.mutable_results(i));
    std::vector<char> judged(series.size(), 0);
    analytics::ForEachIndex(series.size(), series.size() < 8 ? 1 : threads_, [&](size_t i) {
      if (!until.Check().ok()) return;
      Judge(series[i], plan_, include_methods_, results[i]);
      judged[i] = 1;
    });
    return judged;
  }

  void Bound(v1::SeriesAnomalies& result) {
    size_t size = static_cast<size_t>(result.scores_size());
    for (const v1::MethodResult& method : result.methods())
      size += static_cast<size_t>(method.scores_size());
    scores_ += size;
    if (scores_ > kMaxScores && size > 0) {
      ++without_scores_;
      result.mutable_scores()->Clear();
      result.clear_methods();
      // Clear() keeps the memory.
      v1::SeriesAnomalies lean = result;
      result = std::move(lean);
    }
    anomalies_ += result.anomalies_size();
    if (anomalies_ <= kMaxAllAnomalies) return;
    const int keep = std::max(0, result.anomalies_size() - (anomalies_ - kMaxAllAnomalies));
    left_out_ += result.anomalies_size() - keep;
    result.mutable_anomalies()->DeleteSubrange(keep, result.anomalies_size() - keep);
    anomalies_ = kMaxAllAnomalies;
  }

  void Entry(std::string_view subject, std::string reason) {
    type::v1::LedgerEntry& entry = *response_.mutable_ledger()->add_not_checked();
    entry.set_source("answer");
    entry.set_subject(std::string(subject));
    entry.set_reason(std::move(reason));
  }

  const base::Context& ctx_;
  const base::Context until_;  // then what is judged is sent
  const Plan& plan_;
  const bool include_methods_;
  const size_t threads_;
  v1::DetectAnomaliesResponse& response_;
  std::optional<double> read_until_;
  std::vector<MetricSeries> batch_;
  size_t points_ = 0;
  size_t scores_ = 0;
  int anomalies_ = 0;
  int without_scores_ = 0;
  int left_out_ = 0;
  int not_judged_ = 0;
};

}  // namespace

absl::StatusOr<v1::DetectAnomaliesResponse> DetectAnomalies(
    const base::Context& ctx, const v1::DetectAnomaliesRequest& request, const MetricSource& source,
    const DetectOptions& options) {
  OPSMESH_ASSIGN_OR_RETURN(const Plan plan, MakePlan(request, options));
  OPSMESH_RETURN_IF_ERROR(CheckShape(request));
  if (request.series_size() == 0 && !request.has_prometheus()) {
    return base::InvalidArgument("series", "NO_SERIES", "There is no series to judge.")
        .Hint("Give series inline, or queries under 'prometheus'.");
  }
  v1::DetectAnomaliesResponse response;
  response.set_mode(plan.streaming ? "STREAMING" : "BATCH");
  for (const Method method : plan.methods) response.add_methods(std::string(MethodName(method)));

  Judging judging(ctx, plan, request.include_methods(), options.threads, response);
  OPSMESH_RETURN_IF_ERROR(judging.Inline(request.series()));
  if (request.has_prometheus()) {
    const v1::PrometheusRange& range = request.prometheus();
    MetricsRequest wanted{.queries = {},
                          .start_time = range.start_time(),
                          .end_time = range.end_time(),
                          .step_seconds = range.step_seconds(),
                          .scope_namespace = "",
                          // Judging happens while reading.
                          .time_share = 0.8};
    for (const std::string& query : range.queries())
      wanted.queries.push_back({.text = query, .title = "", .optional = false});
    judging.ReadUntil(static_cast<double>(range.end_time().seconds()));
    OPSMESH_ASSIGN_OR_RETURN(type::v1::Ledger ledger,
                             source.Stream(ctx, wanted, [&](MetricSeries series) {
                               return judging.Take(std::move(series));
                             }));
    OPSMESH_RETURN_IF_ERROR(judging.Flush());
    *response.mutable_ledger() = std::move(ledger);
  }
  if (request.series_size() > 0) {
    type::v1::LedgerEntry& entry = *response.mutable_ledger()->add_checked();
    entry.set_source("request");
    entry.set_subject(fmt::format("{} series", request.series_size()));
  }
  judging.Finish();
  return response;
}

}  // namespace opsmesh::rca
