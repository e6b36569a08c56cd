#include <fmt/format.h>

#include "services/k8s/field_tables.h"

namespace opsmesh::k8s {
namespace {

using kube::CronJob;
using kube::DaemonSet;
using kube::Deployment;
using kube::HorizontalPodAutoscaler;
using kube::Job;
using kube::PodDisruptionBudget;
using kube::ReplicaSet;
using kube::StatefulSet;

std::string Of(int64_t have, int64_t want) { return fmt::format("{}/{}", have, want); }

template <typename T>
std::string TemplateImages(const T& v) {
  return Images(v.pod_template.spec);
}

std::string JobStatus(const Job& job) {
  if (kube::ConditionTrue(job.conditions, "Failed")) return "Failed";
  if (kube::ConditionTrue(job.conditions, "Complete")) return "Complete";
  if (job.suspend) return "Suspended";
  return "Running";
}

std::string HpaTargets(const HorizontalPodAutoscaler& hpa) {
  std::string out;
  for (const kube::HpaMetric& m : hpa.metrics) {
    if (!out.empty()) out += ", ";
    const std::string now = m.current_utilization     ? fmt::format("{}%", *m.current_utilization)
                            : m.current_value.empty() ? "<unknown>"
                                                      : std::string(m.current_value);
    const std::string want = m.target_utilization ? fmt::format("{}%", *m.target_utilization)
                                                  : std::string(m.target_value);
    out += fmt::format("{}: {}/{}", m.name, now, want);
  }
  return out;
}

std::string Show(const kube::IntOrString& value) {
  return value.number ? std::to_string(*value.number) : std::string(value.name);
}

}  // namespace

void AddWorkloadFields(std::map<std::string, std::vector<Field>, std::less<>>& tables) {
  tables["deployments"] = {
      TextField<Deployment>("ready", "READY",
                            [](const Deployment& d) { return Of(d.ready_replicas, d.replicas); }),
      CountField<Deployment>("up_to_date", "UP-TO-DATE",
                             [](const Deployment& d) { return d.updated_replicas; }),
      CountField<Deployment>("available", "AVAILABLE",
                             [](const Deployment& d) { return d.available_replicas; }),
      AgeField(),
      TextField<Deployment>("images", "IMAGES", TemplateImages<Deployment>),
      CountField<Deployment>("replicas", "", [](const Deployment& d) { return d.replicas; }),
      CountField<Deployment>("ready_replicas", "",
                             [](const Deployment& d) { return d.ready_replicas; }),
      CountField<Deployment>("unavailable", "",
                             [](const Deployment& d) {
                               return std::max<int64_t>(0, d.replicas - d.available_replicas);
                             }),
      TextField<Deployment>("strategy", "", [](const Deployment& d) { return d.strategy; }),
      TextField<Deployment>("revision", "", [](const Deployment& d) { return d.revision; }),
      TextField<Deployment>("selector", "",
                            [](const Deployment& d) { return ShowSelector(d.selector); }),
      BoolField<Deployment>("paused", "", [](const Deployment& d) { return d.paused; }),
      BoolField<Deployment>("healthy", "",
                            [](const Deployment& d) { return d.available_replicas >= d.replicas; }),
  };
  tables["replicasets"] = {
      CountField<ReplicaSet>("desired", "DESIRED", [](const ReplicaSet& r) { return r.replicas; }),
      CountField<ReplicaSet>("current", "CURRENT",
                             [](const ReplicaSet& r) { return r.current_replicas; }),
      CountField<ReplicaSet>("ready_replicas", "READY",
                             [](const ReplicaSet& r) { return r.ready_replicas; }),
      AgeField(),
      TextField<ReplicaSet>("images", "", TemplateImages<ReplicaSet>),
      TextField<ReplicaSet>("revision", "", [](const ReplicaSet& r) { return r.revision; }),
  };
  tables["statefulsets"] = {
      TextField<StatefulSet>("ready", "READY",
                             [](const StatefulSet& s) { return Of(s.ready_replicas, s.replicas); }),
      AgeField(),
      TextField<StatefulSet>("images", "IMAGES", TemplateImages<StatefulSet>),
      CountField<StatefulSet>("replicas", "", [](const StatefulSet& s) { return s.replicas; }),
      CountField<StatefulSet>("ready_replicas", "",
                              [](const StatefulSet& s) { return s.ready_replicas; }),
      CountField<StatefulSet>("updated", "",
                              [](const StatefulSet& s) { return s.updated_replicas; }),
      TextField<StatefulSet>("service", "", [](const StatefulSet& s) { return s.service_name; }),
      BoolField<StatefulSet>("healthy", "",
                             [](const StatefulSet& s) { return s.ready_replicas >= s.replicas; }),
  };
  tables["daemonsets"] = {
      CountField<DaemonSet>("desired", "DESIRED", [](const DaemonSet& d) { return d.desired; }),
      CountField<DaemonSet>("current", "CURRENT", [](const DaemonSet& d) { return d.current; }),
      CountField<DaemonSet>("ready_replicas", "READY", [](const DaemonSet& d) { return d.ready; }),
      CountField<DaemonSet>("up_to_date", "UP-TO-DATE",
                            [](const DaemonSet& d) { return d.updated; }),
      CountField<DaemonSet>("available", "AVAILABLE",
                            [](const DaemonSet& d) { return d.available; }),
      AgeField(),
      TextField<DaemonSet>("images", "", TemplateImages<DaemonSet>),
      CountField<DaemonSet>("misscheduled", "", [](const DaemonSet& d) { return d.misscheduled; }),
      BoolField<DaemonSet>("healthy", "",
                           [](const DaemonSet& d) { return d.available >= d.desired; }),
  };
  tables["jobs"] = {
      TextField<Job>("status", "STATUS", JobStatus),
      TextField<Job>("completions", "COMPLETIONS",
                     [](const Job& j) {
                       return j.completions ? Of(j.succeeded, *j.completions)
                                            : fmt::format("{}/1 of {}", j.succeeded, j.parallelism);
                     }),
      ViewField<Job>("duration", "DURATION", Unit::kSeconds,
                     [](const kube::Object&, const Job& j, Picture& p) {
                       if (j.start_time == absl::InfinitePast()) return FieldValue::None();
                       const absl::Time end =
                           j.completion_time == absl::InfinitePast() ? p.now() : j.completion_time;
                       return FieldValue::Number(
                           static_cast<double>(absl::ToInt64Seconds(end - j.start_time)));
                     }),
      AgeField(),
      CountField<Job>("active", "", [](const Job& j) { return j.active; }),
      CountField<Job>("succeeded", "", [](const Job& j) { return j.succeeded; }),
      CountField<Job>("failed", "", [](const Job& j) { return j.failed; }),
      TextField<Job>("images", "", TemplateImages<Job>),
  };
  tables["cronjobs"] = {
      TextField<CronJob>("schedule", "SCHEDULE", [](const CronJob& c) { return c.schedule; }),
      BoolField<CronJob>("suspend", "SUSPEND", [](const CronJob& c) { return c.suspend; }),
      CountField<CronJob>("active", "ACTIVE",
                          [](const CronJob& c) { return c.active_jobs.size(); }),
      SinceField<CronJob>("last_schedule", "LAST SCHEDULE",
                          [](const CronJob& c) { return c.last_schedule; }),
      AgeField(),
  };
  tables["horizontalpodautoscalers"] = {
      TextField<HorizontalPodAutoscaler>("reference", "REFERENCE",
                                         [](const HorizontalPodAutoscaler& h) {
                                           return fmt::format("{}/{}", h.target.kind,
                                                              h.target.name);
                                         }),
      TextField<HorizontalPodAutoscaler>("targets", "TARGETS", HpaTargets),
      CountField<HorizontalPodAutoscaler>(
          "min", "MINPODS", [](const HorizontalPodAutoscaler& h) { return h.min_replicas; }),
      CountField<HorizontalPodAutoscaler>(
          "max", "MAXPODS", [](const HorizontalPodAutoscaler& h) { return h.max_replicas; }),
      CountField<HorizontalPodAutoscaler>(
          "replicas", "REPLICAS",
          [](const HorizontalPodAutoscaler& h) { return h.current_replicas; }),
      AgeField(),
      CountField<HorizontalPodAutoscaler>(
          "desired", "", [](const HorizontalPodAutoscaler& h) { return h.desired_replicas; }),
  };
  tables["poddisruptionbudgets"] = {
      TextField<PodDisruptionBudget>(
          "min_available", "MIN AVAILABLE",
          [](const PodDisruptionBudget& b) { return Show(b.min_available); }),
      TextField<PodDisruptionBudget>(
          "max_unavailable", "MAX UNAVAILABLE",
          [](const PodDisruptionBudget& b) { return Show(b.max_unavailable); }),
      CountField<PodDisruptionBudget>(
          "allowed_disruptions", "ALLOWED DISRUPTIONS",
          [](const PodDisruptionBudget& b) { return b.disruptions_allowed; }),
      AgeField(),
      CountField<PodDisruptionBudget>(
          "current_healthy", "", [](const PodDisruptionBudget& b) { return b.current_healthy; }),
      CountField<PodDisruptionBudget>(
          "desired_healthy", "", [](const PodDisruptionBudget& b) { return b.desired_healthy; }),
  };
}

}  // namespace opsmesh::k8s
