#include "libs/kubesim/behaviour/controllers/node_lifecycle.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kMonitorEvery = absl::Seconds(5);
constexpr absl::Duration kGrace = absl::Seconds(50);  // 40 s before 1.32
const EventSource kSource{"node-controller", ""};

Json Reference(const Object& node) {
  return {{"kind", "Node"}, {"apiVersion", "v1"}, {"name", node.name}, {"uid", node.uid}};
}

std::string ReadyOf(const Json& node) {
  return TextAt(ConditionOf(At(node, "status"), "Ready"), "status");
}

bool Marks(std::string_view key) {
  for (std::string_view mine :
       {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable",
        "node.kubernetes.io/memory-pressure", "node.kubernetes.io/disk-pressure",
        "node.kubernetes.io/pid-pressure", "node.kubernetes.io/network-unavailable",
        "node.kubernetes.io/unschedulable"}) {
    if (key == mine) return true;
  }
  return false;
}

}  // namespace

NodeLifecycleController::NodeLifecycleController(Engine& engine, Pods& pods)
    : engine_(engine),
      pods_(pods),
      nodes_(engine.InformerOf("", "nodes")),
      leases_(engine.InformerOf("coordination.k8s.io", "leases")) {
  nodes_.OnChange([this](const Seen& seen) {
    if (!seen.now) {
      beats_.erase(seen.before->name);
      registered_.erase(seen.before->name);
      evicting_.erase(seen.before->name);
      engine_.events().Record(kSource, Reference(*seen.before), "Normal", "RemovingNode",
                              fmt::format("Node {} event: Removing Node {} from Controller",
                                          seen.before->name, seen.before->name));
      return;
    }
    SyncLabels(seen.now);
    SyncTaints(seen.now, seen.now_json);
  });
}

// The labels of before 1.14 say what their successors say.
void NodeLifecycleController::SyncLabels(const ObjectPtr& node) {
  std::map<std::string, std::string> wanted;
  for (const auto& [key, value] : node->labels) {
    if (key == "kubernetes.io/os" || key == "kubernetes.io/arch") wanted["beta." + key] = value;
  }
  for (const auto& [key, value] : node->labels) {
    if (auto found = wanted.find(key); found != wanted.end() && found->second == value)
      wanted.erase(found);
  }
  if (wanted.empty()) return;
  (void)engine_.client().Change(
      nodes_.type(), "", node->name,
      [&](Json& object) {
        for (const auto& [key, value] : wanted) object["metadata"]["labels"][key] = value;
        return true;
      },
      node->uid);
}

void NodeLifecycleController::Start() {
  for (const ObjectPtr& node : nodes_.List()) registered_.insert(node->name);
  engine_.After(kMonitorEvery, [this] { Monitor(); });
}

void NodeLifecycleController::Monitor() {
  for (const ObjectPtr& node : nodes_.List()) {
    if (registered_.insert(node->name).second) {
      engine_.events().Record(
          kSource, Reference(*node), "Normal", "RegisteredNode",
          fmt::format("Node {} event: Registered Node {} in Controller", node->name, node->name));
    }
    Check(node);
  }
  PlanEvictions();
  engine_.After(kMonitorEvery, [this] { Monitor(); });
}

struct NodeLifecycleController::Zone {
  int64_t ready = 0;
  std::vector<ObjectPtr> silent;
  bool Full() const { return ready == 0 && !silent.empty(); }
  // How long after one node the next may be emptied.
  absl::Duration Pause() const {
    const int64_t down = static_cast<int64_t>(silent.size()), all = down + ready;
    const bool partial = !Full() && down > 2 && down * 100 >= all * 55;
    if (!partial) return absl::Seconds(10);
    return all > 50 ? absl::Seconds(100) : absl::InfiniteDuration();
  }
};

void NodeLifecycleController::PlanEvictions() {
  std::map<std::string, Zone> zones;
  for (const ObjectPtr& node : nodes_.List()) {
    std::string region, zone;
    for (const auto& [key, value] : node->labels) {
      if (key == "topology.kubernetes.io/region") region = value;
      if (key == "topology.kubernetes.io/zone") zone = value;
    }
    Zone& place = zones[region + ":" + zone];
    if (beats_[node->name].ready == "True")
      ++place.ready;
    else
      place.silent.push_back(node);
  }
  const bool all_down =
      !zones.empty() &&
      std::all_of(zones.begin(), zones.end(), [](const auto& one) { return one.second.Full(); });
  if (all_down != all_down_) {
    all_down_ = all_down;
    if (all_down) evicting_.clear();
    for (const ObjectPtr& node : nodes_.List()) SyncTaints(node, *engine_.Parsed(node));
  }
  if (all_down) return;
  for (const auto& [name, zone] : zones) {
    for (const ObjectPtr& node : zone.silent) {
      if (evicting_.contains(node->name) || beats_[node->name].ready.empty()) continue;
      auto [last, fresh] = last_eviction_.try_emplace(name, engine_.Now());
      if (!fresh && engine_.Now() - last->second < zone.Pause()) break;
      if (zone.Pause() == absl::InfiniteDuration()) break;
      last->second = engine_.Now();
      evicting_.insert(node->name);
      // What was written in this very round is newer than what was seen.
      if (const ObjectPtr now = engine_.store().Get(nodes_.type(), "", node->name))
        SyncTaints(now, *engine_.Parsed(now));
    }
  }
}

void NodeLifecycleController::Check(const ObjectPtr& node) {
  const ObjectPtr lease = leases_.Get("kube-node-lease", node->name);
  auto [it, fresh] = beats_.try_emplace(node->name);
  Beat& beat = it->second;
  if (fresh || beat.node != node || beat.lease != lease) {
    const auto content = engine_.Parsed(node);
    const std::string value =
        (lease ? TextAt(*engine_.Parsed(lease), {"spec", "renewTime"}) : "") + "|" +
        TextAt(ConditionOf(At(*content, "status"), "Ready"), "lastHeartbeatTime");
    if (fresh || beat.value != value) beat.seen = engine_.Now();
    beat.node = node;
    beat.lease = lease;
    beat.value = value;
    beat.ready = ReadyOf(*content);
  }
  // Without kubelets nobody renews anything; silence means nothing then.
  if (!engine_.cluster().kubelets_run) return;
  if (engine_.Now() - beat.seen >= kGrace && beat.ready != "Unknown") {
    MarkUnknown(node);
    beat.ready = "Unknown";
  }
}

void NodeLifecycleController::MarkUnknown(const ObjectPtr& node) {
  const bool was_ready = ReadyOf(*engine_.Parsed(node)) == "True";
  auto written = engine_.client().Change(
      nodes_.type(), "", node->name,
      [&](Json& object) {
        for (const char* type : {"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"}) {
          const Json& before = ConditionOf(At(object, "status"), type);
          Json beat = Json::object();
          if (!TextAt(before, "lastHeartbeatTime").empty())
            beat["lastHeartbeatTime"] = TextAt(before, "lastHeartbeatTime");
          const bool never = before.is_null();
          SetCondition(
              object["status"], type, "Unknown",
              never ? "NodeStatusNeverUpdated" : "NodeStatusUnknown",
              never ? "Kubelet never posted node status." : "Kubelet stopped posting node status.",
              engine_.Now(), beat);
        }
        return true;
      },
      node->uid);
  if (!written.ok()) return;
  engine_.events().Record(kSource, Reference(*node), "Normal", "NodeNotReady",
                          fmt::format("Node {} status is now: NodeNotReady", node->name));
  if (was_ready) MarkPods(node->name);
}

void NodeLifecycleController::MarkPods(const std::string& node) {
  for (const PodView* pod : pods_.OnNode(node)) {
    if (!pod->ready) continue;
    (void)engine_.client().Change(
        pods_.informer().type(), pod->object->ns, pod->name(),
        [&](Json& object) {
          for (Json& condition : object["status"]["conditions"]) {
            if (TextAt(condition, "type") != "Ready") continue;
            condition["status"] = "False";
            condition["lastTransitionTime"] = base::Rfc3339(engine_.Now());
          }
          return true;
        },
        pod->object->uid);
    engine_.events().Record(kSource, pods_.informer().type(), *pod->object, "Warning",
                            "NodeNotReady", "Node is not ready");
  }
}

void NodeLifecycleController::SyncTaints(const ObjectPtr& node, const Json& content) {
  std::map<std::pair<std::string, std::string>, bool> wanted;  // key and effect
  const std::string ready = ReadyOf(content);
  const char* silence = ready == "Unknown" ? "node.kubernetes.io/unreachable"
                        : ready == "False" ? "node.kubernetes.io/not-ready"
                                           : nullptr;
  if (silence != nullptr) {
    wanted[{silence, "NoSchedule"}] = true;
    for (const Json& taint : ListAt(content, {"spec", "taints"})) {
      // One that is there when the cluster is taken up stays.
      if (!all_down_ && TextAt(taint, "effect") == "NoExecute" && Marks(TextAt(taint, "key")))
        evicting_.insert(node->name);
    }
    if (evicting_.contains(node->name)) wanted[{silence, "NoExecute"}] = true;
  } else {
    evicting_.erase(node->name);
  }
  for (const auto& [type, key] :
       {std::pair("MemoryPressure", "node.kubernetes.io/memory-pressure"),
        std::pair("DiskPressure", "node.kubernetes.io/disk-pressure"),
        std::pair("PIDPressure", "node.kubernetes.io/pid-pressure"),
        std::pair("NetworkUnavailable", "node.kubernetes.io/network-unavailable")}) {
    if (TextAt(ConditionOf(At(content, "status"), type), "status") == "True")
      wanted[{key, "NoSchedule"}] = true;
  }
  if (BoolAt(content, {"spec", "unschedulable"}))
    wanted[{"node.kubernetes.io/unschedulable", "NoSchedule"}] = true;
  auto apply = [&](Json& object) {
    Json taints = Json::array();
    auto missing = wanted;
    for (const Json& taint : ListAt(object, {"spec", "taints"})) {
      const std::pair<std::string, std::string> key(TextAt(taint, "key"), TextAt(taint, "effect"));
      if (Marks(key.first) && !wanted.contains(key)) continue;
      missing.erase(key);
      taints.push_back(taint);
    }
    for (const auto& [key, yes] : missing)
      taints.push_back({{"key", key.first},
                        {"effect", key.second},
                        {"timeAdded", base::Rfc3339(engine_.Now())}});
    if (taints == ListAt(object, {"spec", "taints"})) return false;
    if (taints.empty())
      object["spec"].erase("taints");
    else
      object["spec"]["taints"] = std::move(taints);
    return true;
  };
  Json probe = {{"spec", At(content, "spec")}};
  if (apply(probe)) (void)engine_.client().Change(nodes_.type(), "", node->name, apply, node->uid);
}

}  // namespace opsmesh::kubesim
