// Rules about pods: crash loops, out-of-memory kills, images, configuration, probes, scheduling,
// volumes, evictions.
#include <algorithm>
#include <array>
#include <optional>

#include "libs/kube/quantity.h"
#include "services/k8s/clean_text.h"
#include "services/k8s/finding.h"
#include "services/k8s/pod_causes.h"

namespace opsmesh::k8s {
namespace {

using kube::ContainerState;
using kube::ContainerStatus;
using kube::Pod;

constexpr absl::Duration kStartGrace = absl::Seconds(60);
constexpr absl::Duration kProbeGrace = absl::Seconds(60);
constexpr absl::Duration kCreateGrace = absl::Minutes(5);
constexpr absl::Duration kRecent = absl::Hours(24);
constexpr int64_t kManyRestarts = 5;

bool OneOf(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

class PodRules {
 public:
  PodRules(Findings& findings, bool fold)
      : findings_(findings), picture_(findings.picture()), fold_(fold) {}

  void Look(const kube::Object& object, const Pod& pod) {
    object_ = &object;
    pod_ = &pod;
    if (object.meta().terminating()) return LookAtTermination();
    if (pod.phase == "Succeeded" || BelongsToFinishedJob()) return;
    if (pod.phase == "Failed") return LookAtFailure();
    if (LookAtContainers(pod.init_statuses, true) || LookAtContainers(pod.statuses, false)) return;
    if (pod.phase == "Pending") return LookAtPending();
    LookAtRestarts();
  }

 private:
  absl::Time now() const { return picture_.now(); }
  std::string Who() const { return fmt::format("{}/{}", object_->ns(), object_->name()); }

  Finding Make(std::string code, Severity severity) {
    Finding f;
    f.code = std::move(code);
    f.severity = severity;
    f.object = RefOf(*object_);
    f.workload = WorkloadOf(picture_, *object_);
    return f;
  }

  // `detail` tells states of the same code apart: the container and its exit code, not the pod.
  void Report(Finding f, std::string_view detail) {
    if (!fold_ || f.workload.kind == "Pod") return findings_.Add(std::move(f));
    std::string key = fmt::format("{}|{}|{}|{}|{}", f.code, f.workload.kind, f.workload.name_space,
                                  f.workload.name, detail);
    findings_.AddFolded(std::move(key), std::move(f));
  }

  // A job retries its pods: what counts is how the job ends, and that is a finding of its own.
  bool BelongsToFinishedJob() {
    const kube::OwnerRef* owner = object_->meta().controller();
    if (!owner || owner->kind != "Job") return false;
    const kube::ObjectPtr job_object = picture_.All("jobs").Find(object_->ns(), owner->name);
    const kube::Job* job = job_object ? job_object->As<kube::Job>() : nullptr;
    if (!job) return pod_->phase == "Failed";
    return pod_->phase == "Failed" || kube::ConditionTrue(job->conditions, "Complete") ||
           kube::ConditionTrue(job->conditions, "Failed");
  }

  void LookAtTermination() {
    // deletionTimestamp is the end of the grace period already.
    const absl::Duration over = now() - object_->meta().deleted;
    if (over < absl::Seconds(60)) return;
    Finding f = Make("STUCK_TERMINATING", Severity::kWarning);
    const size_t finalizers = object_->root().At("metadata.finalizers").size();
    f.summary =
        Say("Pod {0} 的宽限期已过 {1}，仍在终止中。",
            "Pod {0} is still terminating {1} after its grace period.", Who(), HumanSpan(over));
    if (finalizers > 0) {
      f.cause = Say("有 {0} 个 finalizer 还没有移除。", "{0} finalizer(s) have not been removed.",
                    finalizers);
      f.next_step = {"检查负责该 finalizer 的控制器是否在运行。",
                     "Check whether the controller that owns the finalizer runs."};
    } else {
      f.cause = Say("节点 {0} 上的 kubelet 没有确认删除：节点可能失联，或卷卸载不了。",
                    "The kubelet on node {0} has not confirmed the deletion: the node may be "
                    "unreachable, or a volume cannot be unmounted.",
                    pod_->spec.node_name.empty() ? "?" : pod_->spec.node_name);
      f.next_step = {"检查该节点的状态和 kubelet；节点确实不会回来时才强制删除。",
                     "Check the node and its kubelet; force the deletion only when the node will "
                     "not come back."};
    }
    Report(std::move(f.With("overdue_seconds", std::to_string(absl::ToInt64Seconds(over)))), "");
  }

  void LookAtFailure() {
    if (pod_->reason == "Evicted") {
      Finding f = Make("POD_EVICTED", Severity::kWarning);
      f.summary = Say("Pod {0} 被驱逐。", "Pod {0} was evicted.", Who());
      f.cause = Say("节点 {0} 资源紧张：{1}", "Node {0} was short of resources: {1}",
                    pod_->spec.node_name, Quoted(pod_->message));
      f.next_step = {
          "为容器设置合适的 requests，检查节点的内存和磁盘；确认替代的 Pod 已运行后可以删除它。",
          "Set fitting requests, check memory and disk of the node; once its replacement runs it "
          "can be deleted."};
      f.untrusted = true;
      return Report(std::move(f.With("node", std::string(pod_->spec.node_name))), "");
    }
    for (const auto* statuses : {&pod_->init_statuses, &pod_->statuses}) {
      for (const ContainerStatus& status : *statuses) {
        if (status.state.kind == ContainerState::Kind::kTerminated && status.state.exit_code != 0) {
          return ReportCrash(status, status.state, false, statuses == &pod_->init_statuses);
        }
      }
    }
    Finding f = Make("POD_FAILED", Severity::kCritical);
    f.summary = Say("Pod {0} 失败{1}。", "Pod {0} failed{2}.", Who(),
                    pod_->reason.empty() ? "" : fmt::format("（{}）", pod_->reason),
                    pod_->reason.empty() ? "" : fmt::format(" ({})", pod_->reason));
    f.cause = pod_->message.empty() ? Text{"状态里没有说明原因。", "Its status does not say why."}
                                    : Say("{0}", "{0}", Quoted(pod_->message));
    f.next_step = {"查看它的事件和日志。", "Look at its events and its log."};
    f.untrusted = !pod_->message.empty();
    Report(std::move(f), pod_->reason);
  }

  // True when a finding was made: the first container in trouble explains the pod.
  bool LookAtContainers(const std::vector<ContainerStatus>& statuses, bool init) {
    for (const ContainerStatus& status : statuses) {
      const ContainerState& state = status.state;
      if (state.kind == ContainerState::Kind::kWaiting) {
        if (state.reason == "CrashLoopBackOff")
          return ReportCrash(status, status.last_state, true, init), true;
        if (OneOf(state.reason,
                  {"ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName",
                   "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"})) {
          return ReportImage(status), true;
        }
        if (OneOf(state.reason,
                  {"CreateContainerConfigError", "CreateContainerError", "RunContainerError",
                   "StartError", "ContainerCannotRun", "PostStartHookError"})) {
          return ReportConfig(status), true;
        }
      } else if (state.kind == ContainerState::Kind::kTerminated) {
        const bool done = state.exit_code == 0 && (init || pod_->spec.restart_policy != "Always");
        if (!done && (state.exit_code != 0 || status.restarts > 0))
          return ReportCrash(status, state, status.restarts > 0, init), true;
      } else if (state.kind == ContainerState::Kind::kRunning && !status.ready && !init) {
        if (ReportNotReady(status)) return true;
      }
    }
    return false;
  }

  void ReportCrash(const ContainerStatus& status, const ContainerState& ended, bool looping,
                   bool init) {
    const bool oom = ended.reason == "OOMKilled";
    Finding f = Make(oom       ? "OOM_KILLED"
                     : looping ? "CRASH_LOOP"
                               : "CONTAINER_FAILED",
                     Severity::kCritical);
    f.object.field_path =
        fmt::format("status.{}", init ? "initContainerStatuses" : "containerStatuses");
    const bool known = ended.kind == ContainerState::Kind::kTerminated;
    const std::string_view part_zh = init ? "初始化容器" : "容器";
    const std::string_view part_en = init ? "init container" : "container";
    if (looping) {
      f.summary = Say("Pod {0} 的{1} {2} 反复崩溃（CrashLoopBackOff），已重启 {3} 次{4}。",
                      "Pod {0}: {5} {2} keeps crashing (CrashLoopBackOff), {3} restarts{6}.", Who(),
                      part_zh, status.name, status.restarts,
                      known ? fmt::format("，最近一次退出码 {}", ended.exit_code) : "", part_en,
                      known ? fmt::format(", last exit code {}", ended.exit_code) : "");
    } else {
      f.summary =
          Say("Pod {0} 的{1} {2} 失败，退出码 {3}。", "Pod {0}: {4} {2} failed with exit code {3}.",
              Who(), part_zh, status.name, ended.exit_code, part_en);
    }
    CrashCause cause =
        known ? CauseOfCrash(picture_, *object_, *pod_, status, ended)
              : CrashCause{{"上次为何结束不得而知。", "How the last run ended is not known."},
                           {"查看上次运行的日志（previous=true）。",
                            "Read the log of the previous run (previous=true)."},
                           {},
                           false};
    f.cause = std::move(cause.cause);
    f.next_step = std::move(cause.next_step);
    f.evidence = std::move(cause.evidence);
    f.untrusted = cause.untrusted;
    f.With("container", std::string(status.name)).With("restarts", std::to_string(status.restarts));
    if (known)
      f.With("exit_code", std::to_string(ended.exit_code))
          .With("reason", CleanText(ended.reason, 64));
    if (ended.finished != absl::InfinitePast()) f.With("last_exit", base::Rfc3339(ended.finished));
    Report(std::move(f), fmt::format("{}|{}", status.name, known ? ended.exit_code : -1));
  }

  void ReportImage(const ContainerStatus& status) {
    Finding f = Make("IMAGE_PULL", Severity::kCritical);
    const std::string image = CleanText(ImageOf(*pod_, status), 256);
    f.summary = Say("Pod {0} 的容器 {1} 拉不到镜像 {2}（{3}）。",
                    "Pod {0}: the image {2} of container {1} cannot be pulled ({3}).", Who(),
                    status.name, image, status.state.reason);
    CrashCause cause = CauseOfPullFailure(picture_, *object_, *pod_, status);
    f.cause = std::move(cause.cause);
    f.next_step = std::move(cause.next_step);
    f.evidence = std::move(cause.evidence);
    f.untrusted = cause.untrusted;
    f.With("container", std::string(status.name))
        .With("image", image)
        .With("reason", std::string(status.state.reason));
    Report(std::move(f), fmt::format("{}|{}", status.name, image));
  }

  void ReportConfig(const ContainerStatus& status) {
    const std::vector<MissingReference> missing =
        MissingReferences(picture_, object_->ns(), pod_->spec);
    if (!missing.empty()) return ReportMissing(missing[0], status.state.reason);
    Finding f = Make("CONFIG_ERROR", Severity::kCritical);
    f.summary = Say("Pod {0} 的容器 {1} 无法创建（{2}）。",
                    "Pod {0}: container {1} cannot be created ({2}).", Who(), status.name,
                    status.state.reason);
    f.cause = Say("{0}", "{0}", Quoted(status.state.message));
    f.next_step = {"修正容器的配置：环境变量引用、命令、卷挂载或安全设置。",
                   "Correct the container's configuration: references in env, command, volume "
                   "mounts or security settings."};
    f.untrusted = true;
    f.With("container", std::string(status.name)).With("reason", std::string(status.state.reason));
    Report(std::move(f), fmt::format("{}|{}", status.name, status.state.reason));
  }

  void ReportMissing(const MissingReference& missing, std::string_view reason) {
    Finding f = Make(CodeOfMissing(missing), Severity::kCritical);
    SayMissing(missing, f);
    f.summary =
        Say("Pod {0} 起不来：{1}", "Pod {0} cannot start: {2}", Who(), f.summary.zh, f.summary.en);
    if (!reason.empty()) f.With("reason", std::string(reason));
    Report(std::move(f), missing.kind + missing.name + missing.key);
  }

  bool ReportNotReady(const ContainerStatus& status) {
    const absl::Duration running = now() - status.state.started;
    const kube::Container* spec = SpecOf(*pod_, status.name);
    const kube::Probe* probe =
        !spec ? nullptr
        : status.started == false && spec->startup.kind != kube::Probe::Kind::kNone
            ? &spec->startup
            : &spec->readiness;
    if (!probe || probe->kind == kube::Probe::Kind::kNone) probe = nullptr;
    const absl::Duration grace =
        kProbeGrace + absl::Seconds(probe ? probe->initial_delay_seconds : 0);
    if (status.state.started == absl::InfinitePast() || running < grace) return false;
    const bool crashed_before = status.restarts > 0 &&
                                status.last_state.kind == ContainerState::Kind::kTerminated &&
                                status.last_state.exit_code != 0 && running < absl::Minutes(2);
    if (crashed_before) return ReportCrash(status, status.last_state, true, false), true;
    Finding f = Make("PROBE_FAILING", Severity::kCritical);
    f.summary =
        Say("Pod {0} 的容器 {1} 已运行 {2}，仍未就绪，收不到流量。",
            "Pod {0}: container {1} has run for {2} and is not ready; it receives no traffic.",
            Who(), status.name, HumanSpan(running));
    CrashCause cause = CauseOfNotReady(picture_, *object_, *pod_, status, probe);
    f.cause = std::move(cause.cause);
    f.next_step = std::move(cause.next_step);
    f.evidence = std::move(cause.evidence);
    f.untrusted = cause.untrusted;
    f.With("container", std::string(status.name)).With("restarts", std::to_string(status.restarts));
    Report(std::move(f), status.name);
    return true;
  }

  void LookAtPending() {
    const kube::Condition* scheduled = kube::FindCondition(pod_->conditions, "PodScheduled");
    if (pod_->spec.node_name.empty()) {
      if (scheduled && scheduled->reason == "SchedulingGated") return;
      const std::string message = SchedulingMessage(picture_, *object_, scheduled);
      const absl::Duration age = object_->meta().Age(now());
      if (message.empty() && age < kStartGrace) return;
      Finding f = Make("UNSCHEDULABLE", Severity::kCritical);
      f.summary =
          Say("Pod {0} 已等待调度 {1}，没有节点可用。",
              "Pod {0} has waited {1} to be scheduled; no node takes it.", Who(), HumanSpan(age));
      CrashCause cause = CauseOfUnschedulable(picture_, *object_, *pod_, message);
      f.cause = std::move(cause.cause);
      f.next_step = std::move(cause.next_step);
      f.evidence = std::move(cause.evidence);
      f.untrusted = cause.untrusted;
      return Report(std::move(f), "");
    }
    LookAtCreation();
  }

  // Scheduled, and no container complains: the kubelet is at volumes, networks or images.
  void LookAtCreation() {
    const absl::Time since =
        pod_->started != absl::InfinitePast() ? pod_->started : object_->meta().created;
    const absl::Duration waiting = now() - since;
    if (waiting < kStartGrace) return;
    const std::vector<MissingReference> missing =
        MissingReferences(picture_, object_->ns(), pod_->spec);
    if (!missing.empty()) return ReportMissing(missing[0], "");
    const std::optional<EventText> event =
        LastWarning(picture_, *object_,
                    {"FailedMount", "FailedAttachVolume", "FailedMapVolume",
                     "FailedCreatePodSandBox", "NetworkNotReady"});
    if (!event && waiting < kCreateGrace) return;
    const bool volume = event && (event->reason == "FailedMount" ||
                                  event->reason.find("Volume") != std::string::npos);
    Finding f = Make(!event   ? "STUCK_CREATING"
                     : volume ? "VOLUME_NOT_MOUNTED"
                              : "SANDBOX_FAILED",
                     Severity::kCritical);
    f.summary = Say("Pod {0} 在节点 {1} 上停在创建阶段已 {2}。",
                    "Pod {0} has been stuck in creation on node {1} for {2}.", Who(),
                    pod_->spec.node_name, HumanSpan(waiting));
    f.cause =
        event ? Say("{0}：{1}", "{0}: {1}", event->reason, Quoted(event->message))
              : Text{"没有事件说明原因；可能是镜像很大，或 kubelet 没有响应。",
                     "No event says why; the image may be large, or the kubelet does not respond."};
    f.next_step =
        !event ? Text{"检查该节点和 kubelet。", "Check the node and its kubelet."}
        : volume
            ? Text{"检查卷、存储类和它引用的 ConfigMap 或 Secret。",
                   "Check the volume, its storage class and the ConfigMap or Secret behind it."}
            : Text{"检查节点的网络插件（CNI）和容器运行时。",
                   "Check the node's network plugin (CNI) and container runtime."};
    f.untrusted = event.has_value();
    Report(std::move(f.With("node", std::string(pod_->spec.node_name))),
           event ? event->reason : "");
  }

  void LookAtRestarts() {
    for (const ContainerStatus& status : pod_->statuses) {
      const ContainerState& last = status.last_state;
      if (last.kind != ContainerState::Kind::kTerminated || last.finished == absl::InfinitePast())
        continue;
      if (now() - last.finished > kRecent) continue;
      const bool oom = last.reason == "OOMKilled";
      if (!oom && (status.restarts < kManyRestarts || last.exit_code == 0)) continue;
      Finding f = Make(oom ? "OOM_KILLED" : "HIGH_RESTARTS", Severity::kWarning);
      f.summary =
          Say("Pod {0} 的容器 {1} 现在在运行，但已重启 {2} 次，上次在 {3} 前{4}。",
              "Pod {0}: container {1} runs now, but has restarted {2} times, last {3} ago{5}.",
              Who(), status.name, status.restarts, HumanSpan(now() - last.finished),
              oom ? "因内存超限被杀死" : "", oom ? ", killed for memory" : "");
      CrashCause cause = CauseOfCrash(picture_, *object_, *pod_, status, last);
      f.cause = std::move(cause.cause);
      f.next_step = std::move(cause.next_step);
      f.evidence = std::move(cause.evidence);
      f.untrusted = cause.untrusted;
      f.With("container", std::string(status.name))
          .With("restarts", std::to_string(status.restarts));
      f.With("exit_code", std::to_string(last.exit_code));
      Report(std::move(f), fmt::format("{}|{}", status.name, last.exit_code));
      return;
    }
  }

  Findings& findings_;
  Picture& picture_;
  const bool fold_;
  const kube::Object* object_ = nullptr;
  const Pod* pod_ = nullptr;
};

}  // namespace

void DiagnosePods(Findings& findings) {
  PodRules rules(findings, true);
  ForEach<Pod>(findings.picture().In("pods"),
               [&](const kube::Object& object, const Pod& pod) { rules.Look(object, pod); });
}

std::vector<Finding> DiagnosePod(Picture& picture, const kube::Object& object) {
  Findings findings(picture);
  if (const Pod* pod = object.As<Pod>()) PodRules(findings, false).Look(object, *pod);
  return findings.Take();
}

}  // namespace opsmesh::k8s
