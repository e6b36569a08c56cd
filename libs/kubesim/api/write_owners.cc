#include "libs/kubesim/api/write_owners.h"

#include "libs/kubesim/api/reply.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

void Track(const ResourceType& type, const Json& before, Json& object, const Writer& writer) {
  if (!NeedsConversion(type)) return TrackUpdate(before, object, writer, type);
  Json served = FromStorage(type, object);
  TrackUpdate(before.is_null() ? before : FromStorage(type, before), served, writer, type);
  if (served["metadata"].contains("managedFields"))
    object["metadata"]["managedFields"] = served["metadata"]["managedFields"];
}

void CopyOwners(const Json& from, Json& object) {
  const Json& owners = At(from, {"metadata", "managedFields"});
  if (owners.is_null())
    object["metadata"].erase("managedFields");
  else
    object["metadata"]["managedFields"] = owners;
}

void TrackReplaced(const Call& call, const Writer& writer, const Json& before, const Json& sent,
                   bool disowned, Json& object) {
  const ResourceType& type = *call.type;
  const bool status_only = call.info.subresource == "status";
  // The registry of ephemeral containers takes these and nothing else from what is sent.
  if (call.info.subresource == "ephemeralcontainers") return CopyOwners(before, object);
  if (disowned)
    object["metadata"].erase("managedFields");
  else
    CopyOwners(before, object);
  if (status_only && type.storage_key == "apiextensions.k8s.io/customresourcedefinitions") {
    // Metadata that comes with a definition's status is kept, and nobody's.
    Json own = object;
    own["metadata"] = At(before, "metadata");
    Track(type, before, own, writer);
    CopyOwners(own, object);
  } else if (status_only && type.custom) {
    // Metadata that comes with a custom resource's status is the writer's, and not kept.
    Json own = object;
    for (const char* member : {"annotations", "labels", "finalizers", "ownerReferences"}) {
      if (sent.contains(member))
        own["metadata"][member] = sent[member];
      else
        own["metadata"].erase(member);
    }
    Track(type, before, own, writer);
    CopyOwners(own, object);
  } else {
    Track(type, before, object, writer);
  }
}

}  // namespace opsmesh::kubesim
