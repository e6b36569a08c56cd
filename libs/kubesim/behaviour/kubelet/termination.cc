// The graceful end of a pod that was deleted.
#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kConfirm =
    absl::Milliseconds(700);  // clean-up between the last container's end and the pod's

bool Runs(const std::vector<ContainerRuntime>& containers) {
  return std::any_of(containers.begin(), containers.end(),
                     [](const ContainerRuntime& one) { return one.process.has_value(); });
}

}  // namespace

void Kubelet::SyncTermination(View& view) {
  PodRuntime& runtime = view.runtime;
  runtime.terminating = true;
  if (EndContainers(view)) {
    WriteStatus(view);
    return;
  }
  if (runtime.gone_at == absl::InfiniteFuture()) {
    runtime.gone_at = view.now + kConfirm;
    runtime.over = true;
    if (runtime.begun) WriteStatus(view);
  }
  if (view.now < runtime.gone_at) {
    view.At(runtime.gone_at);
    return;
  }
  Forget(view);
}

bool Kubelet::EndContainers(View& view) {
  PodRuntime& runtime = view.runtime;
  const absl::Duration grace =
      absl::Seconds(IntAt(view.pod, {"metadata", "deletionGracePeriodSeconds"}, 30));
  absl::Time deadline = view.now + grace;
  base::ParseRfc3339(TextAt(view.pod, {"metadata", "deletionTimestamp"}), &deadline);
  for (ContainerRuntime& one : runtime.main) EndContainer(view, one, grace, deadline);
  for (ContainerRuntime& one : runtime.ephemeral) EndContainer(view, one, grace, deadline);
  // Sidecars serve until the others have ended.
  const bool main_runs = Runs(runtime.main);
  for (ContainerRuntime& one : runtime.init) {
    if (!main_runs) {
      EndContainer(view, one, grace, deadline);
    } else if (one.process) {
      RunContainer(view, one, ContainerSpec(view.spec, one));
    }
  }
  return main_runs || Runs(runtime.ephemeral) || Runs(runtime.init);
}

void Kubelet::EndContainer(View& view, ContainerRuntime& container, absl::Duration grace,
                           absl::Time deadline) {
  if (!container.process) {
    container.step = ContainerRuntime::Step::kIdle;
    return;
  }
  const Json& spec = ContainerSpec(view.spec, container);
  if (!container.stopping || container.probe_killed) {
    container.probe_killed = false;
    Tell(view, "Normal", "Killing", "Stopping container " + container.status.name, &container);
    StopContainer(view, container, spec, grace);
  }
  // A later deletion with a shorter grace counts.
  container.kill_at = std::min(container.kill_at, std::max(view.now, deadline + absl::Seconds(1)));
  RunContainer(view, container, spec);
}

void Kubelet::Forget(View& view) {
  const PodRuntime& runtime = view.runtime;
  if (ListAt(view.pod, {"metadata", "finalizers"}).empty()) {
    (void)engine_.client().Remove(pod_type_, runtime.ns, runtime.name, runtime.uid);
    return;
  }
  // Finalizers of the pod keep the object; the kubelet is done with it.
  (void)engine_.client().Change(
      pod_type_, runtime.ns, runtime.name,
      [](Json& object) {
        if (IntAt(object, {"metadata", "deletionGracePeriodSeconds"}) == 0) return false;
        object["metadata"]["deletionGracePeriodSeconds"] = 0;
        return true;
      },
      runtime.uid);
}

}  // namespace opsmesh::kubesim
