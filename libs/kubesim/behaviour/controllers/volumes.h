// Claims and volumes: binding, provisioning by storage class, growing, releasing, and the
// finalizers that protect them.
#pragma once

#include "libs/kubesim/behaviour/controllers/common.h"

namespace opsmesh::kubesim {

/// The volume controller together with a stand-in for the storage system: every provisioner but
/// kubernetes.io/no-provisioner makes what it is asked for, in two seconds.
class VolumeController final : public Part {
 public:
  VolumeController(Engine& engine, Pods& pods);

 private:
  Next SyncClaim(const std::string& key);
  Next SyncVolume(const std::string& name);
  Next BindClaim(const ObjectPtr& claim, const Json& content);
  Next Provision(const ObjectPtr& claim, const Json& content, const std::string& class_name);
  void MakeVolume(const std::string& ns, const std::string& name, const std::string& uid);
  ObjectPtr FindVolume(const ObjectPtr& claim, const Json& content);
  /// What the policy of a volume says to do when its claim is gone; false: it stays as it is.
  bool Reclaim(const ObjectPtr& volume, const Json& content);
  bool FailToReclaim(const ObjectPtr& volume, const char* reason, const std::string& message);
  bool Bind(const ObjectPtr& claim, const ObjectPtr& volume);
  Next Grow(const ObjectPtr& claim, const Json& content, const ObjectPtr& volume);
  /// A pod that uses the claim and is not over; null when there is none.
  const PodView* UserOf(const ObjectPtr& claim);
  void DropFinalizer(const ResourceType& type, const Object& object, const char* finalizer);
  void Say(const ObjectPtr& claim, std::string_view type, std::string_view reason,
           const std::string& message,
           const std::string& component = "persistentvolume-controller");

  Engine& engine_;
  Pods& pods_;
  Informer& claims_;
  Informer& volumes_;
  Informer& classes_;
  ObjectIndex& pods_by_claim_;
  ObjectIndex& volumes_by_claim_;
  ObjectIndex& volumes_by_class_;
  WorkQueue& claim_queue_;
  WorkQueue& volume_queue_;
};

}  // namespace opsmesh::kubesim
