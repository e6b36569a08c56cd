// After pkg/controller/daemon of Kubernetes 1.32.
#include "libs/kubesim/behaviour/controllers/daemonset.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/kubesim/behaviour/controllers/node_match.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

const EventSource kSource{"daemonset-controller", ""};
constexpr const char* kGeneration = "deprecated.daemonset.template.generation";

// The node a pod stands on or is meant for.
std::string TargetOf(const PodView& view, const Json& pod) {
  if (!view.node.empty()) return view.node;
  for (const Json& term :
       ListAt(pod, {"spec", "affinity", "nodeAffinity",
                    "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"})) {
    for (const Json& field : ListAt(term, {"matchFields"})) {
      const Json& values = ListAt(field, {"values"});
      if (TextAt(field, "key") == "metadata.name" && values.size() == 1) return Scalar(values[0]);
    }
  }
  return "";
}

void AddTolerations(Json& spec) {
  Json& tolerations = spec["tolerations"];
  if (!tolerations.is_array()) tolerations = Json::array();
  auto add = [&](const char* key, const char* effect) {
    const Json one = {{"key", key}, {"operator", "Exists"}, {"effect", effect}};
    if (std::find(tolerations.begin(), tolerations.end(), one) == tolerations.end())
      tolerations.push_back(one);
  };
  add("node.kubernetes.io/not-ready", "NoExecute");
  add("node.kubernetes.io/unreachable", "NoExecute");
  add("node.kubernetes.io/disk-pressure", "NoSchedule");
  add("node.kubernetes.io/memory-pressure", "NoSchedule");
  add("node.kubernetes.io/pid-pressure", "NoSchedule");
  add("node.kubernetes.io/unschedulable", "NoSchedule");
  if (BoolAt(spec, {"hostNetwork"})) add("node.kubernetes.io/network-unavailable", "NoSchedule");
}

}  // namespace

struct DaemonSetController::Sync {
  struct OnNode {
    bool should_run = false;
    bool may_stay = false;
    bool exists = false;  // as a Node
    std::vector<const PodView*> pods;
  };
  ObjectPtr object;
  Json json;
  Revision update;
  absl::Duration min_ready;
  std::map<std::string, OnNode> nodes;
  bool failed = false;
  bool waits_for_age = false;
  std::string failure;

  bool Updated(const PodView& pod) const {
    for (const auto& [key, value] : pod.object->labels) {
      if (key == "controller-revision-hash") return value == update.hash;
    }
    return false;
  }
  int64_t Desired() const {
    return std::count_if(nodes.begin(), nodes.end(),
                         [](const auto& one) { return one.second.should_run; });
  }
};

DaemonSetController::DaemonSetController(Engine& engine, Pods& pods)
    : engine_(engine),
      pods_(pods),
      sets_(engine.InformerOf("apps", "daemonsets")),
      nodes_(engine.InformerOf("", "nodes")),
      history_(engine, sets_.type(), "controller-revision-hash", false),
      selectors_(sets_,
                 [](const Json& set) {
                   return LabelSelector::FromObject(At(set, {"spec", "selector"}));
                 }),
      queue_(engine.AddQueue("daemonset", [this](const std::string& key) { return Run(key); })) {
  sets_.OnChange([this](const Seen& seen) { queue_.Add(KeyOf(seen.any().ns, seen.any().name)); });
  nodes_.OnChange([this](const Seen& seen) {
    if (seen.before && seen.now && seen.before->labels == seen.now->labels &&
        At(seen.before_json, "spec") == At(seen.now_json, "spec"))
      return;
    for (const ObjectPtr& set : sets_.List()) queue_.Add(KeyOf(set->ns, set->name));
  });
  pods_.informer().OnChange(
      [this](const Seen& seen) { EnqueueOwners(seen, "DaemonSet", selectors_, queue_); });
}

Next DaemonSetController::Run(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  Sync sync;
  sync.object = sets_.Get(ns, name);
  if (!sync.object) return Next::Done();
  sync.json = *engine_.Parsed(sync.object);
  if (BeingDeleted(sync.json)) return Next::Done();
  sync.min_ready = absl::Seconds(IntAt(sync.json, {"spec", "minReadySeconds"}));
  const std::vector<Revision> known = history_.List(*sync.object, sync.json);
  sync.update = history_.Current(*sync.object, sync.json, known);
  if (!sync.update.object) return Next::Retry();

  Json spec = At(sync.json, {"spec", "template", "spec"});
  AddTolerations(spec);
  const std::string fixed = TextAt(spec, "nodeName");
  for (const ObjectPtr& node : nodes_.List()) {
    Sync::OnNode& place = sync.nodes[node->name];
    place.exists = true;
    if ((!fixed.empty() && fixed != node->name) || !SelectsNode(spec, *node)) continue;
    const auto json = engine_.Parsed(node);
    place.may_stay = ToleratesAll(At(spec, "tolerations"), *json, "NoExecute");
    place.should_run = place.may_stay && ToleratesAll(At(spec, "tolerations"), *json, "NoSchedule");
  }
  for (const PodView* pod : ClaimPods(engine_, pods_, sets_.type(), *sync.object, sync.json)) {
    sync.nodes[TargetOf(*pod, *engine_.Parsed(pod->object))].pods.push_back(pod);
  }
  Place(sync);
  if (TextAt(sync.json, {"spec", "updateStrategy", "type"}) != "OnDelete") Roll(sync);
  const bool written = WriteStatus(sync);
  std::vector<std::string> live = {sync.update.object->name};
  for (const auto& [node, place] : sync.nodes) {
    for (const PodView* pod : place.pods) {
      for (const auto& [label, value] : pod->object->labels) {
        if (label == "controller-revision-hash") live.push_back(value);
      }
    }
  }
  history_.Trim(*sync.object, IntAt(sync.json, {"spec", "revisionHistoryLimit"}, 10), live);
  if (sync.failed || !written) return Next::Retry();
  return sync.waits_for_age ? Next::After(std::max(absl::Seconds(1), sync.min_ready))
                            : Next::Done();
}

void DaemonSetController::Place(Sync& sync) {
  const int64_t surge = ShareOf(
      At(sync.json, {"spec", "updateStrategy", "rollingUpdate", "maxSurge"}), sync.Desired(), true);
  for (auto& [node, place] : sync.nodes) {
    if (place.should_run && place.pods.empty()) {
      MakePod(sync, node);
      continue;
    }
    if (!place.may_stay) {
      // A pod whose node is gone is the pod collector's matter, but for those that were never
      // placed.
      for (const PodView* pod : place.pods) {
        if (!pod->deleted && (place.exists || pod->node.empty())) DeletePod(sync, *pod);
      }
      continue;
    }
    std::vector<const PodView*> running;
    for (const PodView* pod : place.pods) {
      if (pod->deleted) continue;
      if (pod->finished()) {
        const bool failed = pod->phase == "Failed";
        engine_.events().Record(
            kSource, sets_.type(), *sync.object, failed ? "Warning" : "Normal",
            failed ? "FailedDaemonPod" : "SucceededDaemonPod",
            fmt::format("Found {} daemon pod {}/{} on node {}, will try to {} it",
                        failed ? "failed" : "succeeded", sync.object->ns, pod->name(), node,
                        failed ? "kill" : "delete"));
        DeletePod(sync, *pod);
        continue;
      }
      running.push_back(pod);
    }
    // One pod a node (an old and a new one while surging): the oldest stays.
    std::stable_sort(running.begin(), running.end(),
                     [](const PodView* x, const PodView* y) { return x->created < y->created; });
    const bool mixed =
        surge > 0 && std::any_of(running.begin(), running.end(),
                                 [&](const PodView* pod) { return !sync.Updated(*pod); });
    for (size_t i = mixed ? 2 : 1; i < running.size(); ++i) DeletePod(sync, *running[i]);
  }
}

void DaemonSetController::Roll(Sync& sync) {
  const Json& rolling = At(sync.json, {"spec", "updateStrategy", "rollingUpdate"});
  const int64_t desired = sync.Desired();
  const int64_t surge = ShareOf(At(rolling, "maxSurge"), desired, true);
  int64_t most = At(rolling, "maxUnavailable").is_null()
                     ? 1
                     : ShareOf(At(rolling, "maxUnavailable"), desired, true);
  if (most == 0 && surge == 0) most = 1;
  int64_t unavailable = 0, surging = 0;
  std::vector<const PodView*> lame, sound;  // old pods that serve nobody, and those that do
  std::vector<std::string> to_surge;
  for (const auto& [node, place] : sync.nodes) {
    if (!place.should_run) continue;
    const PodView *fresh = nullptr, *old = nullptr;
    for (const PodView* pod : place.pods) {
      if (pod->finished()) continue;
      if (sync.Updated(*pod)) {
        if (!pod->deleted) fresh = pod;
      } else {
        old = pod;
      }
    }
    const bool fresh_serves = fresh != nullptr && fresh->Available(sync.min_ready, engine_.Now());
    const bool old_serves =
        old != nullptr && !old->deleted && old->Available(sync.min_ready, engine_.Now());
    if (fresh != nullptr && fresh->ready && !fresh_serves) sync.waits_for_age = true;
    if (surge > 0 && old != nullptr) {
      if (fresh == nullptr) {
        if (!old_serves && !old->deleted)
          lame.push_back(old);
        else if (!old->deleted)
          to_surge.push_back(node);
      } else {
        ++surging;
        if (fresh_serves && !old->deleted) lame.push_back(old);
      }
      continue;
    }
    if (!fresh_serves && !old_serves) ++unavailable;
    if (fresh != nullptr || old == nullptr || old->deleted) continue;
    (old_serves ? sound : lame).push_back(old);
  }
  for (const PodView* pod : lame) DeletePod(sync, *pod);
  for (const PodView* pod : sound) {
    if (unavailable >= most) break;
    ++unavailable;
    DeletePod(sync, *pod);
  }
  for (const std::string& node : to_surge) {
    if (surging++ >= surge) break;
    MakePod(sync, node);
  }
}

void DaemonSetController::MakePod(Sync& sync, const std::string& node) {
  Json pod =
      PodFromTemplate(At(sync.json, {"spec", "template"}), sync.object->ns,
                      ControllerReference(sets_.type(), *sync.object), sync.object->name + "-");
  pod["metadata"]["labels"]["controller-revision-hash"] = sync.update.hash;
  const std::string generation = TextAt(At(sync.json, {"metadata", "annotations"}), kGeneration);
  pod["metadata"]["labels"]["pod-template-generation"] =
      generation.empty() ? std::to_string(IntAt(sync.json, {"metadata", "generation"}, 1))
                         : generation;
  AddTolerations(pod["spec"]);
  Json& required =
      pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
  const Json here = Json::array(
      {{{"key", "metadata.name"}, {"operator", "In"}, {"values", Json::array({node})}}});
  // Takes the place of what the template requires: the node was chosen by it.
  required["nodeSelectorTerms"] = Json::array({{{"matchFields", here}}});
  auto made = engine_.client().Create(engine_.Type("", "pods"), std::move(pod));
  if (made.ok()) {
    engine_.events().Record(kSource, sets_.type(), *sync.object, "Normal", "SuccessfulCreate",
                            "Created pod: " + (*made)->name);
    return;
  }
  if (!made.status().causes.empty() && made.status().causes[0].reason == "NamespaceTerminating")
    return;
  engine_.events().Record(kSource, sets_.type(), *sync.object, "Warning", "FailedCreate",
                          "Error creating: " + made.status().message);
  sync.failed = true;
}

void DaemonSetController::DeletePod(Sync& sync, const PodView& pod) {
  auto refused = engine_.client().Delete(engine_.Type("", "pods"), sync.object->ns, pod.name(),
                                         Json::object(), pod.object->uid);
  if (!refused) {
    engine_.events().Record(kSource, sets_.type(), *sync.object, "Normal", "SuccessfulDelete",
                            "Deleted pod: " + pod.name());
  } else if (refused->code != 404) {
    sync.failed = true;
  }
}

bool DaemonSetController::WriteStatus(Sync& sync) {
  int64_t desired = 0, scheduled = 0, stray = 0, ready = 0, updated = 0, available = 0;
  for (const auto& [node, place] : sync.nodes) {
    const PodView* pod = nullptr;  // the oldest counts
    for (const PodView* one : place.pods) {
      if (pod == nullptr || one->created < pod->created) pod = one;
    }
    if (!place.should_run) {
      stray += pod != nullptr && place.exists;
      continue;
    }
    ++desired;
    if (pod == nullptr) continue;
    ++scheduled;
    for (const PodView* one : place.pods) {
      if (!one->deleted || place.pods.size() == 1) pod = one;
    }
    updated += sync.Updated(*pod);
    if (!pod->ready) continue;
    ++ready;
    if (pod->Available(sync.min_ready, engine_.Now()))
      ++available;
    else
      sync.waits_for_age = true;
  }
  auto written = engine_.client().Change(
      sets_.type(), sync.object->ns, sync.object->name,
      [&](Json& object) {
        Json& status = object["status"];
        if (!status.is_object()) status = Json::object();
        const Json before = status;
        SetCount(status, "observedGeneration", IntAt(sync.json, {"metadata", "generation"}));
        status["desiredNumberScheduled"] = desired;
        status["currentNumberScheduled"] = scheduled;
        status["numberMisscheduled"] = stray;
        status["numberReady"] = ready;
        SetCount(status, "updatedNumberScheduled", updated);
        SetCount(status, "numberAvailable", available);
        SetCount(status, "numberUnavailable", desired - available);
        return status != before;
      },
      sync.object->uid);
  return written.ok() || written.status().code == 404;
}

}  // namespace opsmesh::kubesim
