#include <fmt/format.h>

#include "absl/hash/hash.h"
#include "libs/base/strings.h"
#include "libs/kube/decoder.h"
#include "libs/kube/views_pod.h"

namespace opsmesh::kube {
namespace {

void DecodeProbe(Decoder& d, Probe* probe) {
  const auto endpoint = [&](Probe::Kind kind) {
    probe->kind = kind;
    d.Object("probe", [&](std::string_view key) {
      if (key == "port") d.Read("probe.port", &probe->port);
      if (key == "path") d.Read("probe.path", &probe->path);
      if (key == "scheme") d.Read("probe.scheme", &probe->scheme);
    });
  };
  d.Object("probe", [&](std::string_view key) {
    if (key == "httpGet") endpoint(Probe::Kind::kHttp);
    if (key == "tcpSocket") endpoint(Probe::Kind::kTcp);
    if (key == "grpc") endpoint(Probe::Kind::kGrpc);
    if (key == "exec") probe->kind = Probe::Kind::kExec;
    if (key == "initialDelaySeconds") d.Read("probe", &probe->initial_delay_seconds);
    if (key == "periodSeconds") d.Read("probe", &probe->period_seconds);
    if (key == "timeoutSeconds") d.Read("probe", &probe->timeout_seconds);
    if (key == "failureThreshold") d.Read("probe", &probe->failure_threshold);
  });
}

void DecodeConfigRef(Decoder& d, ConfigRef::Kind kind, std::string_view name_key,
                     std::vector<ConfigRef>* out) {
  ConfigRef ref;
  ref.kind = kind;
  d.Object("configRef", [&](std::string_view key) {
    if (key == name_key) d.Read("configRef.name", &ref.name);
    if (key == "key") d.Read("configRef.key", &ref.key);
    if (key == "optional") d.Read("configRef.optional", &ref.optional);
  });
  out->push_back(ref);
}

void DecodeEnv(Decoder& d, Container* container) {
  d.Vector("env", &container->env, [&](EnvVar* env) {
    d.Object("env", [&](std::string_view key) {
      if (key == "name") d.Read("env.name", &env->name);
      if (key == "value") d.Read("env.value", &env->value);
      if (key == "valueFrom") {
        env->from_elsewhere = true;
        d.Object("env.valueFrom", [&](std::string_view source) {
          if (source == "configMapKeyRef")
            DecodeConfigRef(d, ConfigRef::Kind::kConfigMap, "name", &container->config_refs);
          if (source == "secretKeyRef")
            DecodeConfigRef(d, ConfigRef::Kind::kSecret, "name", &container->config_refs);
        });
      }
    });
  });
}

void DecodeSecurity(Decoder& d, Container* container) {
  d.Object("securityContext", [&](std::string_view key) {
    if (key == "privileged") d.Read("securityContext", &container->privileged);
    if (key == "runAsNonRoot") d.Read("securityContext", &container->run_as_non_root);
    if (key == "allowPrivilegeEscalation")
      d.Read("securityContext", &container->allow_privilege_escalation);
    if (key == "readOnlyRootFilesystem") d.Read("securityContext", &container->read_only_root);
    if (key == "runAsUser") d.Read("securityContext", &container->run_as_user);
  });
}

void DecodePorts(Decoder& d, std::vector<ContainerPort>* ports) {
  d.Vector("ports", ports, [&](ContainerPort* port) {
    d.Object("ports", [&](std::string_view key) {
      if (key == "name") d.Read("ports.name", &port->name);
      if (key == "containerPort") d.Read("ports.containerPort", &port->port);
      if (key == "hostPort") d.Read("ports.hostPort", &port->host_port);
      if (key == "protocol") d.Read("ports.protocol", &port->protocol);
    });
  });
}

void DecodeContainer(Decoder& d, Container* container) {
  d.Object("containers", [&](std::string_view key) {
    if (key == "name") d.Read("containers.name", &container->name);
    if (key == "image") d.Read("containers.image", &container->image);
    if (key == "imagePullPolicy")
      d.Read("containers.imagePullPolicy", &container->image_pull_policy);
    if (key == "restartPolicy") d.Read("containers.restartPolicy", &container->restart_policy);
    if (key == "command") d.Read("containers.command", &container->command);
    if (key == "args") d.Read("containers.args", &container->args);
    if (key == "ports") DecodePorts(d, &container->ports);
    if (key == "env") DecodeEnv(d, container);
    if (key == "livenessProbe") DecodeProbe(d, &container->liveness);
    if (key == "readinessProbe") DecodeProbe(d, &container->readiness);
    if (key == "startupProbe") DecodeProbe(d, &container->startup);
    if (key == "securityContext") DecodeSecurity(d, container);
    if (key == "resources") {
      d.Object("containers.resources", [&](std::string_view part) {
        if (part == "requests") d.Read("containers.resources.requests", &container->requests);
        if (part == "limits") d.Read("containers.resources.limits", &container->limits);
      });
    }
    if (key == "envFrom") {
      d.Array("envFrom", [&] {
        d.Object("envFrom", [&](std::string_view source) {
          if (source == "configMapRef")
            DecodeConfigRef(d, ConfigRef::Kind::kConfigMap, "name", &container->config_refs);
          if (source == "secretRef")
            DecodeConfigRef(d, ConfigRef::Kind::kSecret, "name", &container->config_refs);
        });
      });
    }
  });
  container->config_refs.shrink_to_fit();
}

void DecodeProjected(Decoder& d, Volume* volume) {
  d.Object("volumes.projected", [&](std::string_view key) {
    if (key != "sources") return;
    d.Array("volumes.projected.sources", [&] {
      d.Object("volumes.projected.sources", [&](std::string_view source) {
        if (source == "configMap")
          DecodeConfigRef(d, ConfigRef::Kind::kConfigMap, "name", &volume->config_refs);
        if (source == "secret")
          DecodeConfigRef(d, ConfigRef::Kind::kSecret, "name", &volume->config_refs);
      });
    });
  });
}

void DecodeVolume(Decoder& d, Volume* volume) {
  d.Object("volumes", [&](std::string_view key) {
    if (key == "name") return d.Read("volumes.name", &volume->name);
    if (d.Next() != '{') return;
    volume->type = d.Text(key);
    if (key == "configMap")
      DecodeConfigRef(d, ConfigRef::Kind::kConfigMap, "name", &volume->config_refs);
    if (key == "secret")
      DecodeConfigRef(d, ConfigRef::Kind::kSecret, "secretName", &volume->config_refs);
    if (key == "projected") DecodeProjected(d, volume);
    if (key == "persistentVolumeClaim") {
      d.Object("volumes.persistentVolumeClaim", [&](std::string_view part) {
        if (part == "claimName")
          d.Read("volumes.persistentVolumeClaim.claimName", &volume->claim_name);
      });
    }
    if (key == "hostPath") {
      d.Object("volumes.hostPath", [&](std::string_view part) {
        if (part == "path") d.Read("volumes.hostPath.path", &volume->host_path);
      });
    }
  });
}

void DecodeTolerations(Decoder& d, SharedList<Toleration>* tolerations) {
  d.Shared("tolerations", tolerations, [&](Toleration* toleration) {
    d.Object("tolerations", [&](std::string_view key) {
      if (key == "key") d.Read("tolerations", &toleration->key);
      if (key == "operator") d.Read("tolerations", &toleration->op);
      if (key == "value") d.Read("tolerations", &toleration->value);
      if (key == "effect") d.Read("tolerations", &toleration->effect);
      if (key == "tolerationSeconds") d.Read("tolerations", &toleration->seconds);
    });
  });
}

void DecodeState(Decoder& d, ContainerState* state) {
  const auto detail = [&](ContainerState::Kind kind) {
    if (d.Next() != '{') return;
    state->kind = kind;
    d.Object("state", [&](std::string_view key) {
      if (key == "reason") d.Read("state.reason", &state->reason);
      if (key == "message") d.Read("state.message", &state->message);
      if (key == "exitCode") d.Read("state.exitCode", &state->exit_code);
      if (key == "signal") d.Read("state.signal", &state->signal);
      if (key == "startedAt") d.Read("state.startedAt", &state->started);
      if (key == "finishedAt") d.Read("state.finishedAt", &state->finished);
    });
  };
  d.Object("state", [&](std::string_view key) {
    if (key == "waiting") detail(ContainerState::Kind::kWaiting);
    if (key == "running") detail(ContainerState::Kind::kRunning);
    if (key == "terminated") detail(ContainerState::Kind::kTerminated);
  });
}

void DecodeStatuses(Decoder& d, std::string_view field, std::vector<ContainerStatus>* out) {
  d.Vector(field, out, [&](ContainerStatus* status) {
    d.Object(field, [&](std::string_view key) {
      if (key == "name") d.Read(field, &status->name);
      if (key == "image") d.Read(field, &status->image);
      if (key == "imageID") d.Read(field, &status->image_id);
      if (key == "ready") d.Read(field, &status->ready);
      if (key == "started") d.Read(field, &status->started);
      if (key == "restartCount") d.ReadCount(field, &status->restarts);
      if (key == "state") DecodeState(d, &status->state);
      if (key == "lastState") DecodeState(d, &status->last_state);
    });
  });
}

std::string TerminatedText(const ContainerState& state) {
  if (!state.reason.empty()) return std::string(state.reason);
  return state.signal != 0 ? fmt::format("Signal:{}", state.signal)
                           : fmt::format("ExitCode:{}", state.exit_code);
}

bool IsSidecar(const Pod& pod, std::string_view name) {
  for (const Container& container : pod.spec.init_containers) {
    if (container.name == name) return container.restart_policy == "Always";
  }
  return false;
}

void NoteRestart(const ContainerStatus& status, Pod* pod) {
  if (status.last_state.kind == ContainerState::Kind::kTerminated &&
      status.last_state.finished > pod->last_restart) {
    pod->last_restart = status.last_state.finished;
  }
}

/// Goes through the init containers up to the first one that is not through. True when one holds
/// the pod up.
bool SummariseInit(Pod* pod) {
  for (size_t i = 0; i < pod->init_statuses.size(); ++i) {
    const ContainerStatus& status = pod->init_statuses[i];
    const bool terminated = status.state.kind == ContainerState::Kind::kTerminated;
    pod->restarts += status.restarts;
    NoteRestart(status, pod);
    if (terminated && status.state.exit_code == 0) continue;
    if (status.started.value_or(false) && IsSidecar(*pod, status.name)) {
      if (status.ready) ++pod->ready_containers;
      continue;
    }
    if (terminated) {
      pod->status = "Init:" + TerminatedText(status.state);
    } else if (status.state.kind == ContainerState::Kind::kWaiting &&
               !status.state.reason.empty() && status.state.reason != "PodInitializing") {
      pod->status = fmt::format("Init:{}", status.state.reason);
    } else {
      pod->status = fmt::format("Init:{}/{}", i, pod->spec.init_containers.size());
    }
    return true;
  }
  return false;
}

/// The ordinary containers; the first one with something to say gives the status.
void SummariseContainers(Pod* pod) {
  pod->restarts = 0;
  pod->last_restart = absl::InfinitePast();
  for (const ContainerStatus& status : pod->init_statuses) {
    if (!IsSidecar(*pod, status.name)) continue;
    pod->restarts += status.restarts;
    NoteRestart(status, pod);
  }
  bool running = false;
  for (auto status = pod->statuses.rbegin(); status != pod->statuses.rend(); ++status) {
    pod->restarts += status->restarts;
    NoteRestart(*status, pod);
    if (status->state.kind == ContainerState::Kind::kWaiting && !status->state.reason.empty()) {
      pod->status = std::string(status->state.reason);
    } else if (status->state.kind == ContainerState::Kind::kTerminated) {
      pod->status = TerminatedText(status->state);
    } else if (status->ready && status->state.kind == ContainerState::Kind::kRunning) {
      running = true;
      ++pod->ready_containers;
    }
  }
  if (pod->status == "Completed" && running)
    pod->status = ConditionTrue(pod->conditions, "Ready") ? "Running" : "NotReady";
}

/// STATUS, READY and RESTARTS as kubectl prints them.
void Summarise(const Meta& meta, Pod* pod) {
  pod->total_containers = static_cast<int64_t>(pod->spec.containers.size());
  for (const Container& container : pod->spec.init_containers) {
    if (container.restart_policy == "Always") ++pod->total_containers;
  }
  pod->status = std::string(pod->reason.empty() ? pod->phase : pod->reason);
  const Condition* scheduled = FindCondition(pod->conditions, "PodScheduled");
  if (scheduled != nullptr && scheduled->reason == "SchedulingGated")
    pod->status = "SchedulingGated";
  const bool held_up = SummariseInit(pod);
  if (!held_up || ConditionTrue(pod->conditions, "Initialized")) SummariseContainers(pod);
  if (meta.terminating()) {
    if (pod->reason == "NodeLost") {
      pod->status = "Unknown";
    } else if (pod->phase != "Succeeded" && pod->phase != "Failed") {
      pod->status = "Terminating";
    }
  }
  if (pod->status.empty()) pod->status = "Unknown";
}

void DecodePodStatus(Decoder& d, Pod* pod) {
  d.Object("status", [&](std::string_view key) {
    if (key == "phase") d.Read("status.phase", &pod->phase);
    if (key == "reason") d.Read("status.reason", &pod->reason);
    if (key == "message") d.Read("status.message", &pod->message);
    if (key == "podIP") d.Read("status.podIP", &pod->pod_ip);
    if (key == "hostIP") d.Read("status.hostIP", &pod->host_ip);
    if (key == "qosClass") d.Read("status.qosClass", &pod->qos_class);
    if (key == "nominatedNodeName") d.Read("status.nominatedNodeName", &pod->nominated_node);
    if (key == "startTime") d.Read("status.startTime", &pod->started);
    if (key == "conditions") d.Read("status.conditions", &pod->conditions);
    if (key == "initContainerStatuses")
      DecodeStatuses(d, "status.initContainerStatuses", &pod->init_statuses);
    if (key == "containerStatuses") DecodeStatuses(d, "status.containerStatuses", &pod->statuses);
  });
}

}  // namespace

size_t ListKey(std::span<const Container> containers) {
  size_t key = containers.size();
  const auto add = [&key](Str text) { key = absl::HashOf(key, base::ToAbsl(text)); };
  for (const Container& container : containers) {
    add(container.name);
    add(container.image);
    for (const Str arg : container.args) add(arg);
    for (const EnvVar& variable : container.env) add(variable.value);
    for (const auto& [name, amount] : container.limits) add(amount.text);
    for (const auto& [name, amount] : container.requests) add(amount.text);
  }
  return key;
}

size_t ListKey(std::span<const Toleration> tolerations) {
  size_t key = tolerations.size();
  for (const Toleration& toleration : tolerations)
    key = absl::HashOf(key, base::ToAbsl(toleration.key), base::ToAbsl(toleration.value));
  return key;
}

void DecodePodSpec(Decoder& d, PodSpec* spec) {
  d.Object("spec", [&](std::string_view key) {
    if (key == "initContainers") {
      d.Shared("spec.initContainers", &spec->init_containers,
               [&](Container* c) { DecodeContainer(d, c); });
    }
    if (key == "containers")
      d.Shared("spec.containers", &spec->containers, [&](Container* c) { DecodeContainer(d, c); });
    if (key == "volumes")
      d.Vector("spec.volumes", &spec->volumes, [&](Volume* v) { DecodeVolume(d, v); });
    if (key == "nodeName") d.Read("spec.nodeName", &spec->node_name);
    if (key == "nodeSelector") d.Read("spec.nodeSelector", &spec->node_selector);
    if (key == "tolerations") DecodeTolerations(d, &spec->tolerations);
    if (key == "restartPolicy") d.Read("spec.restartPolicy", &spec->restart_policy);
    if (key == "serviceAccountName") d.Read("spec.serviceAccountName", &spec->service_account);
    if (key == "priorityClassName") d.Read("spec.priorityClassName", &spec->priority_class);
    if (key == "schedulerName") d.Read("spec.schedulerName", &spec->scheduler_name);
    if (key == "imagePullSecrets") d.ReadNames("spec.imagePullSecrets", &spec->image_pull_secrets);
    if (key == "hostNetwork") d.Read("spec.hostNetwork", &spec->host_network);
    if (key == "hostPID") d.Read("spec.hostPID", &spec->host_pid);
    if (key == "hostIPC") d.Read("spec.hostIPC", &spec->host_ipc);
    if (key == "automountServiceAccountToken")
      d.Read("spec.automountServiceAccountToken", &spec->automount_token);
    if (key == "activeDeadlineSeconds")
      d.Read("spec.activeDeadlineSeconds", &spec->active_deadline_seconds);
    if (key == "terminationGracePeriodSeconds")
      d.ReadCount("spec.terminationGracePeriodSeconds", &spec->grace_period_seconds);
    if (key == "affinity") spec->has_affinity = d.Next() == '{';
    if (key == "securityContext") {
      d.Object("spec.securityContext", [&](std::string_view part) {
        if (part == "runAsNonRoot")
          d.Read("spec.securityContext.runAsNonRoot", &spec->run_as_non_root);
      });
    }
  });
}

View* DecodePodView(const Object& object) {
  auto pod = std::make_unique<Pod>();
  Decoder d(object, pod.get());
  d.Object("pod", [&](std::string_view key) {
    if (key == "spec") DecodePodSpec(d, &pod->spec);
    if (key == "status") DecodePodStatus(d, pod.get());
  });
  Summarise(object.meta(), pod.get());
  return pod.release();
}

std::string Pod::ready() const { return fmt::format("{}/{}", ready_containers, total_containers); }

bool Pod::healthy() const {
  return phase == "Succeeded" ||
         (phase == "Running" && status == "Running" && ready_containers == total_containers);
}

const ContainerStatus* Pod::FindStatus(std::string_view container) const {
  for (const auto* list : {&statuses, &init_statuses}) {
    for (const ContainerStatus& candidate : *list) {
      if (candidate.name == container) return &candidate;
    }
  }
  return nullptr;
}

}  // namespace opsmesh::kube
