// What a kubelet refuses to run: pods under pressure, and pods bound past the scheduler that the
// node has no room or no place for.
#include <fmt/format.h>

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/kubesim/behaviour/kubelet/kubelet.h"
#include "libs/kubesim/behaviour/scheduler/cluster_view.h"
#include "libs/kubesim/behaviour/scheduler/filters.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int64_t kCritical = 2'000'000'000;  // system-cluster-critical and above

bool ToleratesMemoryPressure(const scheduling::PodInfo& pod) {
  return std::any_of(pod.tolerations.begin(), pod.tolerations.end(),
                     [](const scheduling::Toleration& one) {
                       return one.Tolerates("node.kubernetes.io/memory-pressure", "", "NoSchedule");
                     });
}

// "" or why a node under pressure takes no such pod.
std::string PressureRefusal(const Json& node, const Json& spec, const scheduling::PodInfo& pod) {
  std::vector<std::string> pressures;
  for (const char* type : {"MemoryPressure", "DiskPressure", "PIDPressure"}) {
    for (const Json& one : ListAt(node, {"status", "conditions"})) {
      if (TextAt(one, "type") == type && TextAt(one, "status") == "True") pressures.push_back(type);
    }
  }
  if (pressures.empty() || pod.priority >= kCritical) return "";
  const bool memory_only = pressures.size() == 1 && pressures[0] == "MemoryPressure";
  if (memory_only && (QosClass(spec) != "BestEffort" || ToleratesMemoryPressure(pod))) return "";
  return fmt::format("The node had condition: [{}]. ", base::Join(pressures, " "));
}

struct Shortage {
  std::string resource;
  int64_t wanted, used, capacity;
};

std::optional<Shortage> FindShortage(const scheduling::Resources& wanted,
                                     const scheduling::Resources& used,
                                     const scheduling::Resources& all, int64_t pods) {
  if (pods + 1 > all.pods) return Shortage{"pods", 1, pods, all.pods};
  auto lacks = [](int64_t want, int64_t have, int64_t most) {
    return want > 0 && have + want > most;
  };
  if (lacks(wanted.milli_cpu, used.milli_cpu, all.milli_cpu))
    return Shortage{"cpu", wanted.milli_cpu, used.milli_cpu, all.milli_cpu};
  if (lacks(wanted.memory, used.memory, all.memory))
    return Shortage{"memory", wanted.memory, used.memory, all.memory};
  if (lacks(wanted.ephemeral_storage, used.ephemeral_storage, all.ephemeral_storage)) {
    return Shortage{"ephemeral-storage", wanted.ephemeral_storage, used.ephemeral_storage,
                    all.ephemeral_storage};
  }
  for (const auto& [name, amount] : wanted.extended) {
    // Devices that the node does not know at all are left out, as a kubelet does.
    const int64_t most = all.Extended(name);
    if (most > 0 && lacks(amount, used.Extended(name), most))
      return Shortage{name, amount, used.Extended(name), most};
  }
  return std::nullopt;
}

// NodeAffinity, NodePorts or TaintToleration: what of the scheduler's rules a kubelet asks again.
std::string FailedPredicate(const scheduling::PodInfo& pod, const scheduling::NodeInfo& node,
                            const std::vector<scheduling::PodInfoPtr>& others) {
  if (!scheduling::MatchesNodeAffinity(pod, node)) return "NodeAffinity";
  for (const scheduling::PodInfoPtr& other : others) {
    for (const scheduling::HostPort& taken : other->ports) {
      if (std::any_of(pod.ports.begin(), pod.ports.end(),
                      [&](const scheduling::HostPort& one) { return one.Conflicts(taken); }))
        return "NodePorts";
    }
  }
  for (const scheduling::Taint& taint : node.taints) {
    if (taint.effect == "NoExecute" && std::none_of(pod.tolerations.begin(), pod.tolerations.end(),
                                                    [&](const scheduling::Toleration& one) {
                                                      return one.Tolerates(taint.key, taint.value,
                                                                           taint.effect);
                                                    }))
      return "TaintToleration";
  }
  return "";
}

}  // namespace

bool Kubelet::Reject(View& view, const std::string& reason, const std::string& why) {
  Tell(view, "Warning", reason, why);
  view.runtime.rejected = true;
  EndPod(view, reason, "Pod was rejected: " + why, false);
  return false;
}

bool Kubelet::Admit(View& view) {
  const ObjectPtr object = nodes_.Get("", view.runtime.node);
  if (!object) return true;
  const auto json = engine_.Parsed(object);
  const scheduling::PodInfoPtr pod = scheduling::ReadPod(view.pod);
  if (const std::string why = PressureRefusal(*json, view.spec, *pod); !why.empty())
    return Reject(view, "Evicted", why);
  for (const Json& condition : ListAt(view.pod, {"status", "conditions"})) {
    if (TextAt(condition, "type") == "PodScheduled" && TextAt(condition, "status") == "True")
      return true;  // the scheduler has judged it
  }
  scheduling::ClusterView cluster;
  cluster.PutNode(*json);
  const scheduling::NodeInfo& node = *cluster.Node(view.runtime.node);
  if (node.allocatable.pods == 0) return true;  // it has not said yet what it has
  std::vector<scheduling::PodInfoPtr> others;
  scheduling::Resources used;
  for (const ObjectPtr& other : by_node_.Find(view.runtime.node)) {
    auto known = state_.pods.find(other->uid);
    if (other->uid == view.runtime.uid || known == state_.pods.end() || known->second.over ||
        !known->second.begun)
      continue;
    others.push_back(scheduling::ReadPod(*engine_.Parsed(other)));
    used.Add(others.back()->requests);
  }
  if (auto lack = FindShortage(pod->requests, used, node.allocatable,
                               static_cast<int64_t>(others.size()))) {
    return Reject(view, "OutOf" + lack->resource,
                  fmt::format("Node didn't have enough resource: {}, requested: {}, used: {}, "
                              "capacity: {}",
                              lack->resource, lack->wanted, lack->used, lack->capacity));
  }
  if (const std::string failed = FailedPredicate(*pod, node, others); !failed.empty())
    return Reject(view, failed, fmt::format("Predicate {} failed", failed));
  return true;
}

}  // namespace opsmesh::kubesim
