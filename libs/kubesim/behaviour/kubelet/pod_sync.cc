// One look at a pod: what has to happen now, and when to look again.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kSandboxTime = absl::Milliseconds(600);

bool Succeeded(const ContainerRuntime& container) {
  return container.status.terminated &&
         container.status.state == ContainerStatus::State::kTerminated &&
         container.status.terminated->code == 0;
}

bool DoneForGood(const ContainerRuntime& container, const std::string& policy) {
  if (container.status.state != ContainerStatus::State::kTerminated || container.process)
    return false;
  return policy == "Never" || (policy == "OnFailure" && container.status.terminated->code == 0 &&
                               !container.probe_killed);
}

}  // namespace

const Json& ContainerSpec(const Json& pod_spec, const ContainerRuntime& container) {
  const char* list = container.init        ? "initContainers"
                     : container.ephemeral ? "ephemeralContainers"
                                           : "containers";
  for (const Json& spec : ListAt(pod_spec, {list})) {
    if (TextAt(spec, "name") == container.status.name) return spec;
  }
  return At(pod_spec, "no such container");
}

void Kubelet::SyncPod(View& view) {
  PodRuntime& runtime = view.runtime;
  if (runtime.over) return;
  if (!runtime.begun) {
    runtime.begun = true;
    runtime.started = view.now;
    if (!Admit(view)) return;
    WriteStatus(view);
  }
  if (runtime.ending || Deadline(view)) {
    StopForGood(view);
    return;
  }
  if (!Mount(view) || !Sandbox(view)) {
    WriteStatus(view);
    return;
  }
  if (SyncInit(view)) {
    for (ContainerRuntime& container : runtime.main)
      SyncContainer(view, container, ContainerSpec(view.spec, container));
  }
  SyncEphemeral(view);
  if (!WithinStorage(view)) return;
  const std::string policy = TextAt(view.spec, "restartPolicy");
  const bool init_failed =
      policy == "Never" &&
      std::any_of(runtime.init.begin(), runtime.init.end(), [](const ContainerRuntime& one) {
        return !one.sidecar && one.status.state == ContainerStatus::State::kTerminated &&
               !one.process && one.status.terminated->code != 0;
      });
  const bool all_over =
      !runtime.main.empty() &&
      std::all_of(runtime.main.begin(), runtime.main.end(),
                  [&](const ContainerRuntime& one) { return DoneForGood(one, policy); });
  if (init_failed || all_over) {
    // Sidecars go when the others are done.
    bool sidecars_run = false;
    for (ContainerRuntime& one : runtime.init) {
      if (!one.process) continue;
      if (!one.stopping)
        StopContainer(view, one, ContainerSpec(view.spec, one),
                      absl::Seconds(IntAt(view.spec, "terminationGracePeriodSeconds", 30)));
      SyncContainer(view, one, ContainerSpec(view.spec, one));
      sidecars_run = sidecars_run || one.process.has_value();
    }
    if (!sidecars_run) {
      runtime.over = true;
      WriteMetrics(view, true);
      ReleaseAddress(runtime);
    }
  }
  WriteStatus(view);
}

bool Kubelet::Deadline(View& view) {
  const int64_t seconds = IntAt(view.spec, "activeDeadlineSeconds", -1);
  if (seconds < 0) return false;
  const absl::Time end = view.runtime.started + absl::Seconds(seconds);
  if (view.now < end) {
    view.At(end);
    return false;
  }
  Tell(view, "Normal", "DeadlineExceeded",
       "Pod was active on the node longer than the specified deadline");
  view.runtime.ending = true;
  view.runtime.reason = "DeadlineExceeded";
  view.runtime.message = "Pod was active on the node longer than the specified deadline";
  return true;
}

// Containers get their grace; the phase says Failed when none runs any more.
void Kubelet::StopForGood(View& view) {
  PodRuntime& runtime = view.runtime;
  bool runs = false;
  for (auto* list : {&runtime.main, &runtime.init, &runtime.ephemeral}) {
    for (ContainerRuntime& one : *list) {
      if (!one.process) continue;
      const Json& spec = ContainerSpec(view.spec, one);
      if (!one.stopping) {
        Tell(view, "Normal", "Killing", "Stopping container " + one.status.name, &one);
        StopContainer(view, one, spec,
                      absl::Seconds(IntAt(view.spec, "terminationGracePeriodSeconds", 30)));
      }
      RunContainer(view, one, spec);
      runs = runs || one.process.has_value();
    }
  }
  if (!runs) {
    runtime.over = true;
    ReleaseAddress(runtime);
    WriteMetrics(view, true);
  }
  WriteStatus(view);
}

// Ends a pod for good while its object stays.
void Kubelet::EndPod(View& view, const std::string& reason, const std::string& message,
                     bool disrupted) {
  PodRuntime& runtime = view.runtime;
  for (auto* list : {&runtime.init, &runtime.main, &runtime.ephemeral}) {
    for (ContainerRuntime& one : *list) {
      if (!one.process) continue;
      one.process->Kill(view.now, 137);
      Ended(view, one);
    }
  }
  runtime.over = true;
  runtime.reason = reason;
  runtime.message = message;
  runtime.disrupted = disrupted;
  ReleaseAddress(runtime);
  WriteMetrics(view, true);
  WriteStatus(view);
}

std::string Kubelet::AssignAddress(const std::string& node_name, const Json& spec) {
  const ObjectPtr object = nodes_.Get("", node_name);
  if (!object) return "";
  const auto node = engine_.Parsed(object);
  if (BoolAt(spec, {"hostNetwork"})) {
    for (const Json& address : ListAt(*node, {"status", "addresses"})) {
      if (TextAt(address, "type") == "InternalIP") return TextAt(address, "address");
    }
  }
  unsigned a = 10, b = 244, c = 0, d = 0, bits = 24;
  NodeRuntime& runtime = state_.nodes[node_name];
  if (std::sscanf(TextAt(*node, {"spec", "podCIDR"}).c_str(), "%u.%u.%u.%u/%u", &a, &b, &c, &d,
                  &bits) != 5 ||
      bits > 30 || bits < 8) {
    // Nobody gave the node a range: one by the node's place among the others.
    const auto all = nodes_.List();
    c = static_cast<unsigned>(std::find(all.begin(), all.end(), object) - all.begin());
    b = 244 + c / 256;
    c %= 256;
    bits = 24;
  }
  const uint32_t base = (a << 24) | (b << 16) | (c << 8) | d;
  const uint32_t size = 1u << (32 - bits);
  for (uint32_t i = 0; i < size; ++i) {
    const uint32_t offset = 2 + (runtime.next_address - 2 + i) % (size - 3);
    const uint32_t ip = base + offset;
    std::string text =
        fmt::format("{}.{}.{}.{}", ip >> 24, (ip >> 16) & 255, (ip >> 8) & 255, ip & 255);
    if (!runtime.addresses.insert(text).second) continue;
    runtime.next_address = offset + 1;
    return text;
  }
  return "";
}

void Kubelet::ReleaseAddress(const PodRuntime& runtime) {
  if (auto node = state_.nodes.find(runtime.node); node != state_.nodes.end())
    node->second.addresses.erase(runtime.ip);
}

bool Kubelet::Sandbox(View& view) {
  PodRuntime& runtime = view.runtime;
  if (runtime.sandbox) return true;
  if (runtime.sandbox_at == absl::Time()) runtime.sandbox_at = view.now + kSandboxTime;
  if (auto fault = faults_.OnNode("network-plugin", runtime.node)) {
    if (view.now >= runtime.sandbox_at) {
      Tell(view, "Warning", "FailedCreatePodSandBox",
           fmt::format("Failed to create pod sandbox: rpc error: code = Unknown desc = failed to "
                       "setup network for sandbox \"{}\": plugin type=\"bridge\" "
                       "failed (add): failed to allocate for range 0: no IP addresses available in "
                       "range set",
                       runtime.uid));
      runtime.sandbox_at = view.now + absl::Seconds(12);
    }
    view.At(runtime.sandbox_at);
    return false;
  }
  if (view.now < runtime.sandbox_at) {
    view.At(runtime.sandbox_at);
    return false;
  }
  runtime.ip = AssignAddress(runtime.node, view.spec);
  runtime.sandbox = true;
  return true;
}

// Containers that somebody added to look at a pod: run once, without a say in its phase.
void Kubelet::SyncEphemeral(View& view) {
  std::vector<ContainerRuntime>& known = view.runtime.ephemeral;
  for (const Json& spec : ListAt(view.spec, {"ephemeralContainers"})) {
    const std::string name = TextAt(spec, "name");
    if (std::any_of(known.begin(), known.end(),
                    [&](const ContainerRuntime& one) { return one.status.name == name; }))
      continue;
    ContainerRuntime fresh;
    fresh.ephemeral = true;
    fresh.status.name = name;
    fresh.status.image = TextAt(spec, "image");
    if (!view.runtime.init.empty()) fresh.status.waiting_reason = "PodInitializing";
    known.push_back(std::move(fresh));
  }
  for (ContainerRuntime& container : known)
    SyncContainer(view, container, ContainerSpec(view.spec, container));
}

// True when the main containers may run.
bool Kubelet::SyncInit(View& view) {
  for (ContainerRuntime& container : view.runtime.init) {
    const Json& spec = ContainerSpec(view.spec, container);
    if (!container.sidecar && Succeeded(container)) continue;
    SyncContainer(view, container, spec);
    if (container.sidecar) {
      if (container.process && container.status.started) continue;  // started: the next may go
      if (container.status.restarts > 0) continue;
      return false;
    }
    if (Succeeded(container)) continue;
    return false;
  }
  return true;
}

}  // namespace opsmesh::kubesim
