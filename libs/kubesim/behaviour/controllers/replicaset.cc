#include "libs/kubesim/behaviour/controllers/replicaset.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int64_t kBurst = 500;  // pods made or removed in one go

}  // namespace

ReplicaSetController::ReplicaSetController(Engine& engine, Pods& pods, bool replication_controllers)
    : engine_(engine),
      pods_(pods),
      source_{replication_controllers ? "replication-controller" : "replicaset-controller", ""},
      sets_(replication_controllers ? engine.InformerOf("", "replicationcontrollers")
                                    : engine.InformerOf("apps", "replicasets")),
      sets_by_controller_(sets_.ByController()),
      selectors_(sets_, [this](const Json& set) { return WorkloadSelector(sets_.type(), set); }),
      queue_(engine.AddQueue(sets_.type().plural,
                             [this](const std::string& key) { return Sync(key); })) {
  sets_.OnChange([this](const Seen& seen) { queue_.Add(KeyOf(seen.any().ns, seen.any().name)); });
  pods_.informer().OnChange(
      [this](const Seen& seen) { EnqueueOwners(seen, sets_.type().kind, selectors_, queue_); });
}

Next ReplicaSetController::Sync(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  const ObjectPtr set = sets_.Get(ns, name);
  if (!set) return Next::Done();
  const auto content = engine_.Parsed(set);
  std::vector<const PodView*> active;
  for (const PodView* pod : ClaimPods(engine_, pods_, sets_.type(), *set, *content)) {
    if (pod->active()) active.push_back(pod);
  }
  const int64_t difference =
      static_cast<int64_t>(active.size()) - IntAt(*content, {"spec", "replicas"}, 1);
  std::string failure;
  bool good = true, throttled = false;
  if (!BeingDeleted(*content)) {
    if (difference < 0) {
      const int64_t allowed = pods_.Admit(-difference);
      good = AddPods(set, *content, allowed, &failure);
      throttled = allowed < -difference;
    }
    if (difference > 0)
      good = RemovePods(set, *content, active, std::min(difference, kBurst), &failure);
  }
  const Next next = WriteStatus(set, *content, active, difference, failure);
  if (good && throttled) return Next::After(absl::Seconds(1));
  return good ? next : Next::Retry();
}

bool ReplicaSetController::AddPods(const ObjectPtr& set, const Json& content, int64_t count,
                                   std::string* failure) {
  const ResourceType& type = engine_.Type("", "pods");
  // Slow start: when the first is refused, the others are not even tried.
  int64_t batch = 1;
  for (int64_t made = 0; made < count; batch *= 2) {
    for (int64_t i = 0; i < batch && made < count; ++i, ++made) {
      auto pod = engine_.client().Create(
          type, PodFromTemplate(At(content, {"spec", "template"}), set->ns,
                                ControllerReference(sets_.type(), *set), set->name + "-"));
      if (pod.ok()) {
        engine_.events().Record(source_, sets_.type(), *set, "Normal", "SuccessfulCreate",
                                "Created pod: " + (*pod)->name);
        continue;
      }
      if (pod.status().reason == "Forbidden" && !pod.status().causes.empty() &&
          pod.status().causes[0].reason == "NamespaceTerminating")
        return true;
      if (failure->empty()) *failure = pod.status().message;
      engine_.events().Record(source_, sets_.type(), *set, "Warning", "FailedCreate",
                              "Error creating: " + pod.status().message);
    }
    if (!failure->empty()) return false;
  }
  return true;
}

bool ReplicaSetController::RemovePods(const ObjectPtr& set, const Json& content,
                                      std::vector<const PodView*> active, int64_t count,
                                      std::string* failure) {
  // Pods of the other sets of the same owner show which nodes are doubled up.
  std::vector<const PodView*> related = active;
  const std::string owner = TextAt(ControllerOf(content), "uid");
  if (!owner.empty()) {
    for (const ObjectPtr& other : sets_by_controller_.Find(owner)) {
      if (other->uid == set->uid) continue;
      const auto more = pods_.ControlledBy(other->uid);
      related.insert(related.end(), more.begin(), more.end());
    }
  }
  std::vector<std::pair<std::string, std::string>> chosen;  // deletions change the views
  for (const PodView* pod :
       PodsToDelete(std::move(active), static_cast<size_t>(count), related, engine_.Now())) {
    chosen.emplace_back(pod->name(), pod->object->uid);
  }
  for (const auto& [name, uid] : chosen) {
    auto refused =
        engine_.client().Delete(engine_.Type("", "pods"), set->ns, name, Json::object(), uid);
    if (!refused) {
      engine_.events().Record(source_, sets_.type(), *set, "Normal", "SuccessfulDelete",
                              "Deleted pod: " + name);
    } else if (refused->code != 404) {
      if (failure->empty()) *failure = refused->message;
      engine_.events().Record(source_, sets_.type(), *set, "Warning", "FailedDelete",
                              "Error deleting: " + refused->message);
    }
  }
  return failure->empty();
}

Next ReplicaSetController::WriteStatus(const ObjectPtr& set, const Json& content,
                                       const std::vector<const PodView*>& active,
                                       int64_t difference, const std::string& failure) {
  const absl::Duration min_ready = absl::Seconds(IntAt(content, {"spec", "minReadySeconds"}));
  const LabelSelector labelled =
      LabelSelector::FromMap(At(content, {"spec", "template", "metadata", "labels"}));
  int64_t full = 0, ready = 0, available = 0;
  for (const PodView* pod : active) {
    full += labelled.Matches(pod->object->labels);
    ready += pod->ready;
    available += pod->Available(min_ready, engine_.Now());
  }
  auto edit = [&](Json& object) {
    Json& status = object["status"];
    if (!status.is_object()) status = Json::object();
    const Json before = status;
    status["replicas"] = active.size();
    SetCount(status, "fullyLabeledReplicas", full);
    SetCount(status, "readyReplicas", ready);
    SetCount(status, "availableReplicas", available);
    SetCount(status, "observedGeneration", IntAt(content, {"metadata", "generation"}));
    if (!failure.empty() && ConditionOf(status, "ReplicaFailure").is_null()) {
      SetCondition(status, "ReplicaFailure", "True",
                   difference < 0 ? "FailedCreate" : "FailedDelete", failure, engine_.Now(),
                   Json());
    } else if (failure.empty()) {
      RemoveCondition(status, "ReplicaFailure");
    }
    return status != before;
  };
  auto written = engine_.client().Change(sets_.type(), set->ns, set->name, edit, set->uid);
  if (!written.ok() && written.status().code != 404) return Next::Retry();
  if (ready > available && min_ready > absl::ZeroDuration()) return Next::After(min_ready);
  return Next::Done();
}

}  // namespace opsmesh::kubesim
