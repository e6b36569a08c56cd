// Typed views of pods and of pod templates.
#pragma once

#include "libs/kube/views_common.h"

namespace opsmesh::kube {

struct ContainerPort {
  Str name;
  int64_t port = 0;
  int64_t host_port = 0;
  Str protocol;  // "" = TCP
  friend bool operator==(const ContainerPort&, const ContainerPort&) = default;
};

struct Probe {
  enum class Kind { kNone, kHttp, kTcp, kExec, kGrpc };
  Kind kind = Kind::kNone;
  IntOrString port;
  Str path;
  Str scheme;
  int64_t initial_delay_seconds = 0;
  int64_t period_seconds = 0;
  int64_t timeout_seconds = 0;
  int64_t failure_threshold = 0;
  friend bool operator==(const Probe&, const Probe&) = default;
};

/// A ConfigMap or Secret that a container or volume needs.
struct ConfigRef {
  enum class Kind { kConfigMap, kSecret };
  Kind kind = Kind::kConfigMap;
  Str name;
  Str key;  // "" = the whole object
  bool optional = false;
  friend bool operator==(const ConfigRef&, const ConfigRef&) = default;
};

struct EnvVar {
  Str name;
  Str value;  // literal; "" when it comes from elsewhere
  bool from_elsewhere = false;
  friend bool operator==(const EnvVar&, const EnvVar&) = default;
};

/// Volume mounts are not here: they hold the name of a pod's own token volume, and everything else
/// is the same in all pods of a controller.
struct Container {
  Str name;
  Str image;
  Str image_pull_policy;
  Str restart_policy;  // "Always" on an init container = native sidecar
  std::vector<Str> command;
  std::vector<Str> args;
  ResourceList requests;
  ResourceList limits;
  std::vector<ContainerPort> ports;
  std::vector<EnvVar> env;
  std::vector<ConfigRef> config_refs;  // env.valueFrom and envFrom
  Probe liveness;
  Probe readiness;
  Probe startup;
  std::optional<bool> privileged;
  std::optional<bool> run_as_non_root;
  std::optional<bool> allow_privilege_escalation;
  std::optional<bool> read_only_root;
  std::optional<int64_t> run_as_user;
  friend bool operator==(const Container&, const Container&) = default;
};

struct Volume {
  Str name;
  Str type;  // "configMap", "secret", "persistentVolumeClaim", "emptyDir", "hostPath", "projected",
             // ...
  Str claim_name;
  Str host_path;
  std::vector<ConfigRef> config_refs;
};

struct Toleration {
  Str key;
  Str op;
  Str value;
  Str effect;
  std::optional<int64_t> seconds;
  friend bool operator==(const Toleration&, const Toleration&) = default;
};

struct PodSpec {
  SharedList<Container> init_containers;
  SharedList<Container> containers;
  std::vector<Volume> volumes;
  Str node_name;
  StrPairs node_selector;
  SharedList<Toleration> tolerations;
  Str restart_policy;
  Str service_account;
  Str priority_class;
  Str scheduler_name;
  std::vector<Str> image_pull_secrets;
  bool host_network = false;
  bool host_pid = false;
  bool host_ipc = false;
  std::optional<bool> run_as_non_root;
  std::optional<bool> automount_token;
  std::optional<int64_t> active_deadline_seconds;
  bool has_affinity = false;
  int64_t grace_period_seconds = 30;
};

struct ContainerState {
  enum class Kind { kUnknown, kWaiting, kRunning, kTerminated };
  Kind kind = Kind::kUnknown;
  Str reason;
  Str message;
  int64_t exit_code = 0;
  int64_t signal = 0;
  absl::Time started = absl::InfinitePast();
  absl::Time finished = absl::InfinitePast();
};

struct ContainerStatus {
  Str name;
  Str image;
  Str image_id;
  bool ready = false;
  std::optional<bool> started;
  int64_t restarts = 0;  // never negative
  ContainerState state;
  ContainerState last_state;
};

struct Pod : View {
  static constexpr int kViewId = kPodView;
  PodSpec spec;
  Str phase;   // "Pending", "Running", "Succeeded", "Failed", "Unknown"; "" when the status is
               // missing
  Str reason;  // "Evicted"
  Str message;
  Str pod_ip;
  Str host_ip;
  Str qos_class;
  Str nominated_node;
  absl::Time started = absl::InfinitePast();
  std::vector<Condition> conditions;
  std::vector<ContainerStatus> init_statuses;
  std::vector<ContainerStatus> statuses;

  /// What kubectl prints under STATUS, READY ("1/2") and RESTARTS.
  std::string status;
  int64_t ready_containers = 0;
  int64_t total_containers = 0;
  int64_t restarts = 0;
  absl::Time last_restart = absl::InfinitePast();

  std::string ready() const;
  /// All containers ready and phase Running, or phase Succeeded.
  bool healthy() const;
  const ContainerStatus* FindStatus(std::string_view container) const;
};

}  // namespace opsmesh::kube
