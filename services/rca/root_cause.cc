#include "services/rca/root_cause.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "fmt/format.h"
#include "libs/analytics/cause/attribution.h"
#include "libs/base/error.h"
#include "services/rca/metric_topology.h"
#include "services/rca/node_faults.h"
#include "services/rca/ownership.h"
#include "services/rca/root_cause_answer.h"
#include "services/rca/root_cause_request.h"
#include "services/rca/state_series.h"

namespace opsmesh::rca {
namespace {

using analytics::CauseInput;
using analytics::CauseResult;

// Causes whose events are asked for.
constexpr size_t kAskedAbout = 3;
// What helps and need not be there may not hold an answer up.
constexpr absl::Duration kLongestLearning = absl::Seconds(5);
constexpr absl::Duration kLongestAsking = absl::Seconds(5);
// Events this long before the onset may have caused it; a little after it they may be its first
// sign.
constexpr absl::Duration kBeforeOnset = absl::Minutes(30);
constexpr absl::Duration kAfterOnset = absl::Minutes(5);

class Analysis {
 public:
  Analysis(const base::Context& ctx, const v1::AnalyzeRootCauseRequest& request,
           const MetricSource& source, ClusterView* cluster, const RootCauseOptions& options)
      : ctx_(ctx), request_(request), source_(source), cluster_(cluster), options_(options) {}

  absl::StatusOr<v1::AnalyzeRootCauseResponse> Run() {
    OPSMESH_RETURN_IF_ERROR(CheckRootCauseRequest(request_));
    threshold_ = request_.has_threshold() ? request_.threshold() : options_.threshold;
    if (!(threshold_ >= 0 && threshold_ <= 1)) {
      return base::InvalidArgument("threshold", "THRESHOLD",
                                   fmt::format("{} is not between 0 and 1.", threshold_))
          .Hint("0.65 is the shipped operating point; higher reports less.");
    }
    language_ = text::ParseLanguageTag(ctx_.language()).value_or(text::Language::kEnglish);
    TakeInlineSeries(request_, input_);
    if (request_.series_size() > 0) {
      type::v1::LedgerEntry& entry = *response_.mutable_ledger()->add_checked();
      entry.set_source("request");
      entry.set_subject(fmt::format("{} series", request_.series_size()));
    }
    OPSMESH_RETURN_IF_ERROR(ReadMetrics());
    for (const v1::CallEdge& edge : request_.edges())
      input_.edges.emplace_back(edge.caller(), edge.callee());
    input_.target_service = request_.target().service();
    input_.target_metric = request_.target().metric();
    if (request_.has_onset_time()) input_.onset_time = request_.onset_time();
    ResolveTarget();
    OPSMESH_RETURN_IF_ERROR(CheckOnset(input_));
    result_ = analytics::RankCauses(input_);
    OPSMESH_RETURN_IF_ERROR(ctx_.Check());
    if (faults_) faults_->Promote(input_, names_, result_, extra_);
    JoinEvents();
    WriteRankedCauses(request_,
                      {.input = input_,
                       .result = result_,
                       .topology = topology_,
                       .names = names_,
                       .extra = extra_,
                       .events = events_,
                       .threshold = threshold_,
                       .language = language_},
                      response_);
    return std::move(response_);
  }

 private:
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

  // "cart" where the analysis says "shop/cart", and the other way round.
  void ResolveTarget() {
    const std::string& given = input_.target_service;
    const auto measured = [this](const std::string& name) {
      return std::any_of(input_.series.begin(), input_.series.end(),
                         [&](const analytics::ServiceMetric& s) { return s.service == name; });
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
