#include "services/rca/detect_anomalies.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "libs/analytics/detect/methods.h"
#include "libs/analytics/parallel.h"
#include "libs/base/error.h"
#include "services/rca/detection_plan.h"
#include "services/rca/judge_series.h"
#include "services/rca/silences.h"

namespace opsmesh::rca {
namespace {

// Of what is read from Prometheus: judged at once, ...
constexpr size_t kBatchPoints = 100'000;
constexpr size_t kBatchSeries = 1000;
// Share of the time after which nothing more is judged: what is left is for sending.
constexpr double kJudgingShare = 0.9;
// ... scores an answer holds (some 20 MB of JSON), and anomalies.
constexpr size_t kMaxScores = 1'000'000;
constexpr int kMaxAllAnomalies = 50'000;

/// Judges series as they come, a batch at a time, and keeps only what belongs into the answer: so
/// that ten thousand series of eleven thousand points need no more memory than a batch of them.
class Judging {
 public:
  Judging(const base::Context& ctx, const DetectionPlan& plan, bool include_methods, size_t threads,
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
    std::vector<JudgedSeries> series;
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
    std::vector<JudgedSeries> series;
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
  std::vector<char> JudgeLast(const std::vector<JudgedSeries>& series, const base::Context& until) {
    const int first = response_.results_size() - static_cast<int>(series.size());
    std::vector<v1::SeriesAnomalies*> results;
    for (int i = first; i < response_.results_size(); ++i)
      results.push_back(response_.mutable_results(i));
    std::vector<char> judged(series.size(), 0);
    analytics::ForEachIndex(series.size(), series.size() < 8 ? 1 : threads_, [&](size_t i) {
      if (!until.Check().ok()) return;
      JudgeSeries(series[i], plan_, include_methods_, results[i]);
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
  const DetectionPlan& plan_;
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
  OPSMESH_ASSIGN_OR_RETURN(const DetectionPlan plan, MakeDetectionPlan(request, options.threshold));
  OPSMESH_RETURN_IF_ERROR(CheckInlineSeries(request));
  if (request.series_size() == 0 && !request.has_prometheus()) {
    return base::InvalidArgument("series", "NO_SERIES", "There is no series to judge.")
        .Hint("Give series inline, or queries under 'prometheus'.");
  }
  v1::DetectAnomaliesResponse response;
  response.set_mode(plan.streaming ? "STREAMING" : "BATCH");
  for (const analytics::Method method : plan.methods)
    response.add_methods(std::string(analytics::MethodName(method)));

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
