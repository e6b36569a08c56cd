#include "libs/kubesim/behaviour/controllers/node_lifecycle.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/behaviour/controllers/node_match.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr absl::Duration kMonitorEvery = absl::Seconds(5);
constexpr absl::Duration kGrace = absl::Seconds(50);  // 40 s before 1.32
constexpr absl::Duration kSweepEvery = absl::Seconds(20);
constexpr absl::Duration kQuarantine = absl::Seconds(40);
constexpr size_t kMostFinished = 12'500;
const EventSource kSource{"node-controller", ""};
const EventSource kEviction{"taint-eviction-controller", ""};

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
      engine_.events().Record(kSource, Reference(*seen.before), "Normal", "RemovingNode",
                              fmt::format("Node {} event: Removing Node {} from Controller",
                                          seen.before->name, seen.before->name));
      return;
    }
    SyncTaints(seen.now, seen.now_json);
  });
}

void NodeLifecycleController::Start() {
  for (const ObjectPtr& node : nodes_.List()) registered_.insert(node->name);
  engine_.After(
      kMonitorEvery, [this] { Monitor(); }, true);
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
  engine_.After(
      kMonitorEvery, [this] { Monitor(); }, true);
}

void NodeLifecycleController::Check(const ObjectPtr& node) {
  // Without kubelets nobody renews anything; silence means nothing then.
  if (!engine_.cluster().kubelets_run) return;
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
    beat.unknown = ReadyOf(*content) == "Unknown";
  }
  if (engine_.Now() - beat.seen >= kGrace && !beat.unknown) MarkUnknown(node);
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
  if (silence != nullptr) wanted[{silence, "NoSchedule"}] = wanted[{silence, "NoExecute"}] = true;
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

TaintEvictionController::TaintEvictionController(Engine& engine, Pods& pods)
    : engine_(engine),
      pods_(pods),
      nodes_(engine.InformerOf("", "nodes")),
      queue_(engine.AddQueue("taint-eviction",
                             [this](const std::string& key) { return SyncPod(key); })) {
  nodes_.OnChange([this](const Seen& seen) {
    if (!seen.now ||
        At(seen.before_json, {"spec", "taints"}) == At(seen.now_json, {"spec", "taints"}))
      return;
    for (const PodView* pod : pods_.OnNode(seen.now->name))
      queue_.Add(KeyOf(pod->object->ns, pod->name()));
  });
  pods_.informer().OnChange([this](const Seen& seen) {
    if (seen.now && TextAt(seen.now_json, {"spec", "nodeName"}) !=
                        TextAt(seen.before_json, {"spec", "nodeName"}))
      queue_.Add(KeyOf(seen.now->ns, seen.now->name));
  });
}

Next TaintEvictionController::SyncPod(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  const ObjectPtr object = pods_.informer().Get(ns, name);
  if (!object) return Next::Done();
  const PodView& pod = pods_.Of(object);
  const ObjectPtr node = pod.node.empty() ? nullptr : nodes_.Get("", pod.node);
  if (!node || pod.deleted) return Next::Done();
  const auto content = engine_.Parsed(object);
  absl::Time due = absl::InfiniteFuture();
  const auto node_json = engine_.Parsed(node);
  for (const Json& taint : ListAt(*node_json, {"spec", "taints"})) {
    if (TextAt(taint, "effect") != "NoExecute") continue;
    const Json* tolerance = ToleranceOf(At(*content, {"spec", "tolerations"}), taint);
    if (tolerance == nullptr) {
      due = engine_.Now();
    } else if (At(*tolerance, "tolerationSeconds").is_number()) {
      due = std::min(
          due, TimeAt(taint, {"timeAdded"}, engine_.Now()) +
                   absl::Seconds(std::max<int64_t>(0, IntAt(*tolerance, "tolerationSeconds"))));
    }
  }
  if (due == absl::InfiniteFuture()) return Next::Done();
  if (due > engine_.Now()) return Next::After(due - engine_.Now());
  (void)engine_.client().Change(
      pods_.informer().type(), ns, name,
      [&](Json& json) {
        return SetCondition(json["status"], "DisruptionTarget", "True", "DeletionByTaintManager",
                            "Taint manager: deleting due to NoExecute taint", engine_.Now(),
                            Json());
      },
      object->uid);
  engine_.events().Record(kEviction, pods_.informer().type(), *object, "Normal",
                          "TaintManagerEviction",
                          fmt::format("Marking for deletion Pod {}/{}", ns, name));
  (void)engine_.client().Delete(pods_.informer().type(), ns, name, Json::object(), object->uid);
  return Next::Done();
}

PodCollector::PodCollector(Engine& engine, Pods& pods)
    : engine_(engine), pods_(pods), nodes_(engine.InformerOf("", "nodes")) {
  pods_.informer().OnChange([this](const Seen& seen) {
    if (seen.before) {
      finished_.erase(seen.before);
      unplaced_.erase(seen.before);
    }
    if (!seen.now) return;
    const PodView& pod = pods_.Of(seen.now);
    if (pod.finished()) finished_.insert(seen.now);
    if (pod.deleted && pod.node.empty()) unplaced_.insert(seen.now);
  });
}

void PodCollector::Start() {
  engine_.After(
      kSweepEvery, [this] { Sweep(); }, true);
}

void PodCollector::Sweep() {
  std::set<std::string> absent;
  std::vector<ObjectPtr> stranded;
  const ResourceType& type = pods_.informer().type();
  for (const ObjectPtr& pod : ObjectSet(unplaced_))
    (void)engine_.client().Remove(type, pod->ns, pod->name, pod->uid);
  for (const std::string& node : pods_.Nodes()) {
    if (nodes_.Get("", node)) continue;
    absent.insert(node);
    const absl::Time since = missing_.try_emplace(node, engine_.Now()).first->second;
    if (engine_.Now() - since < kQuarantine) continue;
    for (const PodView* pod : pods_.OnNode(node)) stranded.push_back(pod->object);
  }
  std::erase_if(missing_, [&](const auto& one) { return !absent.contains(one.first); });
  for (const ObjectPtr& object : stranded) {
    if (!pods_.Of(object).finished()) {
      (void)engine_.client().Change(
          type, object->ns, object->name,
          [&](Json& pod) {
            pod["status"]["phase"] = "Failed";
            SetCondition(pod["status"], "DisruptionTarget", "True", "DeletionByPodGC",
                         "PodGC: node no longer exists", engine_.Now(), Json());
            return true;
          },
          object->uid);
    }
    (void)engine_.client().Remove(type, object->ns, object->name, object->uid);
  }
  if (finished_.size() > kMostFinished) {
    std::vector<std::pair<absl::Time, ObjectPtr>> finished;
    for (const ObjectPtr& pod : finished_) finished.emplace_back(pods_.Of(pod).created, pod);
    std::stable_sort(finished.begin(), finished.end(),
                     [](const auto& x, const auto& y) { return x.first < y.first; });
    for (size_t i = 0; i + kMostFinished < finished.size(); ++i)
      (void)engine_.client().Remove(type, finished[i].second->ns, finished[i].second->name,
                                    finished[i].second->uid);
  }
  engine_.After(
      kSweepEvery, [this] { Sweep(); }, true);
}

}  // namespace opsmesh::kubesim
