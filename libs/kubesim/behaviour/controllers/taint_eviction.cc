#include "libs/kubesim/behaviour/controllers/taint_eviction.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/behaviour/controllers/node_match.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

const EventSource kEviction{"taint-eviction-controller", ""};

}  // namespace

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
    if (!seen.now) return Cancel(*seen.before);
    if (TextAt(seen.now_json, {"spec", "nodeName"}) !=
        TextAt(seen.before_json, {"spec", "nodeName"}))
      queue_.Add(KeyOf(seen.now->ns, seen.now->name));
  });
}

absl::Time TaintEvictionController::DueAt(const ObjectPtr& pod, const ObjectPtr& node) {
  const auto content = engine_.Parsed(pod);
  absl::Time due = absl::InfiniteFuture();
  const auto node_json = engine_.Parsed(node);
  for (const Json& taint : ListAt(*node_json, {"spec", "taints"})) {
    if (TextAt(taint, "effect") != "NoExecute") continue;
    const Json* tolerance = ToleranceOf(At(*content, {"spec", "tolerations"}), taint);
    if (tolerance == nullptr) {
      due = engine_.Now();
    } else if (At(*tolerance, "tolerationSeconds").is_number()) {
      // Time runs from when the taint was seen, for few taints say when they came.
      const absl::Time since =
          since_.try_emplace(pod->uid, TimeAt(taint, {"timeAdded"}, engine_.Now())).first->second;
      due = std::min(
          due, since + absl::Seconds(std::max<int64_t>(0, IntAt(*tolerance, "tolerationSeconds"))));
    }
  }
  return due;
}

Next TaintEvictionController::SyncPod(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  const ObjectPtr object = pods_.informer().Get(ns, name);
  if (!object) return Next::Done();
  const PodView& pod = pods_.Of(object);
  const ObjectPtr node = pod.node.empty() ? nullptr : nodes_.Get("", pod.node);
  if (!node || pod.deleted) {
    Cancel(*object);
    return Next::Done();
  }
  const absl::Time due = DueAt(object, node);
  if (due == absl::InfiniteFuture()) {
    Cancel(*object);
    return Next::Done();
  }
  if (due > engine_.Now()) return Next::After(due - engine_.Now());
  since_.erase(object->uid);
  Evict(*object);
  return Next::Done();
}

void TaintEvictionController::Evict(const Object& object) {
  (void)engine_.client().Change(
      pods_.informer().type(), object.ns, object.name,
      [&](Json& json) {
        return SetCondition(json["status"], "DisruptionTarget", "True", "DeletionByTaintManager",
                            "Taint manager: deleting due to NoExecute taint", engine_.Now(),
                            Json());
      },
      object.uid);
  engine_.events().Record(kEviction, pods_.informer().type(), object, "Normal",
                          "TaintManagerEviction",
                          fmt::format("Marking for deletion Pod {}/{}", object.ns, object.name));
  (void)engine_.client().Delete(pods_.informer().type(), object.ns, object.name, Json::object(),
                                object.uid);
}

void TaintEvictionController::Cancel(const Object& pod) {
  if (since_.erase(pod.uid) == 0) return;
  engine_.events().Record(kEviction, pods_.informer().type(), pod, "Normal", "TaintManagerEviction",
                          fmt::format("Cancelling deletion of Pod {}/{}", pod.ns, pod.name));
}

}  // namespace opsmesh::kubesim
