// Claims, volumes and storage classes as the scheduler sees them. Volumes are found by class and by
// claim: a pod's claims are asked about for every node.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "libs/kubesim/behaviour/scheduler/pod_info.h"

namespace opsmesh::kubesim::scheduling {

struct VolumeInfo {  // a PersistentVolume
  bool has_affinity = false;
  std::vector<NodeTerm> affinity;
  LabelSelector::Labels labels;  // zone labels of old volumes
  std::string claim_ns, claim_name, class_name;
  int64_t capacity = 0;
  std::vector<std::string> access_modes;
  bool block = false;  // volumeMode: Block
};

struct ClaimInfo {
  std::string volume, class_name;  // volume: spec.volumeName
  std::vector<std::string> access_modes;
  int64_t request = 0;
  LabelSelector selector;
  bool has_selector = false, block = false;
  bool deleting = false, lost = false, has_selected_node = false;
  std::string selected_node;
  bool fully_bound = false;  // volumeName and the bind-completed mark (or phase Bound)
};

struct ClassInfo {
  bool wait_for_consumer = false;
  bool can_provision = true;         // kubernetes.io/no-provisioner
  std::vector<NodeTerm> topologies;  // allowedTopologies
};

/// Not thread-safe. Copyable. Claims are named "namespace/name".
class StorageView {
 public:
  using Names = std::set<std::string>;

  void PutClaim(const Json& claim);
  void DropClaim(const std::string& key) { claims_.erase(key); }
  void PutVolume(const Json& volume);
  void DropVolume(const std::string& name);
  /// A volume is kept for a claim, before the store's echo arrives.
  void AssumeVolume(const std::string& name, const std::string& claim_key);
  void PutClass(const Json& storage_class);
  void DropClass(const std::string& name) { classes_.erase(name); }

  const ClaimInfo* Claim(const std::string& key) const;
  const VolumeInfo* Volume(const std::string& name) const;
  const ClassInfo* Class(const std::string& name) const;
  /// The volumes of a class that no claim has.
  const Names& FreeVolumes(const std::string& class_name) const;
  /// The volumes that are kept for a claim; one, but for people's mistakes.
  const Names& VolumesFor(const std::string& claim_key) const;

 private:
  void IndexVolume(const std::string& name, bool there);

  std::map<std::string, ClaimInfo> claims_;
  std::map<std::string, VolumeInfo> volumes_;
  std::map<std::string, ClassInfo> classes_;
  std::unordered_map<std::string, Names> free_;  // by class
  std::unordered_map<std::string, Names> kept_;  // by claim
};

}  // namespace opsmesh::kubesim::scheduling
