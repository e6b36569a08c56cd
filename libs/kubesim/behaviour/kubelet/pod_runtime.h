// What kubelets keep of running pods beside the objects: processes, back-offs, probe counters.
// Copyable as a whole, for forks; built again from the pods' statuses when it is lost.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "libs/kubesim/behaviour/kubelet/container_status.h"
#include "libs/kubesim/behaviour/kubelet/process.h"

namespace opsmesh::kubesim {

struct ProbeRuntime {
  absl::Time next = absl::InfiniteFuture();
  int successes = 0, failures = 0;
};
enum ProbeKind { kStartupProbe = 0, kLivenessProbe = 1, kReadinessProbe = 2 };

struct ContainerRuntime {
  enum class Step { kIdle, kPulling, kCreating };

  ContainerStatus status;
  bool init = false, sidecar = false;
  bool ephemeral = false;    // added to a running pod, as `kubectl debug` does
  bool initialised = false;  // it was seen running: its data directory is there
  std::optional<Process> process;
  Step step = Step::kIdle;
  absl::Time next = absl::InfinitePast();  // when to look again while it does not run
  absl::Duration back_off;                 // of the next restart; zero = at once
  absl::Time back_off_updated = absl::InfinitePast();
  absl::Duration pull_back_off;
  absl::Time pull_again = absl::InfinitePast();
  std::string pull_error;
  std::string start_error;  // of the last try, as the runtime worded it
  std::array<ProbeRuntime, 3> probes;
  bool stopping = false;  // SIGTERM was or will be sent
  absl::Time term_at = absl::InfiniteFuture(), kill_at = absl::InfiniteFuture();
  bool probe_killed = false;
  absl::Time hook_until = absl::InfinitePast();  // end of the postStart hook that runs
  bool hook_failed = false;
  std::string hook_message;
};

struct PodRuntime {
  std::string ns, name, uid, node, ip;
  bool begun = false, mounted = false, sandbox = false, terminating = false, over = false;
  absl::Time started, sandbox_at, gone_at = absl::InfiniteFuture();
  absl::Time mount_again = absl::InfinitePast(), mount_since = absl::InfinitePast();
  absl::Duration mount_back_off;
  std::vector<ContainerRuntime> init, main, ephemeral;
  std::string reason, message;  // of a pod that was ended: Evicted, DeadlineExceeded
  bool disrupted = false;       // condition DisruptionTarget
  bool rejected = false;        // it was never begun
  std::map<std::string, WrittenFiles> directories;  // emptyDir volumes that containers share
  absl::Time evict_at = absl::InfiniteFuture();     // it uses more storage than it may
  bool ending = false;  // its deadline has passed: containers are being stopped
  absl::Time next = absl::InfiniteFuture();
};

struct NodeRuntime {
  std::set<std::string> images;     // by full name
  std::set<std::string> addresses;  // of pods
  uint32_t next_address = 2;
  std::string pressure;  // condition type raised by a fault: "MemoryPressure"
};

struct KubeletState {
  std::map<std::string, PodRuntime> pods;  // by uid
  std::map<std::string, NodeRuntime> nodes;
};

}  // namespace opsmesh::kubesim
