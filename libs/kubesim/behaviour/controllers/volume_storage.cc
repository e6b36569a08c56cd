// The storage system: makes what claims ask for, and more of it.
#include <fmt/format.h>

#include "libs/kubesim/api/admission.h"
#include "libs/kubesim/behaviour/controllers/volume_shared.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace volume {

std::string ClassOf(const Json& object) {
  const std::string name = TextAt(object, {"spec", "storageClassName"});
  return !name.empty() ? name
                       : TextAt(At(object, {"metadata", "annotations"}),
                                "volume.beta.kubernetes.io/storage-class");
}

long double SizeOf(const Json& quantity) { return ParseQuantity(quantity).value_or(0); }

}  // namespace volume

using volume::ClassOf;
using volume::kLookAgain;
using volume::kNoProvisioner;
using volume::kProvisionedBy;
using volume::kStorageTakes;
using volume::kVolumeProtection;
using volume::SizeOf;

Next VolumeController::Provision(const ObjectPtr& claim, const Json& content,
                                 const std::string& class_name) {
  if (class_name.empty()) {
    // A claim that left the class open gets the default one, be it made ever so late.
    Json settled = content;
    DefaultStorageClass(engine_.cluster(), settled);
    if (settled != content) {
      const Json chosen = settled["spec"]["storageClassName"];
      auto written = engine_.client().Change(
          claims_.type(), claim->ns, claim->name,
          [&](Json& object) {
            object["spec"]["storageClassName"] = chosen;
            return true;
          },
          claim->uid);
      return written.ok() ? Next::Done() : Next::Retry();
    }
    Say(claim, "Normal", "FailedBinding",
        "no persistent volumes available for this claim and no storage class is set");
    return Next::After(kLookAgain);
  }
  const ObjectPtr storage = classes_.Get("", class_name);
  if (!storage) {
    Say(claim, "Warning", "ProvisioningFailed",
        fmt::format("storageclass.storage.k8s.io \"{}\" not found", class_name));
    return Next::After(kLookAgain);
  }
  const std::string provisioner = TextAt(*engine_.Parsed(storage), "provisioner");
  if (provisioner == kNoProvisioner) {
    Say(claim, "Normal", "FailedBinding",
        "no persistent volumes available for this claim and no storage class is set");
    return Next::After(kLookAgain);
  }
  const Json& annotations = At(content, {"metadata", "annotations"});
  if (TextAt(annotations, "volume.kubernetes.io/storage-provisioner").empty()) {
    (void)engine_.client().Change(claims_.type(), claim->ns, claim->name, [&](Json& object) {
      for (const char* key : {"volume.beta.kubernetes.io/storage-provisioner",
                              "volume.kubernetes.io/storage-provisioner"})
        object["metadata"]["annotations"][key] = provisioner;
      return true;
    });
    return Next::Done();  // comes again with its annotations
  }
  Say(claim, "Normal", "ExternalProvisioning",
      fmt::format(
          "Waiting for a volume to be created either by the external provisioner '{}' or manually "
          "by the system administrator. If volume creation is delayed, please verify that "
          "the provisioner is running and correctly registered.",
          provisioner));
  const std::string component = fmt::format("{}_csi-controller-0", provisioner);
  Say(claim, "Normal", "Provisioning",
      fmt::format("External provisioner is provisioning volume for claim \"{}/{}\"", claim->ns,
                  claim->name),
      component);
  engine_.After(kStorageTakes, [this, ns = claim->ns, name = claim->name, uid = claim->uid] {
    MakeVolume(ns, name, uid);
  });
  return Next::After(kLookAgain);
}

void VolumeController::MakeVolume(const std::string& ns, const std::string& name,
                                  const std::string& uid) {
  const ObjectPtr claim = engine_.store().Get(claims_.type(), ns, name);
  if (!claim || claim->uid != uid) return;
  const Json content = claim->Parse();
  const ObjectPtr storage = classes_.Get("", ClassOf(content));
  if (!storage || BeingDeleted(content) || !TextAt(content, {"spec", "volumeName"}).empty()) return;
  const auto type = engine_.Parsed(storage);
  const std::string provisioner = TextAt(*type, "provisioner");
  const std::string volume = "pvc-" + uid;
  if (engine_.store().Get(volumes_.type(), "", volume)) return;
  const std::string policy = TextAt(*type, "reclaimPolicy");
  Json object = {
      {"metadata",
       {{"name", volume},
        {"annotations", {{kProvisionedBy, provisioner}}},
        {"finalizers", {kVolumeProtection}}}},
      {"spec",
       {{"capacity", {{"storage", At(content, {"spec", "resources", "requests", "storage"})}}},
        {"accessModes", At(content, {"spec", "accessModes"})},
        {"volumeMode", At(content, {"spec", "volumeMode"}).is_null()
                           ? Json("Filesystem")
                           : At(content, {"spec", "volumeMode"})},
        {"persistentVolumeReclaimPolicy", policy.empty() ? "Delete" : policy},
        {"storageClassName", storage->name},
        {"csi",
         {{"driver", provisioner},
          {"volumeHandle", fmt::format("vol-{:016x}", engine_.ids().Random())}}},
        {"claimRef",
         {{"kind", "PersistentVolumeClaim"},
          {"namespace", ns},
          {"name", name},
          {"uid", uid},
          {"apiVersion", "v1"},
          {"resourceVersion", std::to_string(claim->resource_version)}}}}},
      {"status", {{"phase", "Bound"}}}};
  if (!engine_.client().Put(volumes_.type(), std::move(object)).ok()) return;
  Say(claim, "Normal", "ProvisioningSucceeded", "Successfully provisioned volume " + volume,
      fmt::format("{}_csi-controller-0", provisioner));
}

// A provisioner deletes what it made. Of what people made the controller itself knows how to delete
// folders below /tmp, and how to scrub folders and NFS shares.
bool VolumeController::Reclaim(const ObjectPtr& volume, const Json& content) {
  const std::string policy = TextAt(content, {"spec", "persistentVolumeReclaimPolicy"});
  const Json& path = At(content, {"spec", "hostPath", "path"});
  if (policy == "Delete") {
    const bool made = !TextAt(At(content, {"metadata", "annotations"}), kProvisionedBy).empty();
    if (!made && !path.is_string())
      return FailToReclaim(
          volume, "VolumeFailedDelete",
          fmt::format("error getting deleter volume plugin for volume \"{}\": no deletable volume "
                      "plugin matched",
                      volume->name));
    if (!made && (!Scalar(path).starts_with("/tmp/") || Scalar(path) == "/tmp/"))
      return FailToReclaim(
          volume, "VolumeFailedDelete",
          "host_path deleter only supports /tmp/.+ but received provided " + Scalar(path));
    (void)engine_.client().Delete(volumes_.type(), "", volume->name, Json::object(), volume->uid);
    return true;
  }
  if (policy != "Recycle") return false;
  if (!path.is_string() && !At(content, {"spec", "nfs"}).is_object())
    return FailToReclaim(volume, "VolumeFailedRecycle", "No recycler plugin found for the volume!");
  if (TextAt(content, {"status", "phase"}) != "Released") return false;
  engine_.After(kStorageTakes, [this, name = volume->name, uid = volume->uid] {
    const ObjectPtr now = engine_.store().Get(volumes_.type(), "", name);
    if (!now || now->uid != uid || TextAt(now->Parse(), {"status", "phase"}) != "Released") return;
    engine_.events().Record({"persistentvolume-controller", ""}, volumes_.type(), *now, "Normal",
                            "VolumeRecycled", "Volume recycled");
    (void)engine_.client().Change(
        volumes_.type(), "", name,
        [](Json& object) {
          object["spec"].erase("claimRef");
          if (At(object, {"metadata", "annotations"}).is_object())
            object["metadata"]["annotations"].erase("pv.kubernetes.io/bound-by-controller");
          object["status"]["phase"] = "Available";
          return true;
        },
        uid);
  });
  return true;
}

bool VolumeController::FailToReclaim(const ObjectPtr& volume, const char* reason,
                                     const std::string& message) {
  auto written = engine_.client().Change(
      volumes_.type(), "", volume->name,
      [&](Json& object) {
        if (TextAt(object, {"status", "phase"}) == "Failed" &&
            TextAt(object, {"status", "message"}) == message)
          return false;
        object["status"]["phase"] = "Failed";
        object["status"]["message"] = message;
        return true;
      },
      volume->uid);
  if (written.ok() && *written != volume)
    engine_.events().Record({"persistentvolume-controller", ""}, volumes_.type(), **written,
                            "Warning", reason, message);
  return true;
}

Next VolumeController::Grow(const ObjectPtr& claim, const Json& content, const ObjectPtr& volume) {
  const Json wanted = At(content, {"spec", "resources", "requests", "storage"});
  if (SizeOf(wanted) <= SizeOf(At(content, {"status", "capacity", "storage"}))) return Next::Done();
  const ObjectPtr storage = classes_.Get("", ClassOf(content));
  const auto type = storage ? engine_.Parsed(storage) : nullptr;
  if (!storage || !BoolAt(*type, {"allowVolumeExpansion"})) return Next::Done();
  const std::string provisioner = TextAt(*type, "provisioner");
  const std::string component = fmt::format("external-resizer {}", provisioner);
  if (ConditionOf(At(content, "status"), "Resizing").is_null()) {
    Say(claim, "Warning", "ExternalExpanding",
        "waiting for an external controller to expand this PVC", "volume_expand");
    if (provisioner == kNoProvisioner) return Next::Done();  // nobody comes
    Say(claim, "Normal", "Resizing", "External resizer is resizing volume " + volume->name,
        component);
    (void)engine_.client().Change(claims_.type(), claim->ns, claim->name, [&](Json& object) {
      return SetCondition(object["status"], "Resizing", "True", "", "", engine_.Now(), Json());
    });
    return Next::After(kStorageTakes);
  }
  if (engine_.Now() -
          TimeAt(ConditionOf(At(content, "status"), "Resizing"), {"lastTransitionTime"}) <
      kStorageTakes)
    return Next::After(kStorageTakes);
  (void)engine_.client().Change(volumes_.type(), "", volume->name, [&](Json& object) {
    object["spec"]["capacity"]["storage"] = wanted;
    return true;
  });
  (void)engine_.client().Change(claims_.type(), claim->ns, claim->name, [&](Json& object) {
    object["status"]["capacity"]["storage"] = wanted;
    RemoveCondition(object["status"], "Resizing");
    return true;
  });
  Say(claim, "Normal", "FileSystemResizeSuccessful",
      "MountVolume.NodeExpandVolume succeeded for volume \"" + volume->name + "\"", "kubelet");
  return Next::Done();
}

}  // namespace opsmesh::kubesim
