#include "libs/kubesim/behaviour/faults/catalogue.h"

namespace opsmesh::kubesim {

const std::vector<FaultKind>& FaultCatalogue() {
  static const auto* kinds = new std::vector<FaultKind>{
      {"kill", "pod deployment statefulset daemonset job",
       "container: only this one; code: exit code (137)",
       "Running containers end at once and are restarted by their kubelet.", "Nothing to undo.",
       false},
      {"crash", "pod deployment statefulset daemonset job image namespace",
       "code: exit code (1); after: seconds of each run (3); message: last log line; container",
       "Every run ends with the code: CrashLoopBackOff with a growing back-off.",
       "The next run stays up."},
      {"image-pull", "pod deployment statefulset daemonset job image",
       "message: what the registry says (not found); restart: end running containers now (true); "
       "container",
       "Pulls fail: ErrImagePull, then ImagePullBackOff.", "The next pull succeeds."},
      {"slow-pull", "pod deployment statefulset daemonset job image node",
       "seconds: how much longer (120)", "Pulls take longer: ContainerCreating.",
       "Pulls are quick again."},
      {"kubelet-stopped", "node", "",
       "The node's kubelet stops: no heartbeats, NotReady after 40 seconds, eviction after 5 "
       "minutes.",
       "Heartbeats go on; the node is Ready again."},
      {"node-partition", "node", "",
       "The node is cut off: its containers run on and nobody hears of them.",
       "The node reports again what became of its pods."},
      {"network-plugin", "node", "",
       "The node is NotReady (cni plugin not initialized) and new pods get no sandbox.",
       "Sandboxes are made, the node is Ready."},
      {"memory-pressure", "node", "",
       "MemoryPressure; pods beyond their requests are evicted one by one.",
       "The condition goes; evicted pods stay Failed."},
      {"disk-pressure", "node", "", "DiskPressure; pods are evicted one by one.",
       "The condition goes; evicted pods stay Failed."},
      {"pid-pressure", "node", "", "PIDPressure; nothing new is scheduled there.",
       "The condition goes."},
      {"slow-disk", "node pod deployment statefulset daemonset",
       "factor: of pull times (10); mount_seconds: of each mount (20)",
       "Mounts and pulls are slow: ContainerCreating for long.", "New pods start quickly again."},
      {"memory-leak", "pod deployment statefulset daemonset job", "container",
       "Containers with a memory limit outgrow it: OOMKilled (137), again and again.",
       "The next run needs what it always needed."},
      {"probe-failure", "pod deployment statefulset daemonset image",
       "probe: readiness, liveness, startup or all (readiness); message; container",
       "The probe fails: NotReady, or restarts.", "The next probe succeeds."},
      {"slow-responses", "pod deployment statefulset daemonset namespace",
       "seconds: of each answer (5); container",
       "HTTP probes with a shorter timeout fail with context deadline exceeded.",
       "Answers are quick again."},
      {"no-metrics", "cluster", "",
       "The metrics API has no pods: kubectl top and autoscalers go blind.",
       "Usage is measured again."},
      {"dns", "cluster namespace", "", "Names do not resolve for what scripts in containers ask.",
       "Names resolve."},
  };
  return *kinds;
}

const FaultKind* FindFaultKind(std::string_view name) {
  for (const FaultKind& kind : FaultCatalogue()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

}  // namespace opsmesh::kubesim
