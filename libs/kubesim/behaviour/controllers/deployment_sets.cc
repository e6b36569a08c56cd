// The ReplicaSets of a Deployment: made, numbered, sized, and forgotten.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "libs/kubesim/behaviour/controllers/deployment_status.h"
#include "libs/kubesim/behaviour/controllers/deployment_sync.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace deployment {

const Json& Annotations(const Json& object) { return At(object, {"metadata", "annotations"}); }

int64_t NumberOf(const Json& annotations, const char* name, int64_t otherwise) {
  const std::string text = TextAt(annotations, name);
  int64_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace deployment

namespace {

using deployment::Annotations, deployment::NumberOf, deployment::kDesired, deployment::kHash;
using deployment::kHistory, deployment::kMax, deployment::kRevision;

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
  const Json set = NewestSet(sync, revision);
  auto made = engine_.client().Create(sets_.type(), set);
  if (!made.ok()) return NotCreated(sync, TextAt(set, {"metadata", "name"}), made.status());
  const std::string& name = (*made)->name;
  const int64_t size = IntAt(set, {"spec", "replicas"});
  sync.sets.push_back({*made, (*made)->Parse(), size});
  sync.newest = static_cast<int>(sync.sets.size()) - 1;
  if (size > 0)
    Say(sync, "Normal", "ScalingReplicaSet",
        fmt::format("Scaled up replica set {} from 0 to {}", name, size));
  return Edit(sync, [&](Json& object) {
    object["metadata"]["annotations"][kRevision] = std::to_string(revision);
    if (HasProgressDeadline(object)) {
      SetCondition(object["status"], "Progressing", "True", "NewReplicaSetCreated",
                   fmt::format("Created new replica set \"{}\"", name), engine_.Now(),
                   {{"lastUpdateTime", base::Rfc3339(engine_.Now())}});
    }
    return true;
  });
}

Json DeploymentController::NewestSet(const Sync& sync, int64_t revision) const {
  Json pod_template = At(sync.json, {"spec", "template"});
  const int64_t collisions = IntAt(sync.json, {"status", "collisionCount"});
  Json hashed = pod_template;
  if (collisions > 0) hashed["collision"] = collisions;
  const std::string hash = TemplateHash(hashed);
  pod_template["metadata"]["labels"][kHash] = hash;
  int64_t size = sync.replicas;
  if (sync.rolling)
    size = std::clamp<int64_t>(sync.replicas + sync.surge - sync.TotalWanted(), 0, sync.replicas);
  Json set = {{"metadata",
               {{"name", sync.object->name + "-" + hash},
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
  return set;
}

bool DeploymentController::NotCreated(Sync& sync, const std::string& name,
                                      const ApiStatus& status) {
  if (status.reason == "AlreadyExists") {
    // Another template with the same hash: the count goes into the next one.
    const int64_t collisions = IntAt(sync.json, {"status", "collisionCount"});
    (void)Edit(sync, [&](Json& object) {
      object["status"]["collisionCount"] = collisions + 1;
      return true;
    });
    return false;
  }
  if (!status.causes.empty() && status.causes[0].reason == "NamespaceTerminating") return true;
  const std::string message =
      fmt::format("Failed to create new replica set \"{}\": {}", name, status.message);
  (void)Edit(sync, [&](Json& object) {
    return HasProgressDeadline(object) &&
           SetCondition(object["status"], "Progressing", "False", "ReplicaSetCreateError", message,
                        engine_.Now(), {{"lastUpdateTime", base::Rfc3339(engine_.Now())}});
  });
  Say(sync, "Warning", "ReplicaSetCreateError", message);
  return false;
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

}  // namespace opsmesh::kubesim
