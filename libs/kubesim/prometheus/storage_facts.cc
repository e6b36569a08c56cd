// What kube-state-metrics says about storage, ConfigMaps and Secrets.
#include "libs/base/strings.h"
#include "libs/kubesim/prometheus/fact_writer.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim::prometheus {
namespace {

void AccessModes(FactWriter& w, const std::string& metric, const Json& object) {
  for (const Json& mode : ListAt(object, {"spec", "accessModes"})) {
    if (mode.is_string()) w.Add(metric, 1, {{"access_mode", mode.get<std::string>()}});
  }
}

}  // namespace

std::vector<Fact> ClaimFacts(const Json& p) {
  FactWriter w(p, "persistentvolumeclaim");
  w.AddCommon("kube_persistentvolumeclaim");
  w.AddOneOf("kube_persistentvolumeclaim_status_phase", "phase", TextAt(p, {"status", "phase"}),
             {"Pending", "Bound", "Lost"});
  w.Add("kube_persistentvolumeclaim_info", 1,
        {{"storageclass", TextAt(p, {"spec", "storageClassName"})},
         {"volumename", TextAt(p, {"spec", "volumeName"})},
         {"volumemode", TextAt(p, {"spec", "volumeMode"})}});
  w.Add("kube_persistentvolumeclaim_resource_requests_storage_bytes",
        AmountOf(At(p, {"spec", "resources", "requests", "storage"})));
  AccessModes(w, "kube_persistentvolumeclaim_access_mode", p);
  for (const Json& condition : ListAt(p, {"status", "conditions"})) {
    const std::string status = base::AsciiLower(TextAt(condition, "status"));
    for (const char* one : {"true", "false", "unknown"}) {
      w.Add("kube_persistentvolumeclaim_status_condition", status == one ? 1 : 0,
            {{"condition", TextAt(condition, "type")}, {"status", one}},
            Time(At(condition, "lastTransitionTime")));
    }
  }
  return w.Take();
}

std::vector<Fact> VolumeFacts(const Json& p) {
  FactWriter w(p, "persistentvolume");
  w.AddCommon("kube_persistentvolume");
  w.AddOneOf("kube_persistentvolume_status_phase", "phase", TextAt(p, {"status", "phase"}),
             {"Pending", "Available", "Bound", "Released", "Failed"});
  w.Add("kube_persistentvolume_capacity_bytes", AmountOf(At(p, {"spec", "capacity", "storage"})));
  if (const Json& claim = At(p, {"spec", "claimRef"}); claim.is_object()) {
    w.Add("kube_persistentvolume_claim_ref", 1,
          {{"claim_namespace", TextAt(claim, "namespace")}, {"name", TextAt(claim, "name")}});
  }
  w.Add("kube_persistentvolume_info", 1,
        {{"storageclass", TextAt(p, {"spec", "storageClassName"})},
         {"reclaim_policy", TextAt(p, {"spec", "persistentVolumeReclaimPolicy"})},
         {"csi_driver", TextAt(p, {"spec", "csi", "driver"})},
         {"csi_volume_handle", TextAt(p, {"spec", "csi", "volumeHandle"})},
         {"host_path", TextAt(p, {"spec", "hostPath", "path"})},
         {"host_path_type", TextAt(p, {"spec", "hostPath", "type"})},
         {"local_path", TextAt(p, {"spec", "local", "path"})},
         {"nfs_server", TextAt(p, {"spec", "nfs", "server"})},
         {"nfs_path", TextAt(p, {"spec", "nfs", "path"})}});
  AccessModes(w, "kube_persistentvolume_access_mode", p);
  w.Add("kube_persistentvolume_volume_mode", 1,
        {{"volumemode", TextAt(p, {"spec", "volumeMode"})}});
  return w.Take();
}

std::vector<Fact> StorageClassFacts(const Json& s) {
  FactWriter w(s, "storageclass");
  w.AddCommon("kube_storageclass");
  w.Add("kube_storageclass_info", 1,
        {{"provisioner", TextAt(s, "provisioner")},
         {"reclaim_policy", TextAt(s, "reclaimPolicy")},
         {"volume_binding_mode", TextAt(s, "volumeBindingMode")}});
  return w.Take();
}

std::vector<Fact> VolumeAttachmentFacts(const Json& a) {
  FactWriter w(a, "volumeattachment");
  w.AddCommon("kube_volumeattachment");
  w.Add("kube_volumeattachment_info", 1,
        {{"attacher", TextAt(a, {"spec", "attacher"})}, {"node", TextAt(a, {"spec", "nodeName"})}});
  if (const std::string name = TextAt(a, {"spec", "source", "persistentVolumeName"}); !name.empty())
    w.Add("kube_volumeattachment_spec_source_persistentvolume", 1, {{"volumename", name}});
  w.Add("kube_volumeattachment_status_attached", BoolAt(a, {"status", "attached"}) ? 1 : 0);
  return w.Take();
}

std::vector<Fact> ConfigMapFacts(const Json& c) {
  FactWriter w(c, "configmap");
  w.Add("kube_configmap_info", 1);
  w.AddCommon("kube_configmap");
  return w.Take();
}

std::vector<Fact> SecretFacts(const Json& s) {
  FactWriter w(s, "secret");
  w.Add("kube_secret_info", 1);
  w.Add("kube_secret_type", 1, {{"type", TextAt(s, "type")}});
  w.AddCommon("kube_secret");
  w.AddOwners("kube_secret_owner");
  return w.Take();
}

}  // namespace opsmesh::kubesim::prometheus
