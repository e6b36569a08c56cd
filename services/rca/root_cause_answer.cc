#include "services/rca/root_cause_answer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "libs/analytics/detect/methods.h"
#include "services/rca/epoch_seconds.h"
#include "services/rca/explain.h"

namespace opsmesh::rca {
namespace {

using analytics::ServiceMetric;

constexpr int kMaxAnomalies = 500;
constexpr int kMaxUnjudged = 100;
constexpr int kMaxEdges = 1000;
// Causes that carry steps, evidence and a next step; the others have their place and one sentence.
constexpr size_t kDetailed = 5;
constexpr size_t kMaxSteps = 10;
constexpr double kRobustLimit = 3.5;
// Spreads below which the largest of hundreds of deviations is called small: one of them is that
// far off on any quiet day.
constexpr double kClearLimit = 10;

// The largest of a cause's deviations, in spreads.
double Largest(const analytics::ServiceCause& cause) {
  double largest = 0;
  for (const analytics::MetricFinding& finding : cause.findings)
    largest = std::max(largest, std::abs(finding.deviation.z));
  return largest;
}

class Writer {
 public:
  Writer(const v1::AnalyzeRootCauseRequest& request, const RankedCauses& found,
         v1::AnalyzeRootCauseResponse& response)
      : request_(request),
        found_(found),
        input_(found.input),
        result_(found.result),
        response_(response) {}

  void Write() {
    response_.set_series_count(static_cast<int32_t>(input_.series.size()));
    if (result_.onset_time) {
      response_.set_onset_time(*result_.onset_time);
      response_.set_onset_uncertainty_seconds(result_.onset_uncertainty);
    }
    if (!result_.target_service.empty()) {
      response_.mutable_target()->set_service(result_.target_service);
      response_.mutable_target()->set_metric(result_.target_metric);
    }
    WriteWindow();
    WriteGraph();
    WriteUnjudged();
    WriteAnomalies();
    const size_t most = request_.max_causes() == 0 ? result_.ranked.size()
                                                   : static_cast<size_t>(request_.max_causes());
    for (size_t rank = 0; rank < std::min(most, result_.ranked.size()); ++rank) WriteCause(rank);
    WriteReport();
  }

 private:
  void WriteWindow() {
    double first = INFINITY, last = -INFINITY;
    for (const ServiceMetric& s : input_.series) {
      for (const double t : s.times) {
        first = std::min(first, t);
        last = std::max(last, t);
      }
    }
    if (request_.has_start_time()) first = EpochSeconds(request_.start_time());
    if (request_.has_end_time()) last = EpochSeconds(request_.end_time());
    if (!std::isfinite(first) || !std::isfinite(last)) return;
    *response_.mutable_start_time() = ToProto(first);
    *response_.mutable_end_time() = ToProto(last);
  }

  void WriteGraph() {
    for (const auto& [caller, callee] : input_.edges) {
      if (response_.edges_size() == kMaxEdges) break;
      v1::CallEdge& edge = *response_.add_edges();
      edge.set_caller(caller);
      edge.set_callee(callee);
    }
    int64_t missing = 0;
    for (const ServiceMetric& s : input_.series) {
      missing += std::count_if(s.values.begin(), s.values.end(),
                               [](double v) { return !std::isfinite(v); });
    }
    response_.set_missing_count(missing);
  }

  void WriteUnjudged() {
    for (const analytics::SkippedSeries& skipped : result_.skipped) {
      if (response_.not_judged_size() == kMaxUnjudged) break;
      const ServiceMetric& s = input_.series[skipped.series];
      v1::UnjudgedSeries& out = *response_.add_not_judged();
      out.set_name(fmt::format("{} {}", s.service, s.metric));
      out.set_reason(skipped.reason);
      out.set_point_count(static_cast<int32_t>(s.values.size()));
      out.set_usable_count(static_cast<int32_t>(skipped.usable));
    }
  }

  void WriteAnomalies() {
    if (!result_.onset_time) return;
    std::vector<v1::Anomaly> anomalies;
    for (const analytics::MetricFinding& finding : result_.deviations) {
      const double score = analytics::CalibratedScore(std::abs(finding.deviation.z), kRobustLimit);
      if (score < found_.threshold || score <= 0) continue;
      const ServiceMetric& s = input_.series[finding.series];
      v1::Anomaly anomaly;
      anomaly.set_metric(s.metric);
      (*anomaly.mutable_labels())["service"] = s.service;
      *anomaly.mutable_start_time() = ToProto(*result_.onset_time);
      *anomaly.mutable_end_time() = ToProto(s.times.back());
      anomaly.set_score(score);
      anomaly.set_value(finding.deviation.after);
      anomaly.set_expected_value(finding.deviation.before);
      anomaly.add_methods("robust_z");
      *anomaly.mutable_summary() = Move(input_, finding);
      anomalies.push_back(std::move(anomaly));
    }
    std::stable_sort(anomalies.begin(), anomalies.end(),
                     [](const auto& a, const auto& b) { return a.score() > b.score(); });
    if (anomalies.size() > kMaxAnomalies) anomalies.resize(kMaxAnomalies);
    std::stable_sort(anomalies.begin(), anomalies.end(), [](const auto& a, const auto& b) {
      return std::pair(a.metric(), a.labels().at("service")) <
             std::pair(b.metric(), b.labels().at("service"));
    });
    for (v1::Anomaly& anomaly : anomalies) *response_.add_anomalies() = std::move(anomaly);
  }

  void WriteCause(size_t rank) {
    const analytics::ServiceCause& cause = result_.ranked[rank];
    v1::RootCause& out = *response_.add_root_causes();
    out.set_rank(static_cast<int32_t>(rank + 1));
    out.set_service(cause.service);
    if (!cause.findings.empty()) out.set_metric(input_.series[cause.findings[0].series].metric);
    out.set_score(cause.score);
    if (const auto object = found_.names.find(cause.service);
        object != found_.names.end() && !object->second.kind.empty())
      *out.mutable_object() = RefOf(object->second);
    if (rank >= kDetailed) {
      out.set_explanation(Pick(Summary(input_, result_, rank), found_.language));
      return;
    }
    WriteExplanation(rank, out);
    WriteFindings(cause, out);
    *out.mutable_next_step() = NextStep(cause);
  }

  // The steps of the reasoning, and why the next one lost; topology and events are its evidence.
  void WriteExplanation(size_t rank, v1::RootCause& out) {
    const std::string& service = result_.ranked[rank].service;
    std::vector<type::v1::Text> steps = Steps(input_, result_, rank);
    if (const auto extra = found_.extra.find(service); extra != found_.extra.end()) {
      steps.insert(steps.begin(), extra->second.begin(), extra->second.end());
      for (const type::v1::Text& step : extra->second)
        AddEvidence(out, v1::Evidence::KIND_TOPOLOGY, step, 1, std::nullopt);
    }
    for (const ClusterEvent& event : EventsOf(service)) {
      if (steps.size() < kMaxSteps) steps.push_back(event.statement);
      AddEvidence(out, event.change ? v1::Evidence::KIND_CHANGE : v1::Evidence::KIND_OBJECT,
                  event.statement, 0.8, event.time);
    }
    *out.mutable_summary() = steps.front();
    const bool chinese = text::IsChinese(found_.language);
    std::string explanation;
    for (const type::v1::Text& step : steps) {
      *out.add_steps() = step;
      if (!explanation.empty() && !chinese) explanation += ' ';
      explanation += Pick(step, found_.language);
    }
    if (rank + 1 < result_.ranked.size()) {
      *out.mutable_runner_up() = WhyNext(rank);
      if (rank == 0) explanation += (chinese ? "" : " ") + Pick(out.runner_up(), found_.language);
    }
    out.set_explanation(std::move(explanation));
  }

  void WriteFindings(const analytics::ServiceCause& cause, v1::RootCause& out) {
    if (cause.kind == analytics::CauseKind::kOwnShare ||
        cause.kind == analytics::CauseKind::kCalls) {
      AddEvidence(out, v1::Evidence::KIND_TOPOLOGY, out.summary(),
                  std::clamp(cause.score, 0.0, 1.0), std::nullopt);
    }
    for (const analytics::MetricFinding& finding : cause.findings) {
      const double score = analytics::CalibratedScore(std::abs(finding.deviation.z), kRobustLimit);
      if (score < found_.threshold) continue;
      AddEvidence(out, v1::Evidence::KIND_ANOMALY, Move(input_, finding), score, std::nullopt);
    }
  }

  // What suffers from a node that is at fault lost for another reason than a smaller deviation.
  type::v1::Text WhyNext(size_t rank) {
    const std::string& winner = result_.ranked[rank].service;
    const std::string& next = result_.ranked[rank + 1].service;
    const auto object = found_.names.find(next);
    if (found_.extra.contains(winner) && object != found_.names.end()) {
      for (const auto& [pod, place] : found_.topology.pods()) {
        if (place.node != winner || place.workload != object->second) continue;
        type::v1::Text text;
        text.set_en(fmt::format("{} lost: its pod {} stands on {}, so its trouble follows.", next,
                                pod.second, winner));
        text.set_zh(fmt::format("{} 落选:其 Pod {} 位于 {},其异常由该节点引起。", next, pod.second,
                                winner));
        return text;
      }
    }
    return RunnerUp(input_, result_, rank);
  }

  void AddEvidence(v1::RootCause& cause, v1::Evidence::Kind kind, const type::v1::Text& statement,
                   double weight, std::optional<absl::Time> time) {
    v1::Evidence& evidence = *cause.add_evidence();
    evidence.set_evidence_id(fmt::format("e{}", ++evidence_count_));
    evidence.set_kind(kind);
    *evidence.mutable_statement() = statement;
    evidence.set_weight(weight);
    *evidence.mutable_time() =
        ToProto(time ? absl::ToDoubleSeconds(*time - absl::UnixEpoch()) : *result_.onset_time);
  }

  bool TargetMeasured() const {
    return std::any_of(input_.series.begin(), input_.series.end(), [&](const ServiceMetric& s) {
      return s.service == input_.target_service &&
             (input_.target_metric.empty() || s.metric == input_.target_metric);
    });
  }

  void WriteReport() {
    if (!result_.onset_time || result_.ranked.empty()) {
      ReportNothing();
      return;
    }
    ReportComparison();
    ReportTargetMissing();
    const v1::RootCause& first = response_.root_causes(0);
    const std::string cited =
        first.evidence_size() > 0 ? fmt::format(" [{}]", first.evidence(0).evidence_id()) : "";
    const analytics::ServiceCause& cause = result_.ranked[0];
    const bool clear = cause.kind != analytics::CauseKind::kDeviation ||
                       Largest(cause) >= kClearLimit || found_.extra.contains(cause.service);
    if (!clear || cause.kind == analytics::CauseKind::kQuiet) {
      Report(fmt::format("Nothing stands out: the largest change is small. {}{}",
                         first.summary().en(), cited),
             fmt::format("没有明显异常,最大的变化也很小。{}{}", first.summary().zh(), cited));
      return;
    }
    Report(fmt::format("Most likely cause: {}. {}{}", first.service(), first.summary().en(), cited),
           fmt::format("最可能的根因:{}。{}{}", first.service(), first.summary().zh(), cited));
    for (const ClusterEvent& event : EventsOf(first.service())) {
      if (!event.change) continue;
      Report(" " + event.statement.en(), event.statement.zh());
      break;
    }
    if (first.has_runner_up()) Report(" " + first.runner_up().en(), " " + first.runner_up().zh());
  }

  void Report(const std::string& en, const std::string& zh) {
    response_.mutable_report()->mutable_en()->append(en);
    response_.mutable_report()->mutable_zh()->append(zh);
  }

  void ReportNothing() {
    size_t points = 0;
    for (const ServiceMetric& s : input_.series) points += s.values.size();
    const size_t count = input_.series.size();
    const bool little = points < 30 || count == 0;
    if (little || result_.skipped.size() == count) {
      Report(fmt::format(
                 "Insufficient data: {} series with {} points together; nothing can be judged.",
                 count, points),
             fmt::format("数据不足:{} 条序列,共 {} 个点,无法判断。", count, points));
      return;
    }
    Report(fmt::format("Nothing unusual was found in {} series.", count),
           fmt::format("在 {} 条序列中没有发现异常。", count));
  }

  void ReportComparison() {
    const std::string onset = absl::FormatTime(
        "%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(static_cast<int64_t>(*result_.onset_time)),
        absl::UTCTimeZone());
    const size_t series = input_.series.size();
    const size_t services = result_.ranked.size();
    Report(fmt::format("{} series of {} services were compared before and after {} UTC{}. ", series,
                       services, onset, result_.onset_given ? "" : ", where their jumps coincide"),
           fmt::format("比较了 {} 个服务的 {} 条序列在 {} UTC{}前后的变化。", services, series,
                       onset, result_.onset_given ? "" : "(各指标突变重合的时刻)"));
  }

  void ReportTargetMissing() {
    if (input_.target_service.empty() || TargetMeasured()) return;
    const std::string target =
        input_.target_service + (input_.target_metric.empty() ? "" : " " + input_.target_metric);
    Report(fmt::format("The target {} is not among them, so nothing can be attributed to it. ",
                       target),
           fmt::format("其中没有目标 {} 的数据,无法按它归因。", target));
  }

  const std::vector<ClusterEvent>& EventsOf(const std::string& service) const {
    static const std::vector<ClusterEvent> none;
    const auto found = found_.events.find(service);
    return found == found_.events.end() ? none : found->second;
  }

  const v1::AnalyzeRootCauseRequest& request_;
  const RankedCauses& found_;
  const analytics::CauseInput& input_;
  const analytics::CauseResult& result_;
  v1::AnalyzeRootCauseResponse& response_;
  int evidence_count_ = 0;
};

}  // namespace

void WriteRankedCauses(const v1::AnalyzeRootCauseRequest& request, const RankedCauses& found,
                       v1::AnalyzeRootCauseResponse& response) {
  Writer(request, found, response).Write();
}

}  // namespace opsmesh::rca
