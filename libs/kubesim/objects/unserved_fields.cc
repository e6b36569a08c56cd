// Fields that 1.32 knows but serves only where a feature is turned on: written, they are gone.
#include <string>

#include "libs/kubesim/objects/kind_rules.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// The pod's spec within an object that is or makes pods; null for others.
Json* PodSpecOf(const std::string& key, Json& object) {
  static constexpr std::initializer_list<const char*> kTemplated = {
      "apps/deployments", "apps/replicasets",        "apps/statefulsets",
      "apps/daemonsets",  "/replicationcontrollers", "batch/jobs"};
  std::vector<const char*> path;
  if (key == "/pods") path = {"spec"};
  if (key == "/podtemplates") path = {"template", "spec"};
  if (key == "batch/cronjobs") path = {"spec", "jobTemplate", "spec", "template", "spec"};
  for (const char* one : kTemplated) {
    if (key == one) path = {"spec", "template", "spec"};
  }
  Json* here = path.empty() ? nullptr : &object;
  for (const char* member : path) {
    if (!here->is_object() || !here->contains(member)) return nullptr;
    here = &(*here)[member];
  }
  return here != nullptr && here->is_object() ? here : nullptr;
}

void DropImageVolumes(Json& spec) {
  if (!spec.contains("volumes") || !spec["volumes"].is_array()) return;
  Json kept = Json::array(), gone = Json::array();
  for (Json& volume : spec["volumes"]) {
    if (At(volume, "image").is_object())
      gone.push_back(TextAt(volume, "name"));
    else
      kept.push_back(std::move(volume));
  }
  if (kept.empty())
    spec.erase("volumes");
  else
    spec["volumes"] = std::move(kept);
  if (gone.empty()) return;
  for (const char* list : {"containers", "initContainers", "ephemeralContainers"}) {
    if (!spec.contains(list)) continue;
    for (Json& container : spec[list]) {
      if (!At(container, "volumeMounts").is_array()) continue;
      Json mounts = Json::array();
      for (Json& mount : container["volumeMounts"]) {
        bool drop = false;
        for (const Json& name : gone) drop = drop || name == TextAt(mount, "name");
        if (!drop) mounts.push_back(std::move(mount));
      }
      if (mounts.empty())
        container.erase("volumeMounts");
      else
        container["volumeMounts"] = std::move(mounts);
    }
  }
}

void DropFromContainer(Json& container) {
  if (!container.is_object()) return;
  container.erase("resizePolicy");
  if (container.contains("resources") && container["resources"].is_object())
    container["resources"].erase("claims");
  if (!At(container, {"securityContext", "procMount"}).is_null())
    container["securityContext"]["procMount"] = "Default";
}

void DropFromPod(Json& spec) {
  for (const char* member : {"hostUsers", "resources", "resourceClaims"}) spec.erase(member);
  if (spec.contains("securityContext") && spec["securityContext"].is_object()) {
    for (const char* member : {"supplementalGroupsPolicy", "seLinuxChangePolicy"})
      spec["securityContext"].erase(member);
  }
  for (const char* list : {"containers", "initContainers", "ephemeralContainers"}) {
    if (!spec.contains(list) || !spec[list].is_array()) continue;
    for (Json& container : spec[list]) DropFromContainer(container);
  }
  if (spec.contains("volumes") && spec["volumes"].is_array()) {
    for (Json& volume : spec["volumes"]) {
      if (!At(volume, {"projected", "sources"}).is_array()) continue;
      for (Json& source : volume["projected"]["sources"]) {
        if (source.is_object()) source.erase("clusterTrustBundle");
      }
    }
  }
  DropImageVolumes(spec);
}

// A claim says what it is filled from in one of two ways; both are kept alike.
void AlignSources(Json& spec) {
  if (!TextAt(spec, {"dataSourceRef", "namespace"}).empty()) spec.erase("dataSourceRef");
  const bool any = At(spec, "dataSourceRef").is_object();
  if (At(spec, "dataSource").is_object() && !any) {
    const std::string group = TextAt(spec, {"dataSource", "apiGroup"}),
                      kind = TextAt(spec, {"dataSource", "kind"});
    const bool old = (group.empty() && kind == "PersistentVolumeClaim") ||
                     (group == "snapshot.storage.k8s.io" && kind == "VolumeSnapshot");
    if (!old) {  // as before there was the other way
      spec.erase("dataSource");
      return;
    }
    spec["dataSourceRef"] = spec["dataSource"];
  } else if (any && !At(spec, "dataSource").is_object()) {
    spec["dataSource"] = spec["dataSourceRef"];
    spec["dataSource"].erase("namespace");
  }
}

void Drop(const std::string& key, Json& object) {
  if (Json* spec = PodSpecOf(key, object)) DropFromPod(*spec);
  if (key == "apps/statefulsets" &&
      At(object, {"spec", "updateStrategy", "rollingUpdate"}).is_object())
    object["spec"]["updateStrategy"]["rollingUpdate"].erase("maxUnavailable");
  const bool claim = key == "/persistentvolumeclaims";
  if ((claim || key == "/persistentvolumes") && At(object, "spec").is_object())
    object["spec"].erase("volumeAttributesClassName");
  if (claim && At(object, "spec").is_object()) AlignSources(object["spec"]);
  if (key == "/nodes" && At(object, "spec").is_object()) object["spec"].erase("configSource");
  if (key == "discovery.k8s.io/endpointslices" && At(object, "endpoints").is_array()) {
    for (Json& endpoint : object["endpoints"]) {
      if (endpoint.is_object()) endpoint.erase("deprecatedTopology");  // of v1beta1
    }
  }
}

}  // namespace

void DropUnservedFields(const ResourceType& type, Json& object, const Json& before) {
  if (before.is_object()) {  // who has them keeps them
    Json without = before;
    Drop(type.storage_key, without);
    if (without != before) return;
  }
  Drop(type.storage_key, object);
}

}  // namespace opsmesh::kubesim
