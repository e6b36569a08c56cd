// What kube-state-metrics says about workloads.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/cron_schedule.h"
#include "libs/kubesim/prometheus/fact_writer.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

using promql::Labels;

/// "25%" of a whole, or the number itself; NaN for neither.
double Scaled(const Json& amount, double whole, bool up) {
  if (amount.is_number()) return amount.get<double>();
  if (!amount.is_string()) return kNaN;
  const std::string text = amount.get<std::string>();
  double percent = 0;
  const char* last = text.data() + text.size() - 1;
  if (!text.ends_with('%') || std::from_chars(text.data(), last, percent).ptr != last) return kNaN;
  const double part = percent * whole / 100;
  return up ? std::ceil(part) : std::floor(part);
}

double ReplicasOf(const Json& object) {
  const Json& replicas = At(object, {"spec", "replicas"});
  return replicas.is_number() ? replicas.get<double>() : 1;
}

/// The kinds of value a metric's target or present value may have.
void Targets(FactWriter& w, const std::string& metric, const Json& list, const char* values) {
  for (const Json& one : list) {
    for (const char* source : {"resource", "containerResource", "pods", "object", "external"}) {
      const Json& told = At(one, source);
      if (!told.is_object()) continue;
      std::string name = TextAt(told, "name");
      if (name.empty()) name = TextAt(told, {"metric", "name"});
      const auto add = [&](const char* type, double value) {
        w.Add(metric, value,
              {{"metric_name", name},
               {"metric_target_type", type},
               {"container", TextAt(told, "container")}});
      };
      add("value", AmountOf(At(told, {values, "value"})));
      add("average", AmountOf(At(told, {values, "averageValue"})));
      const Json& utilization = At(told, {values, "averageUtilization"});
      if (utilization.is_number()) add("utilization", utilization.get<double>());
    }
  }
}

/// Pods that failed: a count, or which of the reasons it was that made the job give up.
void FailedPods(FactWriter& w, const Json& job) {
  const double failed = NumberOf(At(job, {"status", "failed"}));
  if (failed == 0) return w.Add("kube_job_status_failed", 0);
  constexpr const char* kReasons[] = {"BackoffLimitExceeded", "DeadlineExceeded", "Evicted"};
  bool known = false;
  for (const Json& condition : ListAt(job, {"status", "conditions"})) {
    if (TextAt(condition, "type") != "Failed") continue;
    for (const char* reason : kReasons) {
      const bool it = TextAt(condition, "reason") == reason;
      known = known || it;
      w.Add("kube_job_status_failed", it ? 1 : 0, {{"reason", reason}},
            Time(At(condition, "lastTransitionTime")), it ? 0 : kNaN);
    }
  }
  if (!known) w.Add("kube_job_status_failed", failed);
}

void JobEnd(FactWriter& w, const Json& job) {
  for (const Json& condition : ListAt(job, {"status", "conditions"})) {
    const std::string type = TextAt(condition, "type");
    if (type != "Complete" && type != "Failed") continue;
    const std::string status = base::AsciiLower(TextAt(condition, "status"));
    for (const char* one : {"true", "false", "unknown"}) {
      w.Add(type == "Complete" ? "kube_job_complete" : "kube_job_failed", status == one ? 1 : 0,
            {{"condition", one}}, Time(At(condition, "lastTransitionTime")));
    }
  }
}

/// When a CronJob is due next, or that its schedule cannot be read.
void Due(FactWriter& w, const Json& job) {
  const std::string zone_name = TextAt(job, {"spec", "timeZone"});
  absl::TimeZone zone = absl::UTCTimeZone();
  bool readable = zone_name.empty() || absl::LoadTimeZone(zone_name, &zone);
  const auto schedule = CronSchedule::Parse(TextAt(job, {"spec", "schedule"}), zone);
  readable = readable && schedule.ok();
  w.Add("kube_cronjob_schedule_invalid", readable ? kNaN : 1);
  if (!readable || BoolAt(job, {"spec", "suspend"})) return;
  const double last = Time(At(job, {"status", "lastScheduleTime"}));
  const double from = std::isnan(last) ? Time(At(job, {"metadata", "creationTimestamp"})) : last;
  if (std::isnan(from)) return;
  const absl::Time next = schedule->Next(absl::UnixEpoch() + absl::Seconds(from));
  if (next == absl::InfiniteFuture()) return;
  w.Add("kube_cronjob_next_schedule_time", absl::ToDoubleSeconds(next - absl::UnixEpoch()), {},
        last);
}

}  // namespace

std::vector<Fact> DeploymentFacts(const Json& d) {
  FactWriter w(d, "deployment");
  w.AddCommon("kube_deployment");
  w.AddGenerations("kube_deployment");
  const double wanted = ReplicasOf(d);
  w.Add("kube_deployment_spec_replicas", wanted);
  w.Add("kube_deployment_spec_paused", BoolAt(d, {"spec", "paused"}) ? 1 : 0);
  const Json& rolling = At(d, {"spec", "strategy", "rollingUpdate"});
  w.Add("kube_deployment_spec_strategy_rollingupdate_max_unavailable",
        Scaled(At(rolling, "maxUnavailable"), wanted, false));
  w.Add("kube_deployment_spec_strategy_rollingupdate_max_surge",
        Scaled(At(rolling, "maxSurge"), wanted, true));
  w.AddPath("kube_deployment_status_replicas", {"status", "replicas"});
  w.AddPath("kube_deployment_status_replicas_updated", {"status", "updatedReplicas"});
  double since = kNaN;  // when it stopped, or began, to be available
  for (const Json& condition : ListAt(d, {"status", "conditions"})) {
    if (TextAt(condition, "type") == "Available") since = Time(At(condition, "lastTransitionTime"));
  }
  const double available = NumberOf(At(d, {"status", "availableReplicas"}));
  const double ready = NumberOf(At(d, {"status", "readyReplicas"}));
  const double before = available < wanted ? wanted : kNaN;
  w.Add("kube_deployment_status_replicas_available", available, {},
        std::isnan(before) ? kNaN : since, before);
  w.Add("kube_deployment_status_replicas_ready", ready, {}, std::isnan(before) ? kNaN : since,
        before);
  w.Add("kube_deployment_status_replicas_unavailable", std::max(0.0, wanted - available), {},
        std::isnan(before) ? kNaN : since, std::isnan(before) ? kNaN : 0);
  w.AddConditions("kube_deployment_status_condition");
  w.AddOwners("kube_deployment_owner");
  return w.Take();
}

std::vector<Fact> ReplicaSetFacts(const Json& r) {
  FactWriter w(r, "replicaset");
  w.AddCommon("kube_replicaset");
  w.AddPath("kube_replicaset_metadata_generation", {"metadata", "generation"}, 1);
  w.AddPath("kube_replicaset_status_observed_generation", {"status", "observedGeneration"});
  w.AddPath("kube_replicaset_spec_replicas", {"spec", "replicas"}, 1);
  w.AddPath("kube_replicaset_status_replicas", {"status", "replicas"});
  w.AddPath("kube_replicaset_status_fully_labeled_replicas", {"status", "fullyLabeledReplicas"});
  w.AddPath("kube_replicaset_status_ready_replicas", {"status", "readyReplicas"});
  w.AddOwners("kube_replicaset_owner");
  return w.Take();
}

std::vector<Fact> ReplicationControllerFacts(const Json& r) {
  FactWriter w(r, "replicationcontroller");
  w.AddCommon("kube_replicationcontroller");
  w.AddGenerations("kube_replicationcontroller");
  w.AddPath("kube_replicationcontroller_spec_replicas", {"spec", "replicas"}, 1);
  w.AddPath("kube_replicationcontroller_status_replicas", {"status", "replicas"});
  w.AddPath("kube_replicationcontroller_status_fully_labeled_replicas",
            {"status", "fullyLabeledReplicas"});
  w.AddPath("kube_replicationcontroller_status_ready_replicas", {"status", "readyReplicas"});
  w.AddPath("kube_replicationcontroller_status_available_replicas",
            {"status", "availableReplicas"});
  w.AddOwners("kube_replicationcontroller_owner");
  return w.Take();
}

std::vector<Fact> StatefulSetFacts(const Json& s) {
  FactWriter w(s, "statefulset");
  w.AddCommon("kube_statefulset");
  w.AddGenerations("kube_statefulset");
  w.AddPath("kube_statefulset_replicas", {"spec", "replicas"}, 1);
  w.AddPath("kube_statefulset_ordinals_start", {"spec", "ordinals", "start"}, kNaN);
  w.AddPath("kube_statefulset_status_replicas", {"status", "replicas"});
  w.AddPath("kube_statefulset_status_replicas_ready", {"status", "readyReplicas"});
  w.AddPath("kube_statefulset_status_replicas_available", {"status", "availableReplicas"});
  w.AddPath("kube_statefulset_status_replicas_current", {"status", "currentReplicas"});
  w.AddPath("kube_statefulset_status_replicas_updated", {"status", "updatedReplicas"});
  for (const char* which : {"current", "update"}) {
    const std::string member = std::string(which) + "Revision";
    const std::string revision = TextAt(s, {"status", member.c_str()});
    if (!revision.empty())
      w.Add("kube_statefulset_status_" + std::string(which) + "_revision", 1,
            {{"revision", revision}});
  }
  const Json& retention = At(s, {"spec", "persistentVolumeClaimRetentionPolicy"});
  if (retention.is_object()) {
    w.Add("kube_statefulset_persistentvolumeclaim_retention_policy", 1,
          {{"when_deleted", TextAt(retention, "whenDeleted")},
           {"when_scaled", TextAt(retention, "whenScaled")}});
  }
  return w.Take();
}

std::vector<Fact> DaemonSetFacts(const Json& d) {
  FactWriter w(d, "daemonset");
  w.AddCommon("kube_daemonset");
  w.AddGenerations("kube_daemonset");
  w.AddPath("kube_daemonset_status_desired_number_scheduled", {"status", "desiredNumberScheduled"});
  w.AddPath("kube_daemonset_status_current_number_scheduled", {"status", "currentNumberScheduled"});
  w.AddPath("kube_daemonset_status_number_ready", {"status", "numberReady"});
  w.AddPath("kube_daemonset_status_number_available", {"status", "numberAvailable"});
  w.AddPath("kube_daemonset_status_number_unavailable", {"status", "numberUnavailable"});
  w.AddPath("kube_daemonset_status_number_misscheduled", {"status", "numberMisscheduled"});
  w.AddPath("kube_daemonset_status_updated_number_scheduled", {"status", "updatedNumberScheduled"});
  return w.Take();
}

std::vector<Fact> JobFacts(const Json& j) {
  FactWriter w(j, "job_name");
  w.Add("kube_job_info", 1);
  w.AddCommon("kube_job");
  w.AddOwners("kube_job_owner");
  w.AddPath("kube_job_spec_parallelism", {"spec", "parallelism"}, kNaN);
  w.AddPath("kube_job_spec_completions", {"spec", "completions"}, kNaN);
  w.AddPath("kube_job_spec_active_deadline_seconds", {"spec", "activeDeadlineSeconds"}, kNaN);
  w.AddPath("kube_job_status_active", {"status", "active"});
  w.AddPath("kube_job_status_ready", {"status", "ready"}, kNaN);
  w.AddPath("kube_job_status_succeeded", {"status", "succeeded"});
  w.Add("kube_job_status_suspended", BoolAt(j, {"spec", "suspend"}) ? 1 : 0);
  FailedPods(w, j);
  w.AddTime("kube_job_status_start_time", {"status", "startTime"});
  const double completed = Time(At(j, {"status", "completionTime"}));
  w.Add("kube_job_status_completion_time", completed, {}, completed);
  JobEnd(w, j);
  return w.Take();
}

std::vector<Fact> CronJobFacts(const Json& c) {
  FactWriter w(c, "cronjob");
  w.AddCommon("kube_cronjob");
  w.Add("kube_cronjob_info", 1,
        {{"schedule", TextAt(c, {"spec", "schedule"})},
         {"concurrency_policy", TextAt(c, {"spec", "concurrencyPolicy"})},
         {"timezone", TextAt(c, {"spec", "timeZone"})}});
  w.Add("kube_cronjob_spec_suspend", BoolAt(c, {"spec", "suspend"}) ? 1 : 0);
  w.AddPath("kube_cronjob_spec_starting_deadline_seconds", {"spec", "startingDeadlineSeconds"},
            kNaN);
  w.AddPath("kube_cronjob_spec_successful_job_history_limit",
            {"spec", "successfulJobsHistoryLimit"}, 3);
  w.AddPath("kube_cronjob_spec_failed_job_history_limit", {"spec", "failedJobsHistoryLimit"}, 1);
  w.Add("kube_cronjob_status_active", static_cast<double>(ListAt(c, {"status", "active"}).size()));
  const double last = Time(At(c, {"status", "lastScheduleTime"}));
  w.Add("kube_cronjob_status_last_schedule_time", last, {}, last);
  const double success = Time(At(c, {"status", "lastSuccessfulTime"}));
  w.Add("kube_cronjob_status_last_successful_time", success, {}, success);
  Due(w, c);
  return w.Take();
}

std::vector<Fact> AutoscalerFacts(const Json& h) {
  FactWriter w(h, "horizontalpodautoscaler");
  w.AddCommon("kube_horizontalpodautoscaler");
  w.Add("kube_horizontalpodautoscaler_info", 1,
        {{"scaletargetref_api_version", TextAt(h, {"spec", "scaleTargetRef", "apiVersion"})},
         {"scaletargetref_kind", TextAt(h, {"spec", "scaleTargetRef", "kind"})},
         {"scaletargetref_name", TextAt(h, {"spec", "scaleTargetRef", "name"})}});
  w.AddPath("kube_horizontalpodautoscaler_metadata_generation", {"metadata", "generation"}, kNaN);
  w.AddPath("kube_horizontalpodautoscaler_spec_min_replicas", {"spec", "minReplicas"}, 1);
  w.AddPath("kube_horizontalpodautoscaler_spec_max_replicas", {"spec", "maxReplicas"});
  w.AddPath("kube_horizontalpodautoscaler_status_current_replicas", {"status", "currentReplicas"});
  w.AddPath("kube_horizontalpodautoscaler_status_desired_replicas", {"status", "desiredReplicas"});
  Targets(w, "kube_horizontalpodautoscaler_spec_target_metric", ListAt(h, {"spec", "metrics"}),
          "target");
  Targets(w, "kube_horizontalpodautoscaler_status_target_metric",
          ListAt(h, {"status", "currentMetrics"}), "current");
  w.AddConditions("kube_horizontalpodautoscaler_status_condition");
  return w.Take();
}

}  // namespace opsmesh::kubesim::prometheus
