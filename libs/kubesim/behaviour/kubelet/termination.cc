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

}  // namespace

void Kubelet::SyncTermination(View& view) {
  PodRuntime& runtime = view.runtime;
  const absl::Duration grace =
      absl::Seconds(IntAt(view.pod, {"metadata", "deletionGracePeriodSeconds"}, 30));
  absl::Time deadline = view.now + grace;
  base::ParseRfc3339(TextAt(view.pod, {"metadata", "deletionTimestamp"}), &deadline);
  bool main_runs = std::any_of(runtime.main.begin(), runtime.main.end(),
                               [](const ContainerRuntime& one) { return one.process.has_value(); });
  auto stop = [&](ContainerRuntime& container) {
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
    container.kill_at =
        std::min(container.kill_at, std::max(view.now, deadline + absl::Seconds(1)));
    RunContainer(view, container, spec);
  };
  runtime.terminating = true;
  for (ContainerRuntime& container : runtime.main) stop(container);
  for (ContainerRuntime& container : runtime.ephemeral) stop(container);
  if (main_runs)
    main_runs = std::any_of(runtime.main.begin(), runtime.main.end(),
                            [](const ContainerRuntime& one) { return one.process.has_value(); });
  if (!main_runs) {
    for (ContainerRuntime& container : runtime.init) stop(container);
  } else {
    for (ContainerRuntime& container : runtime.init) {
      if (container.process) RunContainer(view, container, ContainerSpec(view.spec, container));
    }
  }
  const bool any =
      main_runs ||
      std::any_of(runtime.ephemeral.begin(), runtime.ephemeral.end(),
                  [](const ContainerRuntime& one) { return one.process.has_value(); }) ||
      std::any_of(runtime.init.begin(), runtime.init.end(),
                  [](const ContainerRuntime& one) { return one.process.has_value(); });
  if (any) {
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
  // Finalizers of the pod keep the object; the kubelet is done with it.
  if (!ListAt(view.pod, {"metadata", "finalizers"}).empty()) {
    (void)engine_.client().Change(
        pod_type_, runtime.ns, runtime.name,
        [](Json& object) {
          if (IntAt(object, {"metadata", "deletionGracePeriodSeconds"}) == 0) return false;
          object["metadata"]["deletionGracePeriodSeconds"] = 0;
          return true;
        },
        runtime.uid);
    return;
  }
  (void)engine_.client().Remove(pod_type_, runtime.ns, runtime.name, runtime.uid);
}

}  // namespace opsmesh::kubesim
