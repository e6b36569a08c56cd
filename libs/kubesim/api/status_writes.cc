#include "libs/kubesim/api/status_writes.h"

#include <string>
#include <utility>

#include "libs/kubesim/api/write_owners.h"
#include "libs/kubesim/objects/kind_rules.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Kinds whose status cannot bring metadata with it.
bool KeepsMetadataOfStatus(const ResourceType& type) {
  return type.storage_key == "storage.k8s.io/volumeattachments";
}

// Addresses of a balancer are reached as they are unless somebody says otherwise.
void DefaultIngressModes(Json& service) {
  if (TextAt(service, {"spec", "type"}) != "LoadBalancer") return;
  const size_t count = ListAt(service, {"status", "loadBalancer", "ingress"}).size();
  for (size_t i = 0; i < count; ++i) {
    Json& one = service["status"]["loadBalancer"]["ingress"][i];
    if (!TextAt(one, "ip").empty() && !one.contains("ipMode")) one["ipMode"] = "VIP";
  }
}

}  // namespace

Json ObjectWithStatus(const ResourceType& type, const Json& before, const Json& object,
                      bool tracked) {
  Json kept = before;
  kept["status"] = object.contains("status") ? object["status"] : Json::object();
  if (kept["status"].is_null()) kept["status"] = Json::object();
  if (!type.custom) FillStatus(type, kept["status"]);
  if (const Json& qos = At(before, {"status", "qosClass"});
      type.storage_key == "/pods" && qos.is_string() && !kept["status"].contains("qosClass"))
    kept["status"]["qosClass"] = qos;
  if (!type.custom && !KeepsMetadataOfStatus(type)) {
    for (const char* member : {"annotations", "labels", "finalizers"}) {
      if (type.kind == "Deployment" && std::string_view(member) == "labels") continue;
      if (At(object, {"metadata", member}).is_null())
        kept["metadata"].erase(member);
      else
        kept["metadata"][member] = object["metadata"][member];
    }
  }
  if (tracked) CopyOwners(object, kept);
  if (type.storage_key == "apiextensions.k8s.io/customresourcedefinitions" &&
      ListAt(kept, {"status", "storedVersions"}).empty())
    kept["status"]["storedVersions"] = At(before, {"status", "storedVersions"});
  return kept;
}

void FinishStatus(const ResourceType& type, const Json& before, Json& object,
                  std::string_view now) {
  Json& status = object["status"];
  if (type.storage_key == "/persistentvolumes" &&
      At(status, "phase") != At(before, {"status", "phase"}))
    status["lastPhaseTransitionTime"] = now;
  if (type.storage_key == "/services") DefaultIngressModes(object);
  if (type.storage_key == "/nodes" && !status.contains("allocatable") &&
      status.contains("capacity"))
    status["allocatable"] = Json(status["capacity"]);
}

}  // namespace opsmesh::kubesim
