// Stateful sets with their claims, and daemon sets.
#include <fmt/format.h>

#include <algorithm>

#include "libs/kubesim/demo/builder.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {

void DemoBuilder::AddClaim(const std::string& ns, const std::string& name, const Json& spec,
                           absl::Time created) {
  const ResourceType& type = Type("", "persistentvolumeclaims");
  Json claim = {{"metadata",
                 {{"name", name},
                  {"namespace", ns},
                  {"uid", target_.store.ids().NewUuid()},
                  {"finalizers", {"kubernetes.io/pvc-protection"}}}},
                {"spec", spec}};
  claim = Stamp(std::move(claim), created);
  const std::string storage_class = TextAt(spec, "storageClassName");
  const EventSubject about = About(type, claim);
  if (!target_.store.Get(Type("storage.k8s.io", "storageclasses"), "", storage_class)) {
    claim["status"] = {{"phase", "Pending"}};
    AddEvent(about, "Warning", "ProvisioningFailed",
             fmt::format("storageclass.storage.k8s.io \"{}\" not found", storage_class),
             "persistentvolume-controller", "", created, now_ - absl::Seconds(7),
             static_cast<int>((now_ - created) / absl::Seconds(15)));
    Put(type, std::move(claim));
    return;
  }
  const std::string volume = "pvc-" + TextAt(claim, {"metadata", "uid"});
  claim["spec"]["volumeName"] = volume;
  claim["metadata"]["annotations"] = {{"pv.kubernetes.io/bind-completed", "yes"},
                                      {"pv.kubernetes.io/bound-by-controller", "yes"}};
  const Json size = At(spec, {"resources", "requests", "storage"});
  claim["status"] = {{"phase", "Bound"},
                     {"accessModes", At(spec, "accessModes")},
                     {"capacity", {{"storage", size}}}};
  Json pv = {{"metadata",
              {{"name", volume},
               {"annotations", {{"pv.kubernetes.io/provisioned-by", "csi.example.com"}}},
               {"finalizers", {"kubernetes.io/pv-protection"}}}},
             {"spec",
              {{"capacity", {{"storage", size}}},
               {"accessModes", At(spec, "accessModes")},
               {"persistentVolumeReclaimPolicy", "Delete"},
               {"storageClassName", storage_class},
               {"csi", {{"driver", "csi.example.com"}, {"volumeHandle", "vol-" + Hex(16)}}},
               {"claimRef",
                {{"apiVersion", "v1"},
                 {"kind", "PersistentVolumeClaim"},
                 {"namespace", ns},
                 {"name", name},
                 {"uid", TextAt(claim, {"metadata", "uid"})}}}}},
             {"status", {{"phase", "Bound"}}}};
  Put(type, std::move(claim));
  Put(Type("", "persistentvolumes"), Stamp(std::move(pv), created));
}

void DemoBuilder::AddStatefulSet(Json set) {
  const ResourceType& type = Type("apps", "statefulsets");
  const std::string ns = TextAt(set, {"metadata", "namespace"});
  const std::string name = TextAt(set, {"metadata", "name"});
  const absl::Time created = now_ - scenario_.AgeOf(ns, name);
  ApplyDefaults(type, set);
  set["metadata"]["uid"] = target_.store.ids().NewUuid();
  set["metadata"]["generation"] = 1;
  const std::string revision = name + "-" + TemplateHash(set["spec"]["template"]);
  Json record = {{"metadata",
                  {{"name", revision},
                   {"namespace", ns},
                   {"labels", At(set, {"spec", "template", "metadata", "labels"})},
                   {"ownerReferences", {OwnerReference(type, set)}}}},
                 {"revision", 1},
                 {"data", {{"spec", {{"template", set["spec"]["template"]}}}}}};
  record["data"]["spec"]["template"]["$patch"] = "replace";
  Put(Type("apps", "controllerrevisions"), Stamp(std::move(record), created));
  const int replicas = static_cast<int>(IntAt(set, {"spec", "replicas"}, 1));
  int ready = 0;
  for (int i = 0; i < replicas; ++i) {
    const std::string pod_name = fmt::format("{}-{}", name, i);
    Json pod_template = set["spec"]["template"];
    for (const Json& claim : ListAt(set, {"spec", "volumeClaimTemplates"})) {
      const std::string volume = TextAt(claim, {"metadata", "name"});
      AddClaim(ns, volume + "-" + pod_name, At(claim, "spec"), created);
      pod_template["spec"]["volumes"].push_back(
          {{"name", volume}, {"persistentVolumeClaim", {{"claimName", volume + "-" + pod_name}}}});
    }
    pod_template["spec"]["hostname"] = pod_name;
    pod_template["spec"]["subdomain"] = TextAt(set, {"spec", "serviceName"});
    const Json labels = {{"statefulset.kubernetes.io/pod-name", pod_name},
                         {"apps.kubernetes.io/pod-index", std::to_string(i)},
                         {"controller-revision-hash", revision}};
    if (AddPod({ns, pod_name, name + "-", pod_template, OwnerReference(type, set), labels, created,
                ""})
            .ready)
      ++ready;
  }
  set["status"] = {
      {"observedGeneration", 1},     {"replicas", replicas},        {"readyReplicas", ready},
      {"currentReplicas", replicas}, {"updatedReplicas", replicas}, {"availableReplicas", ready},
      {"currentRevision", revision}, {"updateRevision", revision},  {"collisionCount", 0}};
  Put(type, std::move(set));
}

void DemoBuilder::AddDaemonSet(Json set) {
  const ResourceType& type = Type("apps", "daemonsets");
  const std::string ns = TextAt(set, {"metadata", "namespace"});
  const std::string name = TextAt(set, {"metadata", "name"});
  const absl::Time created = now_ - scenario_.AgeOf(ns, name);
  ApplyDefaults(type, set);
  set["metadata"]["uid"] = target_.store.ids().NewUuid();
  set["metadata"]["generation"] = 1;
  set["metadata"]["annotations"]["deprecated.daemonset.template.generation"] = "1";
  const std::string hash = TemplateHash(set["spec"]["template"]);
  Json record = {{"metadata",
                  {{"name", name + "-" + hash},
                   {"namespace", ns},
                   {"labels", At(set, {"spec", "template", "metadata", "labels"})},
                   {"ownerReferences", {OwnerReference(type, set)}}}},
                 {"revision", 1},
                 {"data", {{"spec", {{"template", set["spec"]["template"]}}}}}};
  record["data"]["spec"]["template"]["$patch"] = "replace";
  Put(Type("apps", "controllerrevisions"), Stamp(std::move(record), created));
  int ready = 0;
  const int wanted = static_cast<int>(nodes_.size());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    Json pod_template = set["spec"]["template"];
    pod_template["spec"]["affinity"]["nodeAffinity"]
                ["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] = {
                    {{"matchFields",
                      {{{"key", "metadata.name"},
                        {"operator", "In"},
                        {"values", {nodes_[i].name}}}}}}};
    const Json labels = {{"controller-revision-hash", hash}, {"pod-template-generation", "1"}};
    const std::string pod_name = name + "-" + NameSuffix(target_.store.ids().Random());
    if (AddPod({ns, pod_name, name + "-", pod_template, OwnerReference(type, set), labels, created,
                nodes_[i].name})
            .ready)
      ++ready;
  }
  set["status"] = {{"currentNumberScheduled", wanted}, {"desiredNumberScheduled", wanted},
                   {"numberMisscheduled", 0},          {"numberReady", ready},
                   {"numberAvailable", ready},         {"updatedNumberScheduled", wanted},
                   {"observedGeneration", 1}};
  if (ready < wanted) set["status"]["numberUnavailable"] = wanted - ready;
  Put(type, std::move(set));
}

}  // namespace opsmesh::kubesim
