// After pkg/controller/statefulset of Kubernetes 1.32 (order of steps, texts).
#include "libs/kubesim/behaviour/controllers/statefulset.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

const EventSource kSource{"statefulset-controller", ""};
constexpr const char* kRevisionLabel = "controller-revision-hash";
constexpr const char* kPodName = "statefulset.kubernetes.io/pod-name";
constexpr const char* kPodIndex = "apps.kubernetes.io/pod-index";

int64_t OrdinalOf(const std::string& set, const std::string& pod) {
  if (!pod.starts_with(set + "-")) return -1;
  int64_t ordinal = -1;
  const char* end = pod.data() + pod.size();
  auto [stop, error] = std::from_chars(pod.data() + set.size() + 1, end, ordinal);
  return error == std::errc() && stop == end ? ordinal : -1;
}

std::string LabelOf(const Object& pod, std::string_view label) {
  for (const auto& [key, value] : pod.labels) {
    if (key == label) return value;
  }
  return "";
}

std::string RevisionOf(const Object& pod) { return LabelOf(pod, kRevisionLabel); }

bool Healthy(const PodView& pod) { return pod.phase == "Running" && pod.ready && !pod.deleted; }

}  // namespace

struct StatefulSetController::Sync {
  ObjectPtr object;
  Json json;
  int64_t start = 0, replicas = 0;
  bool ordered = true;
  absl::Duration min_ready;
  Revision current, update;
  std::map<int64_t, const PodView*> pods;  // by ordinal
  bool failed = false;
  bool waits = false;
  bool ReadyLongEnough(const PodView& pod, absl::Time now) {
    return Healthy(pod) && pod.Available(min_ready, now);
  }
};

StatefulSetController::StatefulSetController(Engine& engine, Pods& pods)
    : engine_(engine),
      pods_(pods),
      sets_(engine.InformerOf("apps", "statefulsets")),
      history_(engine, sets_.type(), "controller.kubernetes.io/hash", true),
      selectors_(sets_,
                 [](const Json& set) {
                   return LabelSelector::FromObject(At(set, {"spec", "selector"}));
                 }),
      queue_(engine.AddQueue("statefulset", [this](const std::string& key) { return Run(key); })) {
  sets_.OnChange([this](const Seen& seen) { queue_.Add(KeyOf(seen.any().ns, seen.any().name)); });
  pods_.informer().OnChange(
      [this](const Seen& seen) { EnqueueOwners(seen, "StatefulSet", selectors_, queue_); });
}

void StatefulSetController::Say(const Sync& sync, std::string_view type, std::string_view reason,
                                const std::string& message) {
  engine_.events().Record(kSource, sets_.type(), *sync.object, type, reason, message);
}

Next StatefulSetController::Run(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  Sync sync;
  sync.object = sets_.Get(ns, name);
  if (!sync.object) return Next::Done();
  sync.json = *engine_.Parsed(sync.object);
  sync.start = IntAt(sync.json, {"spec", "ordinals", "start"});
  sync.replicas = IntAt(sync.json, {"spec", "replicas"}, 1);
  sync.ordered = TextAt(sync.json, {"spec", "podManagementPolicy"}) != "Parallel";
  sync.min_ready = absl::Seconds(IntAt(sync.json, {"spec", "minReadySeconds"}));
  for (const PodView* pod : ClaimPods(engine_, pods_, sets_.type(), *sync.object, sync.json)) {
    const int64_t ordinal = OrdinalOf(sync.object->name, pod->name());
    if (ordinal >= 0) sync.pods[ordinal] = pod;
  }
  const std::vector<Revision> known = history_.List(*sync.object, sync.json);
  sync.update = history_.Current(*sync.object, sync.json, known);
  if (!sync.update.object) return Next::Retry();
  sync.current = sync.update;
  const std::string current = TextAt(sync.json, {"status", "currentRevision"});
  for (const Revision& revision : known) {
    if (revision.object->name == current) sync.current = revision;
  }
  if (!BeingDeleted(sync.json)) {
    for (const auto& [ordinal, pod] : sync.pods)
      OwnClaims(sync, ordinal, ordinal < sync.start || ordinal >= sync.start + sync.replicas);
    if (Fill(sync) && Shrink(sync)) Update(sync);
  }
  const bool written = WriteStatus(sync);
  std::vector<std::string> live = {sync.current.object->name, sync.update.object->name};
  for (const auto& [ordinal, pod] : sync.pods) live.push_back(RevisionOf(*pod->object));
  history_.Trim(*sync.object, IntAt(sync.json, {"spec", "revisionHistoryLimit"}, 10), live);
  if (sync.failed || !written) return Next::Retry();
  return sync.waits ? Next::After(std::max(absl::Seconds(1), sync.min_ready)) : Next::Done();
}

bool StatefulSetController::Fill(Sync& sync) {
  for (int64_t ordinal = sync.start; ordinal < sync.start + sync.replicas; ++ordinal) {
    auto found = sync.pods.find(ordinal);
    if (found == sync.pods.end()) {
      if (pods_.Admit(1) == 0) {
        sync.waits = true;
        return false;
      }
      if (!MakePod(sync, ordinal) || sync.ordered) return false;
      continue;
    }
    const PodView& pod = *found->second;
    if (pod.finished()) {
      const bool failed = pod.phase == "Failed";
      if (!pod.deleted) {
        Say(sync, failed ? "Warning" : "Normal",
            failed ? "RecreatingFailedPod" : "RecreatingTerminatedPod",
            fmt::format("StatefulSet {}/{} is recreating {} Pod {}", sync.object->ns,
                        sync.object->name, failed ? "failed" : "terminated", pod.name()));
        if (!DeletePod(sync, pod)) return false;
      }
      if (sync.ordered) return false;
      continue;
    }
    if (pod.phase == "Pending" && !MakeClaims(sync, ordinal)) return false;
    if (sync.ordered) {
      if (!Healthy(pod)) return false;
      if (!pod.Available(sync.min_ready, engine_.Now())) {
        sync.waits = true;
        return false;
      }
    }
    if (!Identify(sync, ordinal, pod)) return false;
  }
  return true;
}

// A pod that was taken in gets the labels of its place.
bool StatefulSetController::Identify(Sync& sync, int64_t ordinal, const PodView& pod) {
  const std::string index = std::to_string(ordinal), name = pod.name();
  if (LabelOf(*pod.object, kPodName) == name && LabelOf(*pod.object, kPodIndex) == index)
    return true;
  auto written = engine_.client().Change(
      engine_.Type("", "pods"), sync.object->ns, name,
      [&](Json& object) {
        object["metadata"]["labels"][kPodName] = name;
        object["metadata"]["labels"][kPodIndex] = index;
        return true;
      },
      pod.object->uid);
  if (written.ok()) {
    Say(sync, "Normal", "SuccessfulUpdate",
        fmt::format("update Pod {} in StatefulSet {} successful", name, sync.object->name));
  }
  return written.ok() || written.status().code == 404;
}

bool StatefulSetController::Shrink(Sync& sync) {
  std::vector<const PodView*> condemned;  // the highest number first
  for (auto it = sync.pods.rbegin(); it != sync.pods.rend(); ++it) {
    if (it->first < sync.start || it->first >= sync.start + sync.replicas)
      condemned.push_back(it->second);
  }
  if (condemned.empty()) return true;
  // Only the lowest unhealthy pod may go while others are unwell.
  const PodView* unhealthy = nullptr;
  for (const auto& [ordinal, pod] : sync.pods) {
    if (!Healthy(*pod) && unhealthy == nullptr) unhealthy = pod;
  }
  for (const PodView* pod : condemned) {
    if (pod->deleted) {
      if (sync.ordered) return false;
      continue;
    }
    if (sync.ordered && !Healthy(*pod) && pod != unhealthy) return false;
    if (!DeletePod(sync, *pod) || sync.ordered) return false;
  }
  return true;
}

void StatefulSetController::Update(Sync& sync) {
  if (TextAt(sync.json, {"spec", "updateStrategy", "type"}) == "OnDelete") return;
  const int64_t partition =
      IntAt(sync.json, {"spec", "updateStrategy", "rollingUpdate", "partition"});
  for (int64_t ordinal = sync.start + sync.replicas - 1; ordinal >= sync.start + partition;
       --ordinal) {
    auto found = sync.pods.find(ordinal);
    if (found == sync.pods.end()) return;
    const PodView& pod = *found->second;
    if (RevisionOf(*pod.object) != sync.update.hash && !pod.deleted) {
      DeletePod(sync, pod);
      return;
    }
    if (!Healthy(pod)) return;
    if (!pod.Available(sync.min_ready, engine_.Now())) {
      sync.waits = true;
      return;
    }
  }
}

bool StatefulSetController::DeletePod(Sync& sync, const PodView& pod) {
  auto refused = engine_.client().Delete(engine_.Type("", "pods"), sync.object->ns, pod.name(),
                                         Json::object(), pod.object->uid);
  if (!refused) {
    Say(sync, "Normal", "SuccessfulDelete",
        fmt::format("delete Pod {} in StatefulSet {} successful", pod.name(), sync.object->name));
    return true;
  }
  if (refused->code == 404) return true;
  Say(sync, "Warning", "FailedDelete",
      fmt::format("delete Pod {} in StatefulSet {} failed error: {}", pod.name(), sync.object->name,
                  refused->message));
  sync.failed = true;
  return false;
}

bool StatefulSetController::MakeClaims(Sync& sync, int64_t ordinal) {
  const ResourceType& type = engine_.Type("", "persistentvolumeclaims");
  const std::string pod = fmt::format("{}-{}", sync.object->name, ordinal);
  for (const Json& wanted : ListAt(sync.json, {"spec", "volumeClaimTemplates"})) {
    const std::string name = TextAt(wanted, {"metadata", "name"}) + "-" + pod;
    if (engine_.store().Get(type, sync.object->ns, name)) continue;
    Json claim = {{"metadata", {{"name", name}, {"namespace", sync.object->ns}}},
                  {"spec", At(wanted, "spec")}};
    if (At(sync.json, {"spec", "selector", "matchLabels"}).is_object())
      claim["metadata"]["labels"] = At(sync.json, {"spec", "selector", "matchLabels"});
    for (const char* member : {"labels", "annotations"}) {
      if (At(wanted, {"metadata", member}).is_object())
        claim["metadata"][member].update(At(wanted, {"metadata", member}));
    }
    auto made = engine_.client().Create(type, std::move(claim));
    if (made.ok()) {
      Say(sync, "Normal", "SuccessfulCreate",
          fmt::format("create Claim {} Pod {} in StatefulSet {} success", name, pod,
                      sync.object->name));
      continue;
    }
    Say(sync, "Warning", "FailedCreate",
        fmt::format("create Claim {} for Pod {} in StatefulSet {} failed error: {}", name, pod,
                    sync.object->name, made.status().message));
    sync.failed = true;
    return false;
  }
  return true;
}

bool StatefulSetController::MakePod(Sync& sync, int64_t ordinal) {
  if (!MakeClaims(sync, ordinal)) return false;
  // Below the partition a lost pod comes back as it was.
  const Json& rolling = At(sync.json, {"spec", "updateStrategy", "rollingUpdate"});
  const bool old = rolling.is_object() && ordinal < sync.start + IntAt(rolling, "partition");
  const Revision& revision = old ? sync.current : sync.update;
  const Json content = old ? history_.Apply(sync.json, revision) : sync.json;
  const std::string name = fmt::format("{}-{}", sync.object->name, ordinal);
  Json pod =
      PodFromTemplate(At(content, {"spec", "template"}), sync.object->ns,
                      ControllerReference(sets_.type(), *sync.object), sync.object->name + "-");
  pod["metadata"]["name"] = name;
  pod["metadata"]["labels"][kPodName] = name;
  pod["metadata"]["labels"][kPodIndex] = std::to_string(ordinal);
  pod["metadata"]["labels"][kRevisionLabel] = revision.hash;
  pod["spec"]["hostname"] = name;
  if (!TextAt(sync.json, {"spec", "serviceName"}).empty())
    pod["spec"]["subdomain"] = TextAt(sync.json, {"spec", "serviceName"});
  Json volumes = Json::array();
  for (const Json& claim : ListAt(sync.json, {"spec", "volumeClaimTemplates"})) {
    const std::string volume = TextAt(claim, {"metadata", "name"});
    volumes.push_back(
        {{"name", volume}, {"persistentVolumeClaim", {{"claimName", volume + "-" + name}}}});
  }
  for (const Json& volume : ListAt(pod, {"spec", "volumes"})) {
    const bool replaced = std::any_of(volumes.begin(), volumes.end(), [&](const Json& one) {
      return one["name"] == At(volume, "name");
    });
    if (!replaced) volumes.push_back(volume);
  }
  if (!volumes.empty()) pod["spec"]["volumes"] = volumes;
  auto made = engine_.client().Create(engine_.Type("", "pods"), std::move(pod));
  if (made.ok()) {
    Say(sync, "Normal", "SuccessfulCreate",
        fmt::format("create Pod {} in StatefulSet {} successful", name, sync.object->name));
    return true;
  }
  if (!made.status().causes.empty() && made.status().causes[0].reason == "NamespaceTerminating")
    return false;
  sync.failed = true;
  if (made.status().reason == "AlreadyExists") return false;  // not told since 1.22
  Say(sync, "Warning", "FailedCreate",
      fmt::format("create Pod {} in StatefulSet {} failed error: {}", name, sync.object->name,
                  made.status().message));
  return false;
}

// Who takes the claims along: nobody (Retain), the set when it is deleted, the pod when the set
// shrinks.
void StatefulSetController::OwnClaims(Sync& sync, int64_t ordinal, bool condemned) {
  const Json& policy = At(sync.json, {"spec", "persistentVolumeClaimRetentionPolicy"});
  const bool with_set = TextAt(policy, "whenDeleted") == "Delete";
  const bool with_pod = TextAt(policy, "whenScaled") == "Delete" && condemned;
  const ResourceType& type = engine_.Type("", "persistentvolumeclaims");
  const PodView& pod = *sync.pods.at(ordinal);
  const auto owners_of = [&](const Json& claim) {
    Json owners = Json::array();
    for (const Json& owner : ListAt(claim, {"metadata", "ownerReferences"})) {
      if (TextAt(owner, "uid") != sync.object->uid && TextAt(owner, "uid") != pod.object->uid)
        owners.push_back(owner);
    }
    if (with_pod) {
      owners.push_back(
          {{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", pod.name()}, {"uid", pod.object->uid}});
    } else if (with_set) {
      owners.push_back(ControllerReference(sets_.type(), *sync.object));
    }
    return owners;
  };
  for (const Json& wanted : ListAt(sync.json, {"spec", "volumeClaimTemplates"})) {
    const std::string name = TextAt(wanted, {"metadata", "name"}) + "-" + pod.name();
    const ObjectPtr known = engine_.store().Get(type, sync.object->ns, name);
    if (!known) continue;
    const auto content = engine_.Parsed(known);
    if (owners_of(*content) == ListAt(*content, {"metadata", "ownerReferences"})) continue;
    (void)engine_.client().Change(type, sync.object->ns, name, [&](Json& claim) {
      const Json owners = owners_of(claim);
      if (owners.empty())
        claim["metadata"].erase("ownerReferences");
      else
        claim["metadata"]["ownerReferences"] = owners;
      return true;
    });
  }
}

bool StatefulSetController::WriteStatus(Sync& sync) {
  int64_t total = 0, ready = 0, available = 0, current = 0, updated = 0;
  for (const auto& [ordinal, pod] : sync.pods) {
    if (pod->finished()) continue;
    ++total;
    if (pod->phase == "Running" && pod->ready) {
      ++ready;
      if (pod->Available(sync.min_ready, engine_.Now()))
        ++available;
      else
        sync.waits = true;
    }
    if (pod->deleted) continue;
    const std::string revision = RevisionOf(*pod->object);
    current += revision == sync.current.hash;
    updated += revision == sync.update.hash;
  }
  std::string current_revision = sync.current.object->name;
  const bool rolling = TextAt(sync.json, {"spec", "updateStrategy", "type"}) != "OnDelete";
  if (rolling && updated == total && ready == total && total == sync.replicas) {
    current = updated;
    current_revision = sync.update.object->name;
  }
  auto written = engine_.client().Change(
      sets_.type(), sync.object->ns, sync.object->name,
      [&](Json& object) {
        Json& status = object["status"];
        if (!status.is_object()) status = Json::object();
        const Json before = status;
        SetCount(status, "observedGeneration", IntAt(sync.json, {"metadata", "generation"}));
        status["replicas"] = total;
        SetCount(status, "readyReplicas", ready);
        SetCount(status, "currentReplicas", current);
        SetCount(status, "updatedReplicas", updated);
        status["availableReplicas"] = available;
        status["currentRevision"] = current_revision;
        status["updateRevision"] = sync.update.object->name;
        if (!status.contains("collisionCount")) status["collisionCount"] = 0;
        return status != before;
      },
      sync.object->uid);
  return written.ok() || written.status().code == 404;
}

}  // namespace opsmesh::kubesim
