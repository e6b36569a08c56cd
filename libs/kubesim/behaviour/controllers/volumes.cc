#include "libs/kubesim/behaviour/controllers/volumes.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/kubesim/behaviour/controllers/volume_shared.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

using volume::ClassOf;
using volume::kClaimProtection;
using volume::kLookAgain;
using volume::kProvisionedBy;
using volume::kSelectedNode;
using volume::kVolumeProtection;
using volume::SizeOf;

namespace {

bool HasFinalizer(const Json& object, const char* finalizer) {
  const Json& list = ListAt(object, {"metadata", "finalizers"});
  return std::find(list.begin(), list.end(), finalizer) != list.end();
}

// Whether a free volume can serve a claim.
bool Serves(const Json& volume, const Json& claim) {
  if (ClassOf(volume) != ClassOf(claim) || BeingDeleted(volume)) return false;
  const std::string mode = TextAt(volume, {"spec", "volumeMode"}),
                    wanted = TextAt(claim, {"spec", "volumeMode"});
  if ((mode.empty() ? "Filesystem" : mode) != (wanted.empty() ? "Filesystem" : wanted))
    return false;
  if (SizeOf(At(volume, {"spec", "capacity", "storage"})) <
      SizeOf(At(claim, {"spec", "resources", "requests", "storage"})))
    return false;
  const Json& offered = ListAt(volume, {"spec", "accessModes"});
  for (const Json& access : ListAt(claim, {"spec", "accessModes"})) {
    if (std::find(offered.begin(), offered.end(), access) == offered.end()) return false;
  }
  const Json& selector = At(claim, {"spec", "selector"});
  return !selector.is_object() ||
         LabelSelector::FromObject(selector).Matches(At(volume, {"metadata", "labels"}));
}

// Why a volume cannot serve the claim that names it; empty when it can.
std::string Mismatch(const Json& volume, const Json& claim) {
  auto mode = [](const Json& object) {
    const std::string text = TextAt(object, {"spec", "volumeMode"});
    return text.empty() ? "Filesystem" : text;
  };
  if (SizeOf(At(volume, {"spec", "capacity", "storage"})) <
      SizeOf(At(claim, {"spec", "resources", "requests", "storage"})))
    return "requested PV is too small";
  if (ClassOf(volume) != ClassOf(claim)) return "storageClassName does not match";
  if (mode(volume) != mode(claim)) return "incompatible volumeMode";
  const Json& offered = ListAt(volume, {"spec", "accessModes"});
  for (const Json& access : ListAt(claim, {"spec", "accessModes"})) {
    if (std::find(offered.begin(), offered.end(), access) == offered.end())
      return "incompatible accessMode";
  }
  return "";
}

}  // namespace

VolumeController::VolumeController(Engine& engine, Pods& pods)
    : engine_(engine),
      pods_(pods),
      claims_(engine.InformerOf("", "persistentvolumeclaims")),
      volumes_(engine.InformerOf("", "persistentvolumes")),
      classes_(engine.InformerOf("storage.k8s.io", "storageclasses")),
      pods_by_claim_(pods.informer().AddIndex([](const Object& pod, const Json& json) {
        std::vector<std::string> keys;
        for (const Json& volume : ListAt(json, {"spec", "volumes"})) {
          const std::string claim = TextAt(volume, {"persistentVolumeClaim", "claimName"});
          if (!claim.empty()) keys.push_back(KeyOf(pod.ns, claim));
        }
        return keys;
      })),
      volumes_by_claim_(volumes_.AddIndex([](const Object&, const Json& json) {
        const Json& claim = At(json, {"spec", "claimRef"});
        return claim.is_object() ? std::vector<std::string>{KeyOf(TextAt(claim, "namespace"),
                                                                  TextAt(claim, "name"))}
                                 : std::vector<std::string>();
      })),
      volumes_by_class_(volumes_.AddIndex([](const Object&, const Json& json) {
        return At(json, {"spec", "claimRef"}).is_object() ? std::vector<std::string>()
                                                          : std::vector<std::string>{ClassOf(json)};
      })),
      claim_queue_(
          engine.AddQueue("claim", [this](const std::string& key) { return SyncClaim(key); })),
      volume_queue_(
          engine.AddQueue("volume", [this](const std::string& key) { return SyncVolume(key); })) {
  claims_.OnChange([this](const Seen& seen) {
    claim_queue_.Add(KeyOf(seen.any().ns, seen.any().name));
    const std::string volume = TextAt(seen.any_json(), {"spec", "volumeName"});
    if (!volume.empty()) volume_queue_.Add(volume);
  });
  volumes_.OnChange([this](const Seen& seen) {
    volume_queue_.Add(seen.any().name);
    const Json& claim = At(seen.any_json(), {"spec", "claimRef"});
    if (claim.is_object())
      claim_queue_.Add(KeyOf(TextAt(claim, "namespace"), TextAt(claim, "name")));
    if (seen.before || claim.is_object()) return;
    // A new volume may be what somebody waits for.
    for (const ObjectPtr& waiting : claims_.List())
      claim_queue_.Add(KeyOf(waiting->ns, waiting->name));
  });
  classes_.OnChange([this](const Seen&) {
    for (const ObjectPtr& claim : claims_.List()) claim_queue_.Add(KeyOf(claim->ns, claim->name));
  });
  pods_.informer().OnChange([this](const Seen& seen) {
    const bool over = !seen.now || TextAt(seen.now_json, {"status", "phase"}) !=
                                       TextAt(seen.before_json, {"status", "phase"});
    const bool placed = seen.now && TextAt(seen.now_json, {"spec", "nodeName"}) !=
                                        TextAt(seen.before_json, {"spec", "nodeName"});
    if (!over && !placed) return;
    for (const Json& volume : ListAt(seen.any_json(), {"spec", "volumes"})) {
      const std::string claim = TextAt(volume, {"persistentVolumeClaim", "claimName"});
      if (!claim.empty()) claim_queue_.Add(KeyOf(seen.any().ns, claim));
    }
  });
}

void VolumeController::Say(const ObjectPtr& claim, std::string_view type, std::string_view reason,
                           const std::string& message, const std::string& component) {
  engine_.events().Record({component, ""}, claims_.type(), *claim, type, reason, message);
}

const PodView* VolumeController::UserOf(const ObjectPtr& claim) {
  for (const ObjectPtr& pod : pods_by_claim_.Find(KeyOf(claim->ns, claim->name))) {
    if (!pods_.Of(pod).finished()) return &pods_.Of(pod);
  }
  return nullptr;
}

void VolumeController::DropFinalizer(const ResourceType& type, const Object& object,
                                     const char* finalizer) {
  (void)engine_.client().Change(
      type, object.ns, object.name,
      [&](Json& json) {
        Json kept = Json::array();
        for (const Json& one : ListAt(json, {"metadata", "finalizers"})) {
          if (one != finalizer) kept.push_back(one);
        }
        if (kept.empty())
          json["metadata"].erase("finalizers");
        else
          json["metadata"]["finalizers"] = kept;
        return true;
      },
      object.uid);
}

Next VolumeController::SyncClaim(const std::string& key) {
  const auto [ns, name] = SplitKey(key);
  const ObjectPtr claim = claims_.Get(ns, name);
  if (!claim) return Next::Done();
  const auto content = engine_.Parsed(claim);
  if (BeingDeleted(*content)) {
    if (HasFinalizer(*content, kClaimProtection) && UserOf(claim) == nullptr)
      DropFinalizer(claims_.type(), *claim, kClaimProtection);
    return Next::Done();
  }
  const std::string volume_name = TextAt(*content, {"spec", "volumeName"});
  if (volume_name.empty()) return BindClaim(claim, *content);
  const ObjectPtr volume = engine_.store().Get(volumes_.type(), "", volume_name);
  const bool bound =
      TextAt(At(*content, {"metadata", "annotations"}), "pv.kubernetes.io/bind-completed") == "yes";
  if (!volume) {
    if (!bound) return Next::After(kLookAgain);  // asks for a volume that is not there yet
    auto written = engine_.client().Change(claims_.type(), ns, name, [](Json& object) {
      if (TextAt(object, {"status", "phase"}) == "Lost") return false;
      object["status"]["phase"] = "Lost";
      object["status"].erase("accessModes");
      object["status"].erase("capacity");
      return true;
    });
    if (written.ok() && *written != claim)
      Say(claim, "Warning", "ClaimLost",
          "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
    return Next::Done();
  }
  if (!bound) {
    const Json json = volume->Parse();
    const std::string holder = TextAt(json, {"spec", "claimRef", "uid"});
    if (!holder.empty() && holder != claim->uid) {
      Say(claim, "Warning", "FailedBinding",
          fmt::format("volume \"{}\" already bound to a different claim.", volume_name));
      return Next::After(kLookAgain);
    }
    if (const std::string why = Mismatch(json, *content); !why.empty()) {
      Say(claim, "Warning", "VolumeMismatch",
          fmt::format("Cannot bind to requested volume \"{}\": {}", volume_name, why));
      return Next::After(kLookAgain);
    }
    return Bind(claim, volume) ? Next::Done() : Next::Retry();
  }
  return Grow(claim, *content, volume);
}

ObjectPtr VolumeController::FindVolume(const ObjectPtr& claim, const Json& content) {
  for (const ObjectPtr& held : volumes_by_claim_.Find(KeyOf(claim->ns, claim->name))) {
    const std::string uid = TextAt(*engine_.Parsed(held), {"spec", "claimRef", "uid"});
    if (uid.empty() || uid == claim->uid) return held;
  }
  ObjectPtr best;
  long double size = 0;
  for (const ObjectPtr& volume : volumes_by_class_.Find(ClassOf(content))) {
    const auto json = engine_.Parsed(volume);
    if (At(*json, {"spec", "claimRef"}).is_object() || !Serves(*json, content)) continue;
    const long double one = SizeOf(At(*json, {"spec", "capacity", "storage"}));
    if (!best || one < size) {
      best = volume;
      size = one;
    }
  }
  return best;
}

Next VolumeController::BindClaim(const ObjectPtr& claim, const Json& content) {
  if (TextAt(content, {"status", "phase"}).empty()) {
    (void)engine_.client().Change(claims_.type(), claim->ns, claim->name, [](Json& object) {
      object["status"]["phase"] = "Pending";
      return true;
    });
  }
  const std::string class_name = ClassOf(content);
  const ObjectPtr storage = classes_.Get("", class_name);
  const bool waits =
      storage && TextAt(*engine_.Parsed(storage), "volumeBindingMode") == "WaitForFirstConsumer";
  const PodView* user = UserOf(claim);
  const bool chosen = !TextAt(At(content, {"metadata", "annotations"}), kSelectedNode).empty() ||
                      (user != nullptr && !user->node.empty()) ||
                      !volumes_by_claim_.Find(KeyOf(claim->ns, claim->name)).empty();
  if (waits && !chosen) {
    if (user == nullptr) {
      Say(claim, "Normal", "WaitForFirstConsumer",
          "waiting for first consumer to be created before binding");
    } else {
      Say(claim, "Normal", "WaitForPodScheduled",
          fmt::format("waiting for pod {} to be scheduled", user->name()));
    }
    return Next::After(kLookAgain);
  }
  if (const ObjectPtr volume = FindVolume(claim, content))
    return Bind(claim, volume) ? Next::Done() : Next::Retry();
  return Provision(claim, content, class_name);
}

bool VolumeController::Bind(const ObjectPtr& claim, const ObjectPtr& volume) {
  const Json reference = {{"kind", "PersistentVolumeClaim"},
                          {"namespace", claim->ns},
                          {"name", claim->name},
                          {"uid", claim->uid},
                          {"apiVersion", "v1"},
                          {"resourceVersion", std::to_string(claim->resource_version)}};
  auto taken = engine_.client().Change(
      volumes_.type(), "", volume->name,
      [&](Json& object) {
        if (TextAt(object, {"spec", "claimRef", "uid"}) != claim->uid) {
          // A reference that somebody made beforehand is kept when the claim goes.
          if (!At(object, {"spec", "claimRef"}).is_object())
            object["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] = "yes";
          object["spec"]["claimRef"] = reference;
        }
        object["status"]["phase"] = "Bound";
        return true;
      },
      volume->uid);
  if (!taken.ok()) return false;
  const Json content = (*taken)->Parse();
  auto bound = engine_.client().Change(
      claims_.type(), claim->ns, claim->name,
      [&](Json& object) {
        Json& annotations = object["metadata"]["annotations"];
        annotations["pv.kubernetes.io/bind-completed"] = "yes";
        // The node is told to provisioners alone; a volume that is there is bound by the scheduler.
        if (At(content, {"metadata", "annotations", kProvisionedBy}).is_null())
          annotations.erase(kSelectedNode);
        if (TextAt(object, {"spec", "volumeName"}).empty())
          annotations["pv.kubernetes.io/bound-by-controller"] = "yes";
        object["spec"]["volumeName"] = volume->name;
        object["status"]["phase"] = "Bound";
        object["status"]["accessModes"] = At(content, {"spec", "accessModes"});
        object["status"]["capacity"] = At(content, {"spec", "capacity"});
        return true;
      },
      claim->uid);
  return bound.ok();
}

Next VolumeController::SyncVolume(const std::string& name) {
  const ObjectPtr volume = volumes_.Get("", name);
  if (!volume) return Next::Done();
  const auto content = engine_.Parsed(volume);
  const Json& reference = At(*content, {"spec", "claimRef"});
  const ObjectPtr claim = reference.is_object()
                              ? engine_.store().Get(claims_.type(), TextAt(reference, "namespace"),
                                                    TextAt(reference, "name"))
                              : nullptr;
  const std::string uid = TextAt(reference, "uid");
  const bool held = claim && (uid.empty() || claim->uid == uid);
  if (BeingDeleted(*content)) {
    if (!held && HasFinalizer(*content, kVolumeProtection))
      DropFinalizer(volumes_.type(), *volume, kVolumeProtection);
    return Next::Done();
  }
  const std::string phase = TextAt(*content, {"status", "phase"});
  const std::string now = !reference.is_object() || uid.empty() ? "Available"
                          : held                                ? phase
                                                                : "Released";
  if (now == "Released" && Reclaim(volume, *content)) return Next::Done();
  if (now != phase || !HasFinalizer(*content, kVolumeProtection)) {
    (void)engine_.client().Change(
        volumes_.type(), "", name,
        [&](Json& object) {
          if (!now.empty()) object["status"]["phase"] = now;
          if (!HasFinalizer(object, kVolumeProtection))
            object["metadata"]["finalizers"].push_back(kVolumeProtection);
          return true;
        },
        volume->uid);
  }
  return Next::Done();
}

}  // namespace opsmesh::kubesim
