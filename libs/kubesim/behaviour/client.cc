#include "libs/kubesim/behaviour/client.h"

#include "libs/kubesim/api/definitions.h"
#include "libs/kubesim/api/deletes.h"
#include "libs/kubesim/api/write_steps.h"
#include "libs/kubesim/behaviour/engine.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int kTries = 5;

const http_server::Request& NoRequest() {
  static const auto* request = new http_server::Request();
  return *request;
}

}  // namespace

Outcome<ObjectPtr> Client::Create(const ResourceType& type, Json object) {
  RequestInfo info;
  info.is_resource = true;
  info.verb = "create";
  info.group = type.group;
  info.version = type.version;
  info.resource = type.plural;
  info.ns = TextAt(object, {"metadata", "namespace"});
  Call call{.http = NoRequest(),
            .info = std::move(info),
            .query = Query(),
            .user = User{},
            .accepted = Accepted{},
            .type = &type,
            .tracked = true,
            .warnings = {}};
  call.user.name = "system:kube-controller-manager";
  call.user.groups = {"system:authenticated", "system:masters"};
  auto made = CreateObject(cluster_, call, std::move(object));
  if (!made.ok()) return made.status();
  ObjectPtr stored = cluster_.store.Get(type, TextAt(*made, {"metadata", "namespace"}),
                                        TextAt(*made, {"metadata", "name"}));
  if (!stored) return NotFoundStatus(type, TextAt(*made, {"metadata", "name"}));
  if (&StorageTypeOf(cluster_, type) == &type &&
      TextAt(*made, {"metadata", "resourceVersion"}) == std::to_string(stored->resource_version)) {
    // What was answered is what is stored, but for these.
    made->erase("kind");
    made->erase("apiVersion");
    engine_.Remember(stored, std::move(*made));
  }
  return stored;
}

Outcome<ObjectPtr> Client::Put(const ResourceType& type, Json object) {
  Json& metadata = object["metadata"];
  if (TextAt(metadata, "name").empty() && !TextAt(metadata, "generateName").empty()) {
    metadata["name"] =
        TextAt(metadata, "generateName").substr(0, 58) + NameSuffix(cluster_.store.ids().Random());
  }
  ApplyDefaults(type, object);
  Json sealed;
  auto made = cluster_.store.Create(type, std::move(object), true, &sealed);
  if (made.ok()) engine_.Remember(*made, std::move(sealed));
  return made;
}

Outcome<ObjectPtr> Client::Change(const ResourceType& type, std::string_view ns,
                                  std::string_view name, const Edit& change,
                                  std::string_view expected_uid) {
  for (int attempt = 0;; ++attempt) {
    const ObjectPtr current = cluster_.store.Get(type, ns, name);
    if (!current || (!expected_uid.empty() && current->uid != expected_uid))
      return NotFoundStatus(type, name);
    const auto before = engine_.Parsed(current);
    Json object = *before;
    const bool had_finalizers = !ListAt(object, {"metadata", "finalizers"}).empty();
    if (!change(object)) return current;
    Json& metadata = object["metadata"];
    if (metadata.contains("generation") && At(object, "spec") != At(*before, "spec"))
      metadata["generation"] = IntAt(metadata, "generation") + 1;
    const bool last_finalizer = had_finalizers && ListAt(metadata, {"finalizers"}).empty() &&
                                metadata.contains("deletionTimestamp") &&
                                IntAt(metadata, "deletionGracePeriodSeconds") == 0;
    Json sealed;
    auto written =
        last_finalizer
            ? cluster_.store.Remove(type, ns, name, current->uid, current->resource_version)
            : cluster_.store.Update(type, std::move(object), current->resource_version, &sealed);
    if (!sealed.is_null()) engine_.Remember(*written, std::move(sealed));
    if (last_finalizer && type.custom && written.ok()) EndLeaving(cluster_, type);
    if (written.ok() || written.status().reason != "Conflict" || attempt + 1 == kTries)
      return written;
  }
}

MaybeStatus Client::Delete(const ResourceType& type, std::string_view ns, std::string_view name,
                           const Json& options, std::string_view expected_uid) {
  for (int attempt = 0;; ++attempt) {
    const ObjectPtr current = cluster_.store.Get(type, ns, name);
    if (!current || (!expected_uid.empty() && current->uid != expected_uid))
      return NotFoundStatus(type, name);
    auto deleted = DeleteObject(cluster_, type, current, options, false);
    if (deleted.ok()) return std::nullopt;
    if (deleted.status().reason != "Conflict" || attempt + 1 == kTries) return deleted.status();
  }
}

MaybeStatus Client::Remove(const ResourceType& type, std::string_view ns, std::string_view name,
                           std::string_view expected_uid) {
  const ObjectPtr current = cluster_.store.Get(type, ns, name);
  if (!current || (!expected_uid.empty() && current->uid != expected_uid))
    return NotFoundStatus(type, name);
  if (current->json.find("\"finalizers\":") != std::string::npos &&
      !ListAt(current->Parse(), {"metadata", "finalizers"}).empty()) {
    auto marked = Change(
        type, ns, name,
        [&](Json& object) {
          Json& metadata = object["metadata"];
          if (!metadata.contains("deletionTimestamp"))
            metadata["deletionTimestamp"] = base::Rfc3339(cluster_.clock.Now());
          metadata["deletionGracePeriodSeconds"] = 0;
          return true;
        },
        expected_uid);
    if (marked.ok()) return std::nullopt;
    return marked.status();
  }
  auto removed = cluster_.store.Remove(type, ns, name, expected_uid);
  if (!removed.ok()) return removed.status();
  if (type.custom) EndLeaving(cluster_, type);
  return std::nullopt;
}

}  // namespace opsmesh::kubesim
