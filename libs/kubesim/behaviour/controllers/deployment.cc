// After the sources of Kubernetes 1.32, pkg/controller/deployment (algorithm, texts).
#include "libs/kubesim/behaviour/controllers/deployment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "libs/kubesim/behaviour/controllers/deployment_status.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kRevision = "deployment.kubernetes.io/revision";
constexpr const char* kHistory = "deployment.kubernetes.io/revision-history";
constexpr const char* kDesired = "deployment.kubernetes.io/desired-replicas";
constexpr const char* kMax = "deployment.kubernetes.io/max-replicas";
constexpr const char* kHash = "pod-template-hash";
const EventSource kSource{"deployment-controller", ""};

const Json& Annotations(const Json& object) { return At(object, {"metadata", "annotations"}); }

int64_t NumberOf(const Json& annotations, const char* name, int64_t otherwise) {
  const std::string text = TextAt(annotations, name);
  int64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// A set carries the annotations of its deployment, but for those that belong to either alone.
bool CopyAnnotations(const Json& deployment, Json& set) {
  static const auto* skipped =
      new std::set<std::string>{"kubectl.kubernetes.io/last-applied-configuration",
                                kRevision,
                                kHistory,
                                kDesired,
                                kMax,
                                "deprecated.deployment.rollback.to"};
  bool changed = false;
  const Json& annotations = Annotations(deployment);
  if (!annotations.is_object()) return false;
  for (const auto& [key, value] : annotations.items()) {
    if (skipped->contains(key) || At(Annotations(set), key.c_str()) == value) continue;
    set["metadata"]["annotations"][key] = value;
    changed = true;
  }
  return changed;
}

bool SetRevision(Json& set, int64_t revision) {
  const std::string old = TextAt(Annotations(set), kRevision);
  if (!old.empty() && NumberOf(Annotations(set), kRevision, 0) >= revision) return false;
  if (!old.empty()) {
    const std::string history = TextAt(Annotations(set), kHistory);
    set["metadata"]["annotations"][kHistory] = history.empty() ? old : history + "," + old;
  }
  set["metadata"]["annotations"][kRevision] = std::to_string(revision);
  return true;
}

void SetSizes(Json& set, int64_t desired, int64_t most) {
  set["metadata"]["annotations"][kDesired] = std::to_string(desired);
  set["metadata"]["annotations"][kMax] = std::to_string(most);
}

}  // namespace

struct DeploymentController::Set {
  ObjectPtr object;
  Json json;
  int64_t wanted = 0;      // spec.replicas
  int64_t actual() const;  // status.replicas
  int64_t ready() const;
  int64_t available() const;
};
struct DeploymentController::Sync {
  ObjectPtr object;
  Json json;
  int64_t replicas = 0;
  int64_t surge = 0;
  int64_t unavailable = 0;
  bool rolling = true;
  std::vector<Set> sets;  // by creation
  int newest = -1;        // index of the set with the present template
  std::vector<int> Old() const;
  Set* New() { return newest < 0 ? nullptr : &sets[static_cast<size_t>(newest)]; }
  int64_t TotalWanted() const;
};

int64_t DeploymentController::Set::actual() const { return IntAt(json, {"status", "replicas"}); }
int64_t DeploymentController::Set::ready() const {
  return IntAt(json, {"status", "readyReplicas"});
}
int64_t DeploymentController::Set::available() const {
  return IntAt(json, {"status", "availableReplicas"});
}

std::vector<int> DeploymentController::Sync::Old() const {
  std::vector<int> old;
  for (int i = 0; i < static_cast<int>(sets.size()); ++i) {
    if (i != newest) old.push_back(i);
  }
  return old;
}

int64_t DeploymentController::Sync::TotalWanted() const {
  int64_t total = 0;
  for (const Set& set : sets) total += set.wanted;
  return total;
}

DeploymentController::DeploymentController(Engine& engine, Pods& pods)
    : engine_(engine),
      pods_(pods),
      deployments_(engine.InformerOf("apps", "deployments")),
      sets_(engine.InformerOf("apps", "replicasets")),
      sets_by_controller_(sets_.ByController()),
      selectors_(deployments_,
                 [](const Json& object) {
                   return LabelSelector::FromObject(At(object, {"spec", "selector"}));
                 }),
      queue_(engine.AddQueue("deployment", [this](const std::string& key) { return Run(key); })) {
  deployments_.OnChange(
      [this](const Seen& seen) { queue_.Add(KeyOf(seen.any().ns, seen.any().name)); });
  sets_.OnChange([this](const Seen& seen) {
    const Json& owner = ControllerOf(seen.any_json());
    if (TextAt(owner, "kind") == "Deployment")
      queue_.Add(KeyOf(seen.any().ns, TextAt(owner, "name")));
    if (!owner.is_null() || !seen.now) return;
    for (const std::string& name : selectors_.Matching(seen.now->ns, seen.now->labels))
      queue_.Add(KeyOf(seen.now->ns, name));
  });
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
  for (const ObjectPtr& set : sets_by_controller_.Find(sync.object->uid)) found.push_back(set);
  const LabelSelector selector = LabelSelector::FromObject(At(sync.json, {"spec", "selector"}));
  if (!BeingDeleted(sync.json) && !selector.empty()) {
    for (const ObjectPtr& set : sets_.List(sync.object->ns)) {
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

bool DeploymentController::SyncNewest(Sync& sync, bool create) {
  int64_t revision = 0;
  for (int i : sync.Old())
    revision = std::max(
        revision, NumberOf(Annotations(sync.sets[static_cast<size_t>(i)].json), kRevision, 0));
  ++revision;
  Set* newest = sync.New();
  if (newest == nullptr) return !create || CreateNewest(sync, revision);
  const int64_t min_ready = IntAt(sync.json, {"spec", "minReadySeconds"});
  auto written = engine_.client().Change(
      sets_.type(), newest->object->ns, newest->object->name,
      [&](Json& set) {
        bool changed = CopyAnnotations(sync.json, set);
        changed |= SetRevision(set, revision);
        if (IntAt(set, {"spec", "minReadySeconds"}) != min_ready) {
          SetCount(set["spec"], "minReadySeconds", min_ready);
          changed = true;
        }
        return changed;
      },
      newest->object->uid);
  if (!written.ok()) return false;
  newest->object = *written;
  newest->json = newest->object->Parse();
  const std::string shown = TextAt(Annotations(newest->json), kRevision);
  return Edit(sync, [&](Json& object) {
    bool changed = false;
    if (TextAt(Annotations(object), kRevision) != shown) {
      object["metadata"]["annotations"][kRevision] = shown;
      changed = true;
    }
    if (HasProgressDeadline(object) && ConditionOf(At(object, "status"), "Progressing").is_null()) {
      SetCondition(object["status"], "Progressing", "True", "FoundNewReplicaSet",
                   fmt::format("Found new replica set \"{}\"", newest->object->name), engine_.Now(),
                   {{"lastUpdateTime", base::Rfc3339(engine_.Now())}});
      changed = true;
    }
    return changed;
  });
}

bool DeploymentController::CreateNewest(Sync& sync, int64_t revision) {
  Json pod_template = At(sync.json, {"spec", "template"});
  const int64_t collisions = IntAt(sync.json, {"status", "collisionCount"});
  Json hashed = pod_template;
  if (collisions > 0) hashed["collision"] = collisions;
  const std::string hash = TemplateHash(hashed);
  const std::string name = sync.object->name + "-" + hash;
  pod_template["metadata"]["labels"][kHash] = hash;
  int64_t size = sync.replicas;
  if (sync.rolling)
    size = std::clamp<int64_t>(sync.replicas + sync.surge - sync.TotalWanted(), 0, sync.replicas);
  Json set = {{"metadata",
               {{"name", name},
                {"namespace", sync.object->ns},
                {"labels", pod_template["metadata"]["labels"]},
                {"ownerReferences",
                 Json::array({ControllerReference(deployments_.type(), *sync.object)})}}},
              {"spec",
               {{"replicas", size},
                {"selector", At(sync.json, {"spec", "selector"})},
                {"template", pod_template}}}};
  set["spec"]["selector"]["matchLabels"][kHash] = hash;
  SetCount(set["spec"], "minReadySeconds", IntAt(sync.json, {"spec", "minReadySeconds"}));
  CopyAnnotations(sync.json, set);
  SetRevision(set, revision);
  SetSizes(set, sync.replicas, sync.replicas + sync.surge);
  auto made = engine_.client().Create(sets_.type(), set);
  if (!made.ok() && made.status().reason == "AlreadyExists") {
    // Another template with the same hash: the count goes into the next one.
    (void)Edit(sync, [&](Json& object) {
      object["status"]["collisionCount"] = collisions + 1;
      return true;
    });
    return false;
  }
  const Json stamp = {{"lastUpdateTime", base::Rfc3339(engine_.Now())}};
  if (!made.ok()) {
    if (!made.status().causes.empty() && made.status().causes[0].reason == "NamespaceTerminating")
      return true;
    const std::string message =
        fmt::format("Failed to create new replica set \"{}\": {}", name, made.status().message);
    (void)Edit(sync, [&](Json& object) {
      return HasProgressDeadline(object) &&
             SetCondition(object["status"], "Progressing", "False", "ReplicaSetCreateError",
                          message, engine_.Now(), stamp);
    });
    Say(sync, "Warning", "ReplicaSetCreateError", message);
    return false;
  }
  sync.sets.push_back({*made, (*made)->Parse(), size});
  sync.newest = static_cast<int>(sync.sets.size()) - 1;
  if (size > 0)
    Say(sync, "Normal", "ScalingReplicaSet",
        fmt::format("Scaled up replica set {} from 0 to {}", name, size));
  return Edit(sync, [&](Json& object) {
    object["metadata"]["annotations"][kRevision] = std::to_string(revision);
    if (HasProgressDeadline(object)) {
      SetCondition(object["status"], "Progressing", "True", "NewReplicaSetCreated",
                   fmt::format("Created new replica set \"{}\"", name), engine_.Now(), stamp);
    }
    return true;
  });
}

bool DeploymentController::Scale(Sync& sync, Set& set, int64_t replicas) {
  const int64_t most = sync.replicas + sync.surge;
  const bool resized = set.wanted != replicas;
  auto written = engine_.client().Change(
      sets_.type(), set.object->ns, set.object->name,
      [&](Json& object) {
        const Json before = object["metadata"];
        SetSizes(object, sync.replicas, most);
        if (!resized) return object["metadata"] != before;
        object["spec"]["replicas"] = replicas;
        return true;
      },
      set.object->uid);
  if (!written.ok()) return false;
  if (resized) {
    Say(sync, "Normal", "ScalingReplicaSet",
        fmt::format("Scaled {} replica set {} from {} to {}", replicas > set.wanted ? "up" : "down",
                    set.object->name, set.wanted, replicas));
  }
  set.object = *written;
  set.json = set.object->Parse();
  set.wanted = replicas;
  return resized;
}

void DeploymentController::ScaleAll(Sync& sync) {
  std::vector<Set*> active;
  for (Set& set : sync.sets) {
    if (set.wanted > 0) active.push_back(&set);
  }
  if (active.size() <= 1) {
    Set* only = !active.empty()         ? active[0]
                : sync.New() != nullptr ? sync.New()
                : sync.sets.empty()     ? nullptr
                                        : &sync.sets.back();
    if (only != nullptr) Scale(sync, *only, sync.replicas);
    return;
  }
  const Set* newest = sync.New();
  if (newest != nullptr && newest->wanted == sync.replicas &&
      newest->available() == sync.replicas &&
      NumberOf(Annotations(newest->json), kDesired, -1) == sync.replicas) {
    for (int i : sync.Old()) {
      if (sync.sets[static_cast<size_t>(i)].wanted > 0)
        Scale(sync, sync.sets[static_cast<size_t>(i)], 0);
    }
    return;
  }
  if (sync.rolling) ScaleProportionally(sync);
}

// A scaling in the middle of a rollout is shared among the sets by their sizes.
void DeploymentController::ScaleProportionally(Sync& sync) {
  std::vector<Set*> active;
  int64_t total = 0;
  for (Set& set : sync.sets) {
    if (set.wanted == 0) continue;
    active.push_back(&set);
    total += set.wanted;
  }
  const int64_t allowed = sync.replicas > 0 ? sync.replicas + sync.surge : 0;
  const int64_t to_add = allowed - total;
  // Biggest first; among equals the newer when growing, the older when shrinking.
  if (to_add > 0) std::reverse(active.begin(), active.end());
  std::stable_sort(active.begin(), active.end(),
                   [](const Set* x, const Set* y) { return x->wanted > y->wanted; });
  std::vector<int64_t> sizes;
  int64_t added = 0;
  for (const Set* set : active) {
    int64_t share = 0;
    if (to_add != 0 && to_add != added) {
      const double most = static_cast<double>(sync.replicas + sync.surge);
      const double annotated = static_cast<double>(std::max<int64_t>(
          1, NumberOf(Annotations(set->json), kMax, IntAt(sync.json, {"status", "replicas"}, 1))));
      const int64_t fraction = sync.replicas == 0
                                   ? -set->wanted
                                   : static_cast<int64_t>(std::llround(
                                         static_cast<double>(set->wanted) * most / annotated)) -
                                         set->wanted;
      share = to_add > 0 ? std::min(fraction, to_add - added) : std::max(fraction, to_add - added);
    }
    sizes.push_back(set->wanted + share);
    added += share;
  }
  for (size_t i = 0; i < active.size(); ++i) {
    if (i == 0 && to_add != 0) sizes[0] = std::max<int64_t>(0, sizes[0] + to_add - added);
    Scale(sync, *active[i], sizes[i]);
  }
}

bool DeploymentController::ScaleUpNewest(Sync& sync) {
  Set& set = *sync.New();
  if (set.wanted == sync.replicas) return false;
  if (set.wanted > sync.replicas) return Scale(sync, set, sync.replicas);
  int64_t size = sync.replicas;
  if (sync.rolling) {
    const int64_t room = sync.replicas + sync.surge - sync.TotalWanted();
    size = room <= 0 ? set.wanted : set.wanted + std::min(room, sync.replicas - set.wanted);
  }
  return Scale(sync, set, size);
}

int64_t DeploymentController::CleanUpUnhealthy(Sync& sync, int64_t most) {
  int64_t removed = 0;
  for (int i : sync.Old()) {
    Set& set = sync.sets[static_cast<size_t>(i)];
    if (removed >= most) break;
    if (set.wanted == 0 || set.wanted == set.available()) continue;
    const int64_t count = std::min(most - removed, set.wanted - set.available());
    if (count <= 0) continue;
    Scale(sync, set, set.wanted - count);
    removed += count;
  }
  return removed;
}

bool DeploymentController::ScaleDownOld(Sync& sync) {
  int64_t old_pods = 0, available = 0;
  for (int i : sync.Old()) old_pods += sync.sets[static_cast<size_t>(i)].wanted;
  if (old_pods == 0) return false;
  const Set& newest = *sync.New();
  const int64_t least = sync.replicas - sync.unavailable;
  const int64_t most = sync.TotalWanted() - least - (newest.wanted - newest.available());
  if (most <= 0) return false;
  int64_t removed = CleanUpUnhealthy(sync, most);
  for (const Set& set : sync.sets) available += set.available();
  const int64_t surplus = available - least;
  int64_t taken = 0;
  for (int i : sync.Old()) {
    Set& set = sync.sets[static_cast<size_t>(i)];
    if (taken >= surplus) break;
    const int64_t count = std::min(set.wanted, surplus - taken);
    if (count <= 0) continue;
    Scale(sync, set, set.wanted - count);
    taken += count;
  }
  return removed + taken > 0;
}

Next DeploymentController::RollOut(Sync& sync) {
  if (!SyncNewest(sync, true)) return Next::Retry();
  if (sync.New() == nullptr) return Next::Done();
  if (ScaleUpNewest(sync) || ScaleDownOld(sync)) return WriteStatus(sync, true);
  if (IsComplete(sync.json, At(sync.json, "status"))) CleanUpHistory(sync);
  return WriteStatus(sync, true);
}

Next DeploymentController::Recreate(Sync& sync) {
  if (!SyncNewest(sync, false)) return Next::Retry();
  bool scaled = false, running = false;
  for (int i : sync.Old()) {
    Set& set = sync.sets[static_cast<size_t>(i)];
    if (set.wanted > 0) scaled |= Scale(sync, set, 0);
    running |= set.actual() > 0;
    for (const PodView* pod : pods_.ControlledBy(set.object->uid)) running |= !pod->finished();
  }
  if (scaled || running) return WriteStatus(sync, true);
  if (sync.New() == nullptr && !SyncNewest(sync, true)) return Next::Retry();
  if (sync.New() == nullptr) return Next::Done();
  ScaleUpNewest(sync);
  if (IsComplete(sync.json, At(sync.json, "status"))) CleanUpHistory(sync);
  return WriteStatus(sync, true);
}

void DeploymentController::CleanUpHistory(Sync& sync) {
  if (!At(sync.json, {"spec", "revisionHistoryLimit"}).is_number()) return;
  const int64_t limit = IntAt(sync.json, {"spec", "revisionHistoryLimit"});
  std::vector<const Set*> old;
  for (int i : sync.Old()) {
    if (!BeingDeleted(sync.sets[static_cast<size_t>(i)].json))
      old.push_back(&sync.sets[static_cast<size_t>(i)]);
  }
  std::stable_sort(old.begin(), old.end(), [](const Set* x, const Set* y) {
    return NumberOf(Annotations(x->json), kRevision, 0) <
           NumberOf(Annotations(y->json), kRevision, 0);
  });
  for (int64_t i = 0; i < static_cast<int64_t>(old.size()) - limit; ++i) {
    const Set& set = *old[static_cast<size_t>(i)];
    const bool settled = set.actual() == 0 && set.wanted == 0 &&
                         IntAt(set.json, {"metadata", "generation"}) <=
                             IntAt(set.json, {"status", "observedGeneration"});
    if (settled)
      (void)engine_.client().Delete(sets_.type(), set.object->ns, set.object->name, Json::object(),
                                    set.object->uid);
  }
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
