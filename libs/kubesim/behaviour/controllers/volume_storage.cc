// The storage system: makes what claims ask for, and more of it.
#include <fmt/format.h>

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
    Say(claim, "Normal", "FailedBinding",
        "no persistent volumes available for this claim and no storage class is set");
    return Next::Background(kLookAgain);
  }
  const ObjectPtr storage = classes_.Get("", class_name);
  if (!storage) {
    Say(claim, "Warning", "ProvisioningFailed",
        fmt::format("storageclass.storage.k8s.io \"{}\" not found", class_name));
    return Next::Background(kLookAgain);
  }
  const std::string provisioner = TextAt(*engine_.Parsed(storage), "provisioner");
  if (provisioner == kNoProvisioner) {
    Say(claim, "Normal", "FailedBinding",
        "no persistent volumes available for this claim and no storage class is set");
    return Next::Background(kLookAgain);
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
  return Next::Background(kLookAgain);
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

Next VolumeController::Grow(const ObjectPtr& claim, const Json& content, const ObjectPtr& volume) {
  const Json wanted = At(content, {"spec", "resources", "requests", "storage"});
  if (SizeOf(wanted) <= SizeOf(At(content, {"status", "capacity", "storage"}))) return Next::Done();
  const ObjectPtr storage = classes_.Get("", ClassOf(content));
  const auto type = storage ? engine_.Parsed(storage) : nullptr;
  if (!storage || !BoolAt(*type, {"allowVolumeExpansion"})) return Next::Done();
  const std::string component = fmt::format("external-resizer {}", TextAt(*type, "provisioner"));
  if (ConditionOf(At(content, "status"), "Resizing").is_null()) {
    Say(claim, "Normal", "ExternalExpanding",
        fmt::format("waiting for an external controller to expand this PVC"), "volume_expand");
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
