#include "services/rca/root_cause.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "fmt/format.h"
#include "libs/analytics/cause/attribution.h"
#include "libs/analytics/detect/methods.h"
#include "libs/analytics/series.h"
#include "libs/base/error.h"
#include "services/rca/explain.h"
#include "services/rca/metric_topology.h"
#include "services/rca/node_faults.h"
#include "services/rca/ownership.h"
#include "services/rca/state_series.h"

namespace opsmesh::rca {
namespace {

using analytics::CauseInput;
using analytics::CauseResult;
using analytics::ServiceMetric;

constexpr int kMaxSeries = 10000;
constexpr int kMaxAnomalies = 500;
constexpr int kMaxUnjudged = 100;
constexpr int kMaxEdges = 1000;
// Causes that carry steps, evidence and a next step; the others have their place and one sentence.
constexpr size_t kDetailed = 5;
constexpr size_t kMaxSteps = 10;
// Causes whose events are asked for.
constexpr size_t kAskedAbout = 3;
constexpr double kRobustLimit = 3.5;
// Spreads below which the largest of hundreds of deviations is called small: one of them is that
// far off on any quiet day.
constexpr double kClearLimit = 10;
constexpr absl::Duration kLongestWindow = absl::Hours(24 * 7);
// What helps and need not be there may not hold an answer up.
constexpr absl::Duration kLongestLearning = absl::Seconds(5);
constexpr absl::Duration kLongestAsking = absl::Seconds(5);
// Events this long before the onset may have caused it; a little after it they may be its first
// sign.
constexpr absl::Duration kBeforeOnset = absl::Minutes(30);
constexpr absl::Duration kAfterOnset = absl::Minutes(5);

google::protobuf::Timestamp ToProto(double epoch_seconds) {
  google::protobuf::Timestamp t;
  // Stamps of figures put together by hand may be anything; those a timestamp cannot hold are cut.
  const double bounded = std::clamp(epoch_seconds, -62135596800.0, 253402300799.0);
  t.set_seconds(static_cast<int64_t>(std::floor(bounded)));
  t.set_nanos(static_cast<int32_t>((bounded - std::floor(bounded)) * 1e9));
  return t;
}

double FromProto(const google::protobuf::Timestamp& t) {
  return static_cast<double>(t.seconds()) + 1e-9 * t.nanos();
}

absl::Status CheckRequest(const v1::AnalyzeRootCauseRequest& request) {
  const bool reads = request.series_size() == 0 || request.metrics_size() > 0;
  if (reads && !request.has_start_time()) {
    return base::InvalidArgument("start_time", "TIME_WINDOW",
                                 "There is neither a window to read nor a series.")
        .Hint("Give start_time and end_time, or the figures inline under 'series'.");
  }
  if (reads && !request.has_end_time()) {
    return base::InvalidArgument("end_time", "TIME_WINDOW", "The window has no end.")
        .Hint("Give end_time.");
  }
  if (reads) {
    const double window = FromProto(request.end_time()) - FromProto(request.start_time());
    if (window <= 0 || window > absl::ToDoubleSeconds(kLongestWindow)) {
      return base::InvalidArgument(
                 "end_time", "TIME_WINDOW",
                 "The window does not end after its begin, or is longer than 7 days.")
          .Hint("Give start_time before end_time, at most 7 days apart.");
    }
  }
  if (request.series_size() > kMaxSeries) {
    return base::InvalidArgument(
               "series", "TOO_MANY_SERIES",
               fmt::format("{} series are more than {}.", request.series_size(), kMaxSeries))
        .Hint("Leave out what cannot be a cause.");
  }
  for (int i = 0; i < request.series_size(); ++i) {
    const v1::ServiceSeries& s = request.series(i);
    if (s.service().empty() || s.metric().empty()) {
      return base::InvalidArgument(fmt::format("series[{}]", i), "SERIES_SHAPE",
                                   "A series names no service or no metric.")
          .Hint("Give both; a series of the whole system has the service \"SLI\".");
    }
    if (s.times_size() != s.values_size()) {
      return base::InvalidArgument(fmt::format("series[{}]", i), "SERIES_SHAPE",
                                   fmt::format("{} {} has {} times and {} values.", s.service(),
                                               s.metric(), s.times_size(), s.values_size()))
          .Hint("Give one value a time; leave out the time of a value that is missing.");
    }
    if (!std::all_of(s.times().begin(), s.times().end(),
                     [](double t) { return std::isfinite(t); })) {
      return base::InvalidArgument(fmt::format("series[{}].times", i), "SERIES_SHAPE",
                                   "A time is no number.")
          .Hint("Times are epoch seconds.");
    }
    if (s.times_size() > 0) {
      OPSMESH_RETURN_IF_ERROR(
          analytics::CheckEpochSeconds(s.times(0), fmt::format("series[{}].times", i)));
    }
  }
  if (request.has_onset_time() && !std::isfinite(request.onset_time())) {
    return base::InvalidArgument("onset_time", "SERIES_SHAPE", "The onset is no number.")
        .Hint("Leave it out to have it found.");
  }
  if (request.max_causes() < 0) {
    return base::InvalidArgument("max_causes", "MAX_CAUSES", "max_causes is negative.")
        .Hint("0 ranks every service.");
  }
  return absl::OkStatus();
}

// Figures put together from two periods have stamps that fall once, and keep their order; stamps
// that fall again and again were given in any order. Of equal stamps the last one counts.
void SortWhenShuffled(ServiceMetric& s) {
  constexpr int kPeriods = 3;
  int falls = 0;
  for (size_t i = 1; i < s.times.size(); ++i) falls += s.times[i] < s.times[i - 1] ? 1 : 0;
  if (falls < kPeriods) return;
  std::map<double, double> sorted;
  for (size_t i = 0; i < s.times.size(); ++i) sorted[s.times[i]] = s.values[i];
  s.times.clear();
  s.values.clear();
  for (const auto& [time, value] : sorted) {
    s.times.push_back(time);
    s.values.push_back(value);
  }
}

// The largest of a cause's deviations, in spreads.
double Largest(const analytics::ServiceCause& cause) {
  double largest = 0;
  for (const analytics::MetricFinding& finding : cause.findings)
    largest = std::max(largest, std::abs(finding.deviation.z));
  return largest;
}

class Analysis {
 public:
  Analysis(const base::Context& ctx, const v1::AnalyzeRootCauseRequest& request,
           const MetricSource& source, ClusterView* cluster, const RootCauseOptions& options)
      : ctx_(ctx), request_(request), source_(source), cluster_(cluster), options_(options) {}

  absl::StatusOr<v1::AnalyzeRootCauseResponse> Run() {
    OPSMESH_RETURN_IF_ERROR(CheckRequest(request_));
    threshold_ = request_.has_threshold() ? request_.threshold() : options_.threshold;
    if (!(threshold_ >= 0 && threshold_ <= 1)) {
      return base::InvalidArgument("threshold", "THRESHOLD",
                                   fmt::format("{} is not between 0 and 1.", threshold_))
          .Hint("0.65 is the shipped operating point; higher reports less.");
    }
    language_ = text::ParseLanguageTag(ctx_.language()).value_or(text::Language::kEnglish);
    TakeInline();
    OPSMESH_RETURN_IF_ERROR(ReadMetrics());
    for (const v1::CallEdge& edge : request_.edges())
      input_.edges.emplace_back(edge.caller(), edge.callee());
    input_.target_service = request_.target().service();
    input_.target_metric = request_.target().metric();
    if (request_.has_onset_time()) input_.onset_time = request_.onset_time();
    ResolveTarget();
    OPSMESH_RETURN_IF_ERROR(CheckOnset());
    result_ = analytics::RankCauses(input_);
    OPSMESH_RETURN_IF_ERROR(ctx_.Check());
    if (faults_) faults_->Promote(input_, names_, result_, extra_);
    JoinEvents();
    Write();
    return std::move(response_);
  }

 private:
  void TakeInline() {
    for (const v1::ServiceSeries& s : request_.series()) {
      input_.series.push_back({s.service(),
                               s.metric(),
                               {s.times().begin(), s.times().end()},
                               {s.values().begin(), s.values().end()}});
      for (double& value : input_.series.back().values) {
        if (!Usable(value)) value = std::nan("");
      }
      SortWhenShuffled(input_.series.back());
    }
    if (request_.series_size() == 0) return;
    type::v1::LedgerEntry& entry = *response_.mutable_ledger()->add_checked();
    entry.set_source("request");
    entry.set_subject(fmt::format("{} series", request_.series_size()));
  }

  absl::Status ReadMetrics() {
    std::vector<MetricQuery> metrics;
    for (const std::string& metric : request_.metrics()) metrics.push_back({.text = metric});
    if (metrics.empty() && request_.series_size() == 0) metrics = options_.default_metrics;
    if (metrics.empty()) return absl::OkStatus();
    OPSMESH_ASSIGN_OR_RETURN(MetricsRead read,
                             source_.Read(ctx_, {.queries = metrics,
                                                 .start_time = request_.start_time(),
                                                 .end_time = request_.end_time(),
                                                 .step_seconds = request_.step_seconds(),
                                                 .scope_namespace = request_.context().namespace_(),
                                                 .time_share = 0.6}));
    response_.mutable_ledger()->MergeFrom(read.ledger);
    if (read.series.empty()) return absl::OkStatus();
    LearnTopology();
    faults_.emplace(read.series, topology_);
    for (MetricSeries& made : faults_->Reporting()) read.series.push_back(std::move(made));
    CompleteStates(read.series);
    if (!request_.has_target() && !request_.has_onset_time()) {
      if (auto trouble = Trouble(read.series)) read.series.push_back(*std::move(trouble));
    }
    names_ = AssignServices(std::move(read.series), topology_, input_);
    return absl::OkStatus();
  }

  // Where pods are and who calls whom: of kube-state metrics, which know the past too, and of the
  // cluster as it is.
  void LearnTopology() {
    const auto time = [](const google::protobuf::Timestamp& t) {
      return absl::FromUnixSeconds(t.seconds());
    };
    const base::Context learning =
        ctx_.WithTimeout(ctx_.Remaining() == absl::InfiniteDuration()
                             ? kLongestLearning
                             : std::min(kLongestLearning, ctx_.Remaining() * 0.3));
    const size_t pods = LearnFromMetrics(learning, source_, time(request_.start_time()),
                                         time(request_.end_time()), topology_);
    type::v1::LedgerEntry* entry = pods > 0 ? response_.mutable_ledger()->add_checked()
                                            : response_.mutable_ledger()->add_not_checked();
    entry->set_source("prometheus");
    entry->set_subject(pods > 0 ? fmt::format("topology: {} pods of kube-state metrics", pods)
                                : "topology");
    if (pods == 0) entry->set_reason("there are no kube-state metrics (kube_pod_info)");
    if (cluster_ == nullptr) return;
    const auto learnt = cluster_->Learn(learning, request_.context(), topology_);
    Ledger(learnt.ok() ? response_.mutable_ledger()->add_checked()
                       : response_.mutable_ledger()->add_not_checked(),
           learnt.ok() ? "topology: " + *learnt : "topology of the cluster",
           learnt.ok() ? "" : std::string(learnt.status().message()));
  }

  // An onset before or after all figures leaves nothing to compare.
  absl::Status CheckOnset() const {
    if (!input_.onset_time) return absl::OkStatus();
    double first = INFINITY, last = -INFINITY;
    for (const ServiceMetric& s : input_.series) {
      for (const double t : s.times) {
        first = std::min(first, t);
        last = std::max(last, t);
      }
    }
    if (first > last || (*input_.onset_time > first && *input_.onset_time <= last))
      return absl::OkStatus();
    return base::InvalidArgument(
               "onset_time", "ONSET",
               fmt::format("The onset {:.15g} lies outside of the figures, which span {:.15g} to "
                           "{:.15g}: there is nothing to compare.",
                           *input_.onset_time, first, last))
        .Hint("Give an epoch second after the first sample, or leave it out to have it found.");
  }

  bool TargetMeasured() const {
    return std::any_of(input_.series.begin(), input_.series.end(), [&](const ServiceMetric& s) {
      return s.service == input_.target_service &&
             (input_.target_metric.empty() || s.metric == input_.target_metric);
    });
  }

  // "cart" where the analysis says "shop/cart", and the other way round.
  void ResolveTarget() {
    const std::string& given = input_.target_service;
    const auto measured = [this](const std::string& name) {
      return std::any_of(input_.series.begin(), input_.series.end(),
                         [&](const ServiceMetric& s) { return s.service == name; });
    };
    if (given.empty() || measured(given)) return;
    std::vector<std::string> meant;
    for (const auto& [name, object] : names_) {
      if ((object.name == given || object.ns + "/" + object.name == given) && measured(name))
        meant.push_back(name);
    }
    if (meant.size() == 1) input_.target_service = meant.front();
  }

  void Ledger(type::v1::LedgerEntry* entry, std::string_view subject, std::string reason) {
    entry->set_source("apiserver");
    entry->set_subject(std::string(subject));
    if (!reason.empty()) entry->set_reason(std::move(reason));
  }

  // What happened to the objects around the onset.
  void JoinEvents() {
    if (cluster_ == nullptr || !result_.onset_time) return;
    const absl::Time onset = absl::FromUnixSeconds(static_cast<int64_t>(*result_.onset_time));
    const base::Context asking = ctx_.WithTimeout(kLongestAsking);
    const absl::Duration unsure = absl::Seconds(result_.onset_uncertainty);
    for (size_t rank = 0; rank < std::min(kAskedAbout, result_.ranked.size()); ++rank) {
      const std::string& service = result_.ranked[rank].service;
      const auto object = names_.find(service);
      if (object == names_.end() || object->second.kind.empty() ||
          result_.ranked[rank].kind == analytics::CauseKind::kQuiet)
        continue;
      auto events = cluster_->Events(asking, request_.context(), object->second,
                                     onset - kBeforeOnset - unsure, onset + kAfterOnset + unsure);
      const std::string subject = fmt::format("events of {} at the onset", service);
      if (!events.ok()) {
        Ledger(response_.mutable_ledger()->add_not_checked(), subject,
               std::string(events.status().message()));
        continue;
      }
      Ledger(response_.mutable_ledger()->add_checked(), subject, "");
      events_[service] = *std::move(events);
    }
  }

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

  void WriteWindow() {
    double first = INFINITY, last = -INFINITY;
    for (const ServiceMetric& s : input_.series) {
      for (const double t : s.times) {
        first = std::min(first, t);
        last = std::max(last, t);
      }
    }
    if (request_.has_start_time()) first = FromProto(request_.start_time());
    if (request_.has_end_time()) last = FromProto(request_.end_time());
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
      if (score < threshold_ || score <= 0) continue;
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
    if (const auto object = names_.find(cause.service);
        object != names_.end() && !object->second.kind.empty())
      *out.mutable_object() = RefOf(object->second);
    if (rank >= kDetailed) {
      out.set_explanation(Pick(Summary(input_, result_, rank), language_));
      return;
    }
    std::vector<type::v1::Text> steps = Steps(input_, result_, rank);
    if (const auto extra = extra_.find(cause.service); extra != extra_.end()) {
      steps.insert(steps.begin(), extra->second.begin(), extra->second.end());
      for (const type::v1::Text& step : extra->second)
        AddEvidence(out, v1::Evidence::KIND_TOPOLOGY, step, 1, std::nullopt);
    }
    for (const ClusterEvent& event : events_[cause.service]) {
      if (steps.size() < kMaxSteps) steps.push_back(event.statement);
      AddEvidence(out, event.change ? v1::Evidence::KIND_CHANGE : v1::Evidence::KIND_OBJECT,
                  event.statement, 0.8, event.time);
    }
    *out.mutable_summary() = steps.front();
    std::string explanation;
    for (const type::v1::Text& step : steps) {
      *out.add_steps() = step;
      if (!explanation.empty() && !text::IsChinese(language_)) explanation += ' ';
      explanation += Pick(step, language_);
    }
    if (rank + 1 < result_.ranked.size()) {
      *out.mutable_runner_up() = WhyNext(rank);
      if (rank == 0)
        explanation += (text::IsChinese(language_) ? "" : " ") + Pick(out.runner_up(), language_);
    }
    out.set_explanation(std::move(explanation));
    if (cause.kind == analytics::CauseKind::kOwnShare ||
        cause.kind == analytics::CauseKind::kCalls) {
      AddEvidence(out, v1::Evidence::KIND_TOPOLOGY, out.summary(),
                  std::clamp(cause.score, 0.0, 1.0), std::nullopt);
    }
    for (const analytics::MetricFinding& finding : cause.findings) {
      const double score = analytics::CalibratedScore(std::abs(finding.deviation.z), kRobustLimit);
      if (score < threshold_) continue;
      AddEvidence(out, v1::Evidence::KIND_ANOMALY, Move(input_, finding), score, std::nullopt);
    }
    *out.mutable_next_step() = NextStep(cause);
  }

  // What suffers from a node that is at fault lost for another reason than a smaller deviation.
  type::v1::Text WhyNext(size_t rank) {
    const std::string& winner = result_.ranked[rank].service;
    const std::string& next = result_.ranked[rank + 1].service;
    const auto object = names_.find(next);
    if (extra_.contains(winner) && object != names_.end()) {
      for (const auto& [pod, place] : topology_.pods()) {
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

  void WriteReport() {
    type::v1::Text& report = *response_.mutable_report();
    if (!result_.onset_time || result_.ranked.empty()) {
      size_t points = 0;
      for (const ServiceMetric& s : input_.series) points += s.values.size();
      const bool little = points < 30 || input_.series.empty();
      if (little || result_.skipped.size() == input_.series.size()) {
        report.set_en(fmt::format(
            "Insufficient data: {} series with {} points together; nothing can be judged.",
            input_.series.size(), points));
        report.set_zh(
            fmt::format("数据不足:{} 条序列,共 {} 个点,无法判断。", input_.series.size(), points));
      } else {
        report.set_en(fmt::format("Nothing unusual was found in {} series.", input_.series.size()));
        report.set_zh(fmt::format("在 {} 条序列中没有发现异常。", input_.series.size()));
      }
      return;
    }
    const bool clear = result_.ranked[0].kind != analytics::CauseKind::kDeviation ||
                       Largest(result_.ranked[0]) >= kClearLimit ||
                       extra_.contains(result_.ranked[0].service);
    const std::string onset = absl::FormatTime(
        "%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(static_cast<int64_t>(*result_.onset_time)),
        absl::UTCTimeZone());
    std::string en = fmt::format(
        "{} series of {} services were compared before and after {} UTC{}. ", input_.series.size(),
        result_.ranked.size(), onset, result_.onset_given ? "" : ", where their jumps coincide");
    std::string zh = fmt::format("比较了 {} 个服务的 {} 条序列在 {} UTC{}前后的变化。",
                                 result_.ranked.size(), input_.series.size(), onset,
                                 result_.onset_given ? "" : "(各指标突变重合的时刻)");
    if (!input_.target_service.empty() && !TargetMeasured()) {
      const std::string target =
          input_.target_service + (input_.target_metric.empty() ? "" : " " + input_.target_metric);
      en += fmt::format("The target {} is not among them, so nothing can be attributed to it. ",
                        target);
      zh += fmt::format("其中没有目标 {} 的数据,无法按它归因。", target);
    }
    const v1::RootCause& first = response_.root_causes(0);
    const std::string cited =
        first.evidence_size() > 0 ? fmt::format(" [{}]", first.evidence(0).evidence_id()) : "";
    if (!clear || result_.ranked[0].kind == analytics::CauseKind::kQuiet) {
      en += fmt::format("Nothing stands out: the largest change is small. {}{}",
                        first.summary().en(), cited);
      zh += fmt::format("没有明显异常,最大的变化也很小。{}{}", first.summary().zh(), cited);
      report.set_en(std::move(en));
      report.set_zh(std::move(zh));
      return;
    }
    en += fmt::format("Most likely cause: {}. {}{}", first.service(), first.summary().en(), cited);
    zh += fmt::format("最可能的根因:{}。{}{}", first.service(), first.summary().zh(), cited);
    for (const ClusterEvent& event : events_[first.service()]) {
      if (!event.change) continue;
      en += " " + event.statement.en();
      zh += event.statement.zh();
      break;
    }
    if (first.has_runner_up()) {
      en += " " + first.runner_up().en();
      zh += " " + first.runner_up().zh();
    }
    report.set_en(std::move(en));
    report.set_zh(std::move(zh));
  }

  const base::Context& ctx_;
  const v1::AnalyzeRootCauseRequest& request_;
  const MetricSource& source_;
  ClusterView* const cluster_;
  const RootCauseOptions& options_;
  double threshold_ = 0.65;
  text::Language language_ = text::Language::kEnglish;
  CauseInput input_;
  CauseResult result_;
  Topology topology_;
  Names names_;
  std::optional<NodeFaults> faults_;
  ExtraSteps extra_;
  std::map<std::string, std::vector<ClusterEvent>> events_;
  int evidence_count_ = 0;
  v1::AnalyzeRootCauseResponse response_;
};

}  // namespace

type::v1::ObjectRef RefOf(const CauseObject& object) {
  type::v1::ObjectRef ref;
  ref.set_kind(object.kind);
  if (object.kind == "Deployment" || object.kind == "StatefulSet" || object.kind == "DaemonSet")
    ref.set_group("apps");
  ref.set_namespace_(object.ns);
  ref.set_name(object.name);
  return ref;
}

absl::StatusOr<v1::AnalyzeRootCauseResponse> AnalyzeRootCause(
    const base::Context& ctx, const v1::AnalyzeRootCauseRequest& request,
    const MetricSource& source, ClusterView* cluster, const RootCauseOptions& options) {
  return Analysis(ctx, request, source, cluster, options).Run();
}

}  // namespace opsmesh::rca
