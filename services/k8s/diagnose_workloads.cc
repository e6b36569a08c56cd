// Rules about controllers of pods and about autoscalers.
#include <algorithm>

#include "services/k8s/clean_text.h"
#include "services/k8s/finding.h"
#include "services/k8s/pod_causes.h"

namespace opsmesh::k8s {
namespace {

// Pods this young are given time before their controller is blamed.
constexpr absl::Duration kRolloutGrace = absl::Minutes(2);

struct Health {
  int64_t wanted = 0;
  int64_t available = 0;
};

// The age of the youngest pod that the selector matches: a rollout or a restart is under way when
// it is small.
absl::Duration YoungestPod(Picture& picture, const kube::Object& object,
                           const kube::ObjectSelector& selector) {
  absl::Duration youngest = absl::InfiniteDuration();
  if (!selector.present) return youngest;
  for (const kube::ObjectPtr& pod : picture.All("pods").Matching(object.ns(), selector)) {
    youngest = std::min(youngest, pod->meta().Age(picture.now()));
  }
  return youngest;
}

std::string JoinCodes(const std::vector<std::string>& codes) {
  std::string out;
  for (const std::string& code : codes) out += (out.empty() ? "" : ", ") + code;
  return out;
}

Finding Unavailable(Findings& findings, const kube::Object& object, const Health& health) {
  Finding f;
  f.code = "WORKLOAD_UNAVAILABLE";
  f.severity = health.available == 0 ? Severity::kCritical : Severity::kWarning;
  f.object = RefOf(object);
  f.summary =
      Say("{0} {1}/{2} 只有 {3}/{4} 个副本可用。", "{0} {1}/{2} has {3} of {4} replicas available.",
          object.meta().kind, object.ns(), object.name(), health.available, health.wanted);
  const std::vector<std::string> codes = findings.CodesOf(f.object);
  if (!codes.empty()) {
    f.cause = Say("它的 Pod 有问题：{0}。", "Its pods are in trouble: {0}.", JoinCodes(codes));
    f.next_step = {"先解决上述 Pod 的问题。", "Solve the problems of its pods first."};
  } else {
    f.cause = {
        "没有发现 Pod 自身的问题：可能还在启动，或 Pod 没有被创建。",
        "Nothing is wrong with its pods as such: they may still be starting, or are not created."};
    f.next_step = {"查看它的事件。", "Look at its events."};
  }
  f.With("wanted", std::to_string(health.wanted))
      .With("available", std::to_string(health.available));
  return f;
}

// Why the controller cannot even create pods: quota, admission, a missing service account.
void ExplainCreation(Picture& picture, const kube::Object& object, Finding& f) {
  const auto event = LastWarning(picture, object, {"FailedCreate", "FailedCreatePod"});
  if (!event) return;
  f.cause = Say("无法创建 Pod：{0}", "Its pods cannot be created: {0}", Quoted(event->message));
  f.next_step =
      event->message.find("quota") != std::string::npos
          ? Text{"提高配额，或减小 requests 或副本数。",
                 "Raise the quota, or lower the requests or the number of replicas."}
          : Text{"按错误说明改正（准入策略、ServiceAccount 或模板）。",
                 "Correct what the error names (admission policy, service account or template)."};
  f.untrusted = true;
}

void LookAtDeployment(Findings& findings, const kube::Object& object, const kube::Deployment& d) {
  if (d.replicas == 0 || object.meta().terminating()) return;
  Picture& picture = findings.picture();
  const kube::Condition* progressing = kube::FindCondition(d.conditions, "Progressing");
  const kube::Condition* failure = kube::FindCondition(d.conditions, "ReplicaFailure");
  const bool stuck = progressing && progressing->status == "False" &&
                     progressing->reason == "ProgressDeadlineExceeded";
  if (failure && failure->status == "True" && d.current_replicas < d.replicas) {
    Finding f = Unavailable(findings, object, {d.replicas, d.available_replicas});
    f.code = "REPLICA_FAILURE";
    f.cause = Say("无法创建 Pod：{0}", "Its pods cannot be created: {0}", Quoted(failure->message));
    f.next_step =
        failure->message.find("quota") != std::string_view::npos
            ? Text{"提高配额，或减小 requests 或副本数。",
                   "Raise the quota, or lower the requests or the number of replicas."}
            : Text{"按错误说明改正（准入策略、ServiceAccount 或模板）。",
                   "Correct what the error names (admission policy, service account or template)."};
    f.untrusted = true;
    return findings.Add(std::move(f));
  }
  if (d.available_replicas >= d.replicas && !stuck) return;
  if (stuck) {
    Finding f = Unavailable(findings, object, {d.replicas, d.available_replicas});
    f.code = "ROLLOUT_STUCK";
    f.summary = Say("Deployment {0}/{1} 的发布超过 {2} 秒没有进展，{3}/{4} 个副本可用。",
                    "The rollout of Deployment {0}/{1} made no progress for {2} s; {3} of {4} "
                    "replicas are available.",
                    object.ns(), object.name(), d.progress_deadline_seconds, d.available_replicas,
                    d.replicas);
    return findings.Add(std::move(f));
  }
  const std::vector<std::string> codes = findings.CodesOf(RefOf(object));
  if (codes.empty() && (object.meta().Age(picture.now()) < kRolloutGrace ||
                        YoungestPod(picture, object, d.selector) < kRolloutGrace)) {
    return;
  }
  findings.Add(Unavailable(findings, object, {d.replicas, d.available_replicas}));
}

void LookAtStatefulSet(Findings& findings, const kube::Object& object, const kube::StatefulSet& s) {
  if (s.replicas == 0 || s.ready_replicas >= s.replicas || object.meta().terminating()) return;
  Picture& picture = findings.picture();
  const std::vector<std::string> codes = findings.CodesOf(RefOf(object));
  if (codes.empty() && (object.meta().Age(picture.now()) < kRolloutGrace ||
                        YoungestPod(picture, object, s.selector) < kRolloutGrace))
    return;
  Finding f = Unavailable(findings, object, {s.replicas, s.ready_replicas});
  if (codes.empty()) ExplainCreation(picture, object, f);
  findings.Add(std::move(f));
}

void LookAtDaemonSet(Findings& findings, const kube::Object& object, const kube::DaemonSet& d) {
  if (d.desired == 0 || d.available >= d.desired || object.meta().terminating()) return;
  Picture& picture = findings.picture();
  const std::vector<std::string> codes = findings.CodesOf(RefOf(object));
  if (codes.empty() && (object.meta().Age(picture.now()) < kRolloutGrace ||
                        YoungestPod(picture, object, d.selector) < kRolloutGrace))
    return;
  Finding f = Unavailable(findings, object, {d.desired, d.available});
  f.summary = Say("DaemonSet {0}/{1} 应在 {3} 个节点上运行，只有 {2} 个可用。",
                  "DaemonSet {0}/{1} is available on {2} of {3} nodes.", object.ns(), object.name(),
                  d.available, d.desired);
  if (codes.empty()) ExplainCreation(picture, object, f);
  findings.Add(std::move(f));
}

// True when the job belongs to a CronJob that has succeeded since: the failure is history.
bool Superseded(Picture& picture, const kube::Object& object, absl::Time failed) {
  const kube::OwnerRef* owner = object.meta().controller();
  if (!owner || owner->kind != "CronJob") return false;
  const kube::ObjectPtr cron_object = picture.All("cronjobs").Find(object.ns(), owner->name);
  const kube::CronJob* cron = cron_object ? cron_object->As<kube::CronJob>() : nullptr;
  return cron && cron->last_success > failed;
}

void LookAtJob(Findings& findings, const kube::Object& object, const kube::Job& job) {
  const kube::Condition* failed = kube::FindCondition(job.conditions, "Failed");
  if (!failed || failed->status != "True" || object.meta().terminating()) return;
  Picture& picture = findings.picture();
  const bool old = Superseded(picture, object, failed->last_transition);
  Finding f;
  f.code = "JOB_FAILED";
  f.severity = old ? Severity::kInfo : Severity::kCritical;
  f.object = RefOf(object);
  f.summary = Say("Job {0}/{1} 失败（{2}），失败 {3} 次。",
                  "Job {0}/{1} failed ({2}), {3} failed pods.", object.ns(), object.name(),
                  failed->reason.empty() ? "Failed" : failed->reason, job.failed);
  f.cause = {};
  for (const kube::ObjectPtr& pod_object : picture.All("pods").OwnedBy(object.meta().uid)) {
    const kube::Pod* pod = pod_object->As<kube::Pod>();
    if (!pod) continue;
    for (const kube::ContainerStatus& status : pod->statuses) {
      const bool ended = status.state.kind == kube::ContainerState::Kind::kTerminated &&
                         status.state.exit_code != 0;
      if (!ended || !f.cause.en.empty()) continue;
      f.cause = ExitMeaning(status.state.exit_code, status.state.reason) + Text{"。", "."};
      f.With("pod", std::string(pod_object->name()))
          .With("exit_code", std::to_string(status.state.exit_code));
    }
  }
  if (f.cause.en.empty()) {
    f.cause =
        failed->reason == "DeadlineExceeded"
            ? Text{"超过了 activeDeadlineSeconds。", "It ran longer than activeDeadlineSeconds."}
        : failed->message.empty() ? Text{"它的 Pod 已被清除，状态里没有说明。",
                                         "Its pods are gone and its status does not say."}
                                  : Say("{0}", "{0}", Quoted(failed->message));
    f.untrusted = true;
  }
  f.next_step =
      old ? Text{"它的 CronJob 之后已成功运行；旧的失败记录可以忽略或清理。",
                 "Its CronJob has succeeded since; the old failure can be ignored or cleaned up."}
          : Text{"查看它的 Pod 的日志，改正后重新运行。",
                 "Read the log of its pods, correct the cause and run it again."};
  findings.Add(std::move(f));
}

// Whether the metric can be computed at all: utilisation is a share of the request.
bool LacksRequest(Picture& picture, std::string_view ns, const kube::HorizontalPodAutoscaler& hpa,
                  std::string* resource) {
  const kube::ObjectPtr target = hpa.target.kind == "Deployment"
                                     ? picture.All("deployments").Find(ns, hpa.target.name)
                                     : nullptr;
  const kube::Deployment* d = target ? target->As<kube::Deployment>() : nullptr;
  if (!d) return false;
  for (const kube::HpaMetric& metric : hpa.metrics) {
    if (metric.type != "Resource" || !metric.target_utilization) continue;
    for (const kube::Container& c : d->pod_template.spec.containers) {
      if (kube::Amount(c.requests, metric.name) || kube::Amount(c.limits, metric.name)) continue;
      *resource = metric.name;
      return true;
    }
  }
  return false;
}

void LookAtAutoscaler(Findings& findings, const kube::Object& object,
                      const kube::HorizontalPodAutoscaler& hpa) {
  Picture& picture = findings.picture();
  Finding f;
  f.severity = Severity::kWarning;
  f.object = RefOf(object);
  f.With("target", fmt::format("{}/{}", hpa.target.kind, hpa.target.name));
  const kube::Condition* able = kube::FindCondition(hpa.conditions, "AbleToScale");
  const kube::Condition* active = kube::FindCondition(hpa.conditions, "ScalingActive");
  const kube::Condition* limited = kube::FindCondition(hpa.conditions, "ScalingLimited");
  if (able && able->status == "False" && able->reason != "BackoffBoth" &&
      able->reason != "BackoffDownscale") {
    f.code = "HPA_CANNOT_SCALE";
    f.summary =
        Say("HPA {0}/{1} 无法伸缩 {2} {3}（{4}）。", "HPA {0}/{1} cannot scale {2} {3} ({4}).",
            object.ns(), object.name(), hpa.target.kind, hpa.target.name, able->reason);
    f.cause = Say("{0}", "{0}", Quoted(able->message));
    f.next_step = {"核对 scaleTargetRef 指向的工作负载是否存在。",
                   "Check that the workload in scaleTargetRef exists."};
    f.untrusted = true;
    return findings.Add(std::move(f));
  }
  if (active && active->status == "False" && active->reason != "ScalingDisabled") {
    f.code = "HPA_NO_METRICS";
    f.summary = Say("HPA {0}/{1} 取不到指标（{2}），不会自动伸缩。",
                    "HPA {0}/{1} gets no metrics ({2}) and does not scale.", object.ns(),
                    object.name(), active->reason);
    std::string resource;
    if (LacksRequest(picture, object.ns(), hpa, &resource)) {
      f.cause = Say(
          "目标按 {0} 利用率伸缩，但容器没有设置 requests.{0}，利用率算不出来。",
          "It scales by {0} utilisation, but a container sets no requests.{0}, so there is none.",
          resource);
      f.next_step = Say("为目标的每个容器设置 requests.{0}。",
                        "Set requests.{0} on every container of the target.", resource);
    } else {
      f.cause = Say("{0}", "{0}", Quoted(active->message));
      f.next_step = {"确认 metrics-server（或自定义指标适配器）在运行。",
                     "Check that metrics-server (or the custom metrics adapter) runs."};
      f.untrusted = true;
    }
    return findings.Add(std::move(f));
  }
  const bool at_max = hpa.max_replicas > 0 && hpa.current_replicas >= hpa.max_replicas && limited &&
                      limited->status == "True" && limited->reason == "TooManyReplicas";
  if (at_max) {
    f.code = "HPA_AT_MAX";
    f.summary = Say("HPA {0}/{1} 已到上限 {2} 个副本，还想要更多。",
                    "HPA {0}/{1} is at its maximum of {2} replicas and wants more.", object.ns(),
                    object.name(), hpa.max_replicas);
    f.cause = {"负载高于上限副本数所能承受的目标值。",
               "The load is above what the maximum of replicas can serve at the target."};
    f.next_step = {
        "提高 maxReplicas，或优化应用；先确认集群有余量。",
        "Raise maxReplicas, or make the application faster; check that the cluster has room."};
    findings.Add(std::move(f));
  }
}

}  // namespace

void DiagnoseWorkloads(Findings& findings) {
  Picture& picture = findings.picture();
  ForEach<kube::Deployment>(picture.In("deployments"), [&](const auto& o, const auto& v) {
    LookAtDeployment(findings, o, v);
  });
  ForEach<kube::StatefulSet>(picture.In("statefulsets"), [&](const auto& o, const auto& v) {
    LookAtStatefulSet(findings, o, v);
  });
  ForEach<kube::DaemonSet>(picture.In("daemonsets"),
                           [&](const auto& o, const auto& v) { LookAtDaemonSet(findings, o, v); });
}

void DiagnoseJobs(Findings& findings) {
  ForEach<kube::Job>(findings.picture().In("jobs"),
                     [&](const auto& o, const auto& v) { LookAtJob(findings, o, v); });
}

void DiagnoseAutoscalers(Findings& findings) {
  ForEach<kube::HorizontalPodAutoscaler>(
      findings.picture().In("horizontalpodautoscalers"),
      [&](const auto& o, const auto& v) { LookAtAutoscaler(findings, o, v); });
}

}  // namespace opsmesh::k8s
