// After the sources of Kubernetes 1.32, pkg/controller/deployment (algorithm, texts).
#include "libs/kubesim/behaviour/controllers/deployment.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/behaviour/controllers/deployment_status.h"
#include "libs/kubesim/behaviour/controllers/deployment_sync.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

using deployment::Annotations, deployment::NumberOf, deployment::kDesired;

const EventSource kSource{"deployment-controller", ""};

}  // namespace

DeploymentController::DeploymentController(Engine& engine, Pods& pods)
    : engine_(engine),
      pods_(pods),
      deployments_(engine.InformerOf("apps", "deployments")),
      sets_(engine.InformerOf("apps", "replicasets")),
      sets_by_controller_(sets_.ByController()),
      orphan_sets_(sets_.Orphans()),
      selectors_(deployments_,
                 [](const Json& object) {
                   return LabelSelector::FromObject(At(object, {"spec", "selector"}));
                 }),
      queue_(engine.AddQueue("deployment", [this](const std::string& key) { return Run(key); })) {
  deployments_.OnChange(
      [this](const Seen& seen) { queue_.Add(KeyOf(seen.any().ns, seen.any().name)); });
  sets_.OnChange(
      [this](const Seen& seen) { EnqueueOwners(seen, "Deployment", selectors_, queue_); });
  // Recreate waits until the last old pod is gone.
  pods_.informer().OnChange([this](const Seen& seen) {
    if (seen.now) return;
    const Json& owner = ControllerOf(seen.before_json);
    if (TextAt(owner, "kind") != "ReplicaSet") return;
    const ObjectPtr set = sets_.Get(seen.before->ns, TextAt(owner, "name"));
    if (!set) return;
    const auto content = engine_.Parsed(set);
    const Json& deployment = ControllerOf(*content);
    if (TextAt(deployment, "kind") == "Deployment")
      queue_.Add(KeyOf(set->ns, TextAt(deployment, "name")));
  });
}

void DeploymentController::Say(const Sync& sync, std::string_view type, std::string_view reason,
                               std::string_view message) {
  engine_.events().Record(kSource, deployments_.type(), *sync.object, type, reason, message);
}

bool DeploymentController::Edit(Sync& sync, const Client::Edit& edit) {
  auto written = engine_.client().Change(deployments_.type(), sync.object->ns, sync.object->name,
                                         edit, sync.object->uid);
  if (!written.ok()) return false;
  sync.object = *written;
  sync.json = sync.object->Parse();
  return true;
}

void DeploymentController::LoadSets(Sync& sync) {
  std::vector<ObjectPtr> found;
  const LabelSelector selector = LabelSelector::FromObject(At(sync.json, {"spec", "selector"}));
  for (const ObjectPtr& set : ObjectSet(sets_by_controller_.Find(sync.object->uid))) {
    if (BeingDeleted(sync.json) || selector.Matches(set->labels))
      found.push_back(set);
    else
      Release(sync, *set);
  }
  if (!BeingDeleted(sync.json) && !selector.empty()) {
    for (const ObjectPtr& set : ObjectSet(orphan_sets_.Find(sync.object->ns))) {
      if (!selector.Matches(set->labels)) continue;
      const auto content = engine_.Parsed(set);
      if (!ControllerOf(*content).is_null() || BeingDeleted(*content)) continue;
      auto adopted = engine_.client().Change(
          sets_.type(), set->ns, set->name,
          [&](Json& object) {
            object["metadata"]["ownerReferences"].push_back(
                ControllerReference(deployments_.type(), *sync.object));
            return true;
          },
          set->uid);
      if (adopted.ok()) found.push_back(*adopted);
    }
  }
  for (const ObjectPtr& known : found) {
    // What was written in this very step is newer than what the informer has seen.
    const ObjectPtr set = engine_.store().Get(sets_.type(), known->ns, known->name);
    if (!set || set->uid != known->uid) continue;
    Json json = set->Parse();
    const int64_t wanted = IntAt(json, {"spec", "replicas"}, 1);
    sync.sets.push_back({set, std::move(json), wanted});
  }
  std::stable_sort(sync.sets.begin(), sync.sets.end(), [](const Set& x, const Set& y) {
    const std::string a = TextAt(x.json, {"metadata", "creationTimestamp"}),
                      b = TextAt(y.json, {"metadata", "creationTimestamp"});
    return a != b ? a < b : x.object->name < y.object->name;
  });
  const Json sought = CleanTemplate(At(sync.json, {"spec", "template"}));
  for (int i = 0; i < static_cast<int>(sync.sets.size()) && sync.newest < 0; ++i) {
    if (CleanTemplate(At(sync.sets[static_cast<size_t>(i)].json, {"spec", "template"})) == sought)
      sync.newest = i;
  }
}

// A set whose labels were changed belongs to nobody.
void DeploymentController::Release(const Sync& sync, const Object& set) {
  (void)engine_.client().Change(
      sets_.type(), set.ns, set.name,
      [&](Json& object) {
        Json kept = Json::array();
        for (const Json& owner : ListAt(object, {"metadata", "ownerReferences"})) {
          if (TextAt(owner, "uid") != sync.object->uid) kept.push_back(owner);
        }
        if (kept.empty())
          object["metadata"].erase("ownerReferences");
        else
          object["metadata"]["ownerReferences"] = std::move(kept);
        return true;
      },
      set.uid);
}

Next DeploymentController::Run(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  Sync sync;
  sync.object = deployments_.Get(ns, name);
  if (!sync.object) return Next::Done();
  sync.json = *engine_.Parsed(sync.object);
  sync.replicas = IntAt(sync.json, {"spec", "replicas"}, 1);
  sync.rolling = TextAt(sync.json, {"spec", "strategy", "type"}) != "Recreate";
  if (sync.rolling) {
    sync.surge = ShareOf(At(sync.json, {"spec", "strategy", "rollingUpdate", "maxSurge"}),
                         sync.replicas, true);
    sync.unavailable =
        ShareOf(At(sync.json, {"spec", "strategy", "rollingUpdate", "maxUnavailable"}),
                sync.replicas, false);
    if (sync.surge == 0 && sync.unavailable == 0) sync.unavailable = 1;
    if (sync.replicas > 0) sync.unavailable = std::min(sync.unavailable, sync.replicas);
  }
  LoadSets(sync);
  if (BeingDeleted(sync.json)) return WriteStatus(sync, false);
  if (!CheckPaused(sync)) return Next::Retry();
  const bool paused = BoolAt(sync.json, {"spec", "paused"});
  if (paused || IsScalingEvent(sync)) {
    if (!SyncNewest(sync, false)) return Next::Retry();
    ScaleAll(sync);
    if (paused) CleanUpHistory(sync);
    return WriteStatus(sync, false);
  }
  return sync.rolling ? RollOut(sync) : Recreate(sync);
}

// A paused rollout is not late.
bool DeploymentController::CheckPaused(Sync& sync) {
  if (!HasProgressDeadline(sync.json)) return true;
  const std::string reason = TextAt(ConditionOf(At(sync.json, "status"), "Progressing"), "reason");
  if (reason == "ProgressDeadlineExceeded") return true;
  const bool paused = BoolAt(sync.json, {"spec", "paused"});
  if (paused == (reason == "DeploymentPaused")) return true;
  return Edit(sync, [&](Json& object) {
    SetCondition(object["status"], "Progressing", "Unknown",
                 paused ? "DeploymentPaused" : "DeploymentResumed",
                 paused ? "Deployment is paused" : "Deployment is resumed", engine_.Now(),
                 {{"lastUpdateTime", base::Rfc3339(engine_.Now())}});
    return true;
  });
}

bool DeploymentController::IsScalingEvent(const Sync& sync) const {
  for (const Set& set : sync.sets) {
    if (set.wanted > 0 && NumberOf(Annotations(set.json), kDesired, sync.replicas) != sync.replicas)
      return true;
  }
  return false;
}

Next DeploymentController::WriteStatus(Sync& sync, bool with_progress) {
  Json status = At(sync.json, "status");
  if (!status.is_object()) status = Json::object();
  const Json before = status;
  int64_t actual = 0, ready = 0, available = 0;
  for (const Set& set : sync.sets) {
    actual += set.actual();
    ready += set.ready();
    available += set.available();
  }
  SetCount(status, "observedGeneration", IntAt(sync.json, {"metadata", "generation"}));
  SetCount(status, "replicas", actual);
  SetCount(status, "updatedReplicas", sync.New() != nullptr ? sync.New()->actual() : 0);
  SetCount(status, "readyReplicas", ready);
  SetCount(status, "availableReplicas", available);
  SetCount(status, "unavailableReplicas", std::max<int64_t>(0, sync.TotalWanted() - available));
  const bool enough = available >= sync.replicas - sync.unavailable;
  Json availability = status;
  if (SetCondition(availability, "Available", enough ? "True" : "False",
                   enough ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
                   enough ? "Deployment has minimum availability."
                          : "Deployment does not have minimum availability.",
                   engine_.Now(), {{"lastUpdateTime", base::Rfc3339(engine_.Now())}})) {
    status = std::move(availability);
  }
  if (with_progress) {
    const std::string what = sync.New() != nullptr
                                 ? fmt::format("ReplicaSet \"{}\"", sync.New()->object->name)
                                 : fmt::format("Deployment \"{}\"", sync.object->name);
    UpdateProgress(sync.json, what, before, status, engine_.Now());
    const Json* failure = nullptr;
    for (const Set& set : sync.sets) {
      const Json& one = ConditionOf(At(set.json, "status"), "ReplicaFailure");
      if (TextAt(one, "status") == "True" && (failure == nullptr || sync.New() == &set))
        failure = &one;
    }
    if (failure != nullptr) {
      SetCondition(status, "ReplicaFailure", "True", TextAt(*failure, "reason"),
                   TextAt(*failure, "message"), engine_.Now(),
                   {{"lastUpdateTime", TextAt(*failure, "lastTransitionTime")},
                    {"lastTransitionTime", TextAt(*failure, "lastTransitionTime")}});
    } else {
      RemoveCondition(status, "ReplicaFailure");
    }
  }
  if (status != before && !Edit(sync, [&](Json& object) {
        object["status"] = status;
        return true;
      })) {
    return Next::Retry();
  }
  const absl::Duration wait = UntilDeadline(sync.json, status, engine_.Now());
  return wait == absl::InfiniteDuration() || !with_progress ? Next::Done() : Next::After(wait);
}

}  // namespace opsmesh::kubesim
