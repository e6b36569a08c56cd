#include "services/predict/plan_inputs.h"

#include <string>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::predict {
namespace {

constexpr std::string_view kCapacity = "requests per second one pod serves";

analytics::Series SeriesOf(const type::v1::TimeSeries& given) {
  analytics::Series series;
  series.times.assign(given.times().begin(), given.times().end());
  series.values.assign(given.values().begin(), given.values().end());
  series.values.resize(series.times.size());
  return series;
}

}  // namespace

PodCapacity PlanInputs::Capacity(std::span<const double> past, bool by_history,
                                 type::v1::Ledger& ledger) const {
  PodCapacity capacity =
      ChooseCapacity(*config, given, measured, by_history ? past : std::span<const double>());
  if (capacity.source == "assumed" || capacity.source == "history") {
    NotChecked(ledger, "capacity", kCapacity,
               fmt::format("{:.4g} is {}.", capacity.qps, SourceInEnglish(capacity.source)));
  }
  return capacity;
}

absl::StatusOr<PlanInputs> PlanSources::Read(const base::Context& ctx, const Wanted& wanted,
                                             type::v1::Ledger& ledger) const {
  if (wanted.workload == nullptr && wanted.history == nullptr && wanted.prometheus == nullptr) {
    return base::InvalidArgument("workload", "HISTORY",
                                 "There is neither a workload nor a load to plan for.")
        .Hint(
            "Give workload: {namespace, name}, history: {times, values}, or prometheus: {query}.");
  }
  OPSMESH_RETURN_IF_ERROR(CheckStep(wanted.step_seconds));
  PlanInputs inputs{
      .config = &config_, .running = wanted.current_replicas, .given = wanted.rules.capacity_qps};
  std::optional<v1::Workload> workload;
  if (wanted.workload != nullptr) {
    OPSMESH_ASSIGN_OR_RETURN(workload, CheckedWorkload(*wanted.workload));
    OPSMESH_ASSIGN_OR_RETURN(inputs.facts, Facts(ctx, *workload, ledger));
  }
  const v1::Workload* const of = workload ? &*workload : nullptr;
  if (!inputs.running && inputs.facts) inputs.running = inputs.facts->replicas;
  OPSMESH_ASSIGN_OR_RETURN(
      inputs.rules,
      RulesOf(config_, wanted.rules, inputs.facts ? inputs.facts->bounds : AutoscalerBounds{}));
  OPSMESH_ASSIGN_OR_RETURN(inputs.load, ReadLoad(ctx, wanted, of));
  ledger.MergeFrom(inputs.load.sourced.ledger);
  if (!inputs.given) inputs.measured = Measured(ctx, wanted, of, inputs, ledger);
  return inputs;
}

absl::StatusOr<std::optional<WorkloadFacts>> PlanSources::Facts(const base::Context& ctx,
                                                                const v1::Workload& workload,
                                                                type::v1::Ledger& ledger) const {
  const std::string subject =
      fmt::format("{} {}/{}", workload.kind(), workload.namespace_(), workload.name());
  if (cluster_ == nullptr) {
    NotChecked(ledger, "apiserver", subject, "No k8s service is configured for this process.");
    return std::nullopt;
  }
  absl::StatusOr<WorkloadFacts> facts = cluster_->Read(ctx, workload);
  if (absl::IsNotFound(facts.status()) || absl::IsPermissionDenied(facts.status()))
    return facts.status();
  if (!facts.ok()) {
    NotChecked(ledger, "apiserver", subject, base::ToStd(facts.status().message()));
    return std::nullopt;
  }
  type::v1::LedgerEntry& entry = *ledger.add_checked();
  entry.set_source("apiserver");
  entry.set_subject(subject);
  if (!facts->autoscaler_trouble.empty()) {
    NotChecked(ledger, "apiserver", "autoscaler of " + subject, facts->autoscaler_trouble);
  }
  return *std::move(facts);
}

absl::StatusOr<Load> PlanSources::ReadLoad(const base::Context& ctx, const Wanted& wanted,
                                           const v1::Workload* workload) const {
  const auto step = static_cast<double>(wanted.step_seconds);
  if (wanted.history != nullptr || wanted.prometheus != nullptr || workload == nullptr) {
    static const type::v1::TimeSeries kNoHistory;
    static const v1::PrometheusHistory kNoQuery;
    OPSMESH_ASSIGN_OR_RETURN(
        Forecasting::Sourced sourced,
        forecasting_.Source(ctx, wanted.history != nullptr,
                            wanted.history != nullptr ? *wanted.history : kNoHistory,
                            wanted.prometheus != nullptr,
                            wanted.prometheus != nullptr ? *wanted.prometheus : kNoQuery));
    return OnGrid(std::move(sourced), step);
  }
  absl::StatusOr<Forecasting::Sourced> sourced =
      forecasting_.Read(ctx, LoadQuery(config_, workload, clock_.Now(), wanted.step_seconds));
  const base::ErrorDetail detail = base::DetailOf(sourced.status());
  if (detail.reason == "NO_PROMETHEUS" || detail.reason == "NO_SERIES") {
    return base::FailedPrecondition(
               "NO_LOAD_SOURCE",
               fmt::format("The load of {}/{} cannot be read: {}", workload->namespace_(),
                           workload->name(), base::ToStd(sourced.status().message())))
        .Hint(
            "Set PROMETHEUS_HOST and predict.workload_qps_query, or give 'history' or "
            "'prometheus'.");
  }
  OPSMESH_RETURN_IF_ERROR(sourced.status());
  return OnGrid(*std::move(sourced), step);
}

// What the pods used: given, or read for a workload. Nothing, and a line in the ledger that says
// why, when that cannot be.
std::optional<double> PlanSources::Measured(const base::Context& ctx, const Wanted& wanted,
                                            const v1::Workload* workload, const PlanInputs& inputs,
                                            type::v1::Ledger& ledger) const {
  if (wanted.usage == nullptr && workload == nullptr) return std::nullopt;
  const auto unmeasured = [&](std::string_view why) {
    NotChecked(ledger, "capacity", kCapacity, why);
    return std::nullopt;
  };
  std::optional<double> cores_per_pod = inputs.facts ? inputs.facts->cores_per_pod : std::nullopt;
  if (wanted.usage != nullptr && wanted.usage->has_cores_per_pod())
    cores_per_pod = wanted.usage->cores_per_pod();
  if (!cores_per_pod) {
    return unmeasured(
        "Its containers have neither a limit nor a request of cores, and none are given.");
  }
  analytics::Series cores, pods;
  if (wanted.usage != nullptr && wanted.usage->has_cpu_cores()) {
    cores = SeriesOf(wanted.usage->cpu_cores());
    pods = SeriesOf(wanted.usage->replicas());
  } else if (workload == nullptr) {
    return unmeasured("usage.cpu_cores is not given.");
  } else if (const absl::Status read = ReadUse(ctx, wanted, *workload, cores, pods, ledger);
             !read.ok()) {
    return unmeasured(base::ToStd(read.message()));
  }
  const auto measured = CapacityFromUse(inputs.load, cores, pods, inputs.running, *cores_per_pod);
  if (!measured.ok()) return unmeasured(base::ToStd(measured.status().message()));
  return measured->qps;
}

absl::Status PlanSources::ReadUse(const base::Context& ctx, const Wanted& wanted,
                                  const v1::Workload& workload, analytics::Series& cores,
                                  analytics::Series& pods, type::v1::Ledger& ledger) const {
  v1::PrometheusHistory query = LoadQuery(config_, &workload, clock_.Now(), wanted.step_seconds);
  const auto read = [&](const std::string& text, analytics::Series& series) -> absl::Status {
    query.set_query(ForWorkload(text, workload));
    OPSMESH_ASSIGN_OR_RETURN(Forecasting::Sourced sourced, forecasting_.Read(ctx, query));
    series = std::move(sourced.series);
    ledger.MergeFrom(sourced.ledger);
    return absl::OkStatus();
  };
  OPSMESH_RETURN_IF_ERROR(read(config_.workload_cpu_query, cores));
  return read(config_.workload_pods_query, pods);
}

}  // namespace opsmesh::predict
