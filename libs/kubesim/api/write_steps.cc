#include "libs/kubesim/api/write_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/api/admission.h"
#include "libs/kubesim/api/certificate_requests.h"
#include "libs/kubesim/api/definitions.h"
#include "libs/kubesim/api/ephemeral_writes.h"
#include "libs/kubesim/api/node_restriction.h"
#include "libs/kubesim/api/quota.h"
#include "libs/kubesim/api/service_addresses.h"
#include "libs/kubesim/api/status_writes.h"
#include "libs/kubesim/api/write_owners.h"
#include "libs/kubesim/objects/app_armor.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/go_values.h"
#include "libs/kubesim/objects/kind_rules.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/objects/warnings.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/stored_json.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxObjectBytes = 1536 << 10;  // etcd's limit

bool HasStatusSubresource(const ResourceType& type) {
  return type.FindSubresource("status") != nullptr;
}

MaybeStatus TooLarge(const ResourceType& type, const Json& object) {
  std::string text;
  AppendStored(object, &text);
  if (text.size() <= kMaxObjectBytes) return std::nullopt;
  (void)type;
  return ApiStatus{.code = 413,
                   .reason = "RequestEntityTooLarge",
                   .message = "etcdserver: request is too large"};
}

// stringData is another way to write data, never kept.
void FoldStringData(const ResourceType& type, Json& object) {
  if (type.storage_key != "/secrets" || !object.contains("stringData")) return;
  if (object["stringData"].is_object()) {
    for (const auto& [name, value] : object["stringData"].items())
      object["data"][name] = base::Base64Encode(Scalar(value));
  }
  object.erase("stringData");
}

// What a kind's group is in sentences: Events of both groups are judged as the core's.
std::string KindGroup(const ResourceType& type) {
  return type.storage_key == "/events" ? "" : type.group;
}

// Kinds that hold numbers of no type of their own: those of the bounds in a schema, too.
bool HasFreeNumbers(const ResourceType& type) {
  return type.custom || type.storage_key == "apiextensions.k8s.io/customresourcedefinitions";
}

// Whether a change is one of what was asked for: a new generation.
bool CountsAsGeneration(const ResourceType& type, const Json& before, const Json& object) {
  auto differs = [&](std::initializer_list<const char*> path) {
    return At(object, path) != At(before, path);
  };
  if (type.storage_key == "apps/deployments" && differs({"metadata", "annotations"})) return true;
  if (type.storage_key == "discovery.k8s.io/endpointslices") {
    return differs({"endpoints"}) || differs({"ports"}) || differs({"addressType"}) ||
           differs({"metadata", "labels"});
  }
  for (const char* member : {"spec", "template", "webhooks"}) {
    if (differs({member})) return true;
  }
  return false;
}

// Drops what clients may not set.
void ClearServerFields(Json& metadata) {
  // Kinds that do not count generations keep what they are given.
  for (const char* member : {"uid", "creationTimestamp", "resourceVersion", "deletionTimestamp",
                             "deletionGracePeriodSeconds", "selfLink"})
    metadata.erase(member);
}

// What was taken but had better be said otherwise. It is said again when a write is tried again:
// the headers say each once.
void Warn(Call& call, const Json& object, const Json& before) {
  for (std::string& warning : WarningsAbout(*call.type, object, before))
    call.warnings.push_back(std::move(warning));
}

// A namespace whose name the server chose gets its label after everybody has looked.
void DropNameLabel(Json& space) {
  Json& labels = space["metadata"]["labels"];
  if (labels.is_object()) labels.erase("kubernetes.io/metadata.name");
  if (labels.empty()) space["metadata"].erase("labels");
}

// Who makes an object whose namesake is on its way out is told so.
ApiStatus ThereAlready(const Cluster& cluster, const Call& call, const std::string& name) {
  const ResourceType& type = *call.type;
  ApiStatus status = AlreadyExistsStatus(type, name);
  const ObjectPtr there = cluster.store.Get(type, type.namespaced ? call.info.ns : "", name);
  if (there && !TextAt(there->Parse(), {"metadata", "deletionTimestamp"}).empty())
    status.message = "object is being deleted: " + status.message;
  return status;
}

// A version that objects are stored in from now on is one that was stored in.
void CountStoredVersion(Json& definition) {
  Json& stored = definition["status"]["storedVersions"];
  if (!stored.is_array()) stored = Json::array();
  for (const Json& version : ListAt(definition, {"spec", "versions"})) {
    if (!BoolAt(version, {"storage"})) continue;
    if (std::find(stored.begin(), stored.end(), version["name"]) == stored.end())
      stored.push_back(version["name"]);
  }
}

// What is wrong with a changed object: ephemeral containers come by a way of their own.
std::vector<Cause> ValidateChange(const Call& call, const Json& object, const Json& before) {
  if (call.info.subresource != "ephemeralcontainers") return Validate(*call.type, object, before);
  auto causes = Validate(*call.type, object, WithEphemeralContainers(before, object));
  CheckEphemeralContainers(causes, object, before);
  return causes;
}

// Gives what was changed to who writes: what is allocated and admitted afterwards is nobody's.
void TrackChange(const Cluster& cluster, const Call& call, const Json& before, Json& object,
                 const Json& sent, bool disowned) {
  if (!call.tracked || call.info.subresource == "ephemeralcontainers")
    TrackReplaced(call, WriterOf(cluster, call), before, sent, disowned, object);
}

Json Served(const ResourceType& type, Json object) {
  object = FromStorage(type, std::move(object));
  object["kind"] = type.kind;
  object["apiVersion"] = type.ApiVersion();
  return object;
}

}  // namespace

Outcome<Json> CreateObject(const Cluster& cluster, Call& call, Json object) {
  const ResourceType& type = *call.type;
  if (auto refused = CheckKind(call, object)) return *refused;
  if (auto refused = DecodeBody(call, object)) return *refused;
  if (auto refused = CheckNames(call, object)) return *refused;
  Json& metadata = object["metadata"];
  if (!TextAt(metadata, "resourceVersion").empty() && !IsDryRun(call))
    return InternalStatus("resourceVersion should not be set on objects to be created");
  const Json version = At(metadata, "resourceVersion");
  ClearServerFields(metadata);
  const bool generated = TextAt(metadata, "name").empty();
  const std::string admitted = TextAt(metadata, generated ? "generateName" : "name");
  if (TextAt(metadata, "name").empty() && !TextAt(metadata, "generateName").empty()) {
    metadata["name"] =
        TextAt(metadata, "generateName").substr(0, 58) + NameSuffix(cluster.store.ids().Random());
  }
  if (TextAt(metadata, "name").empty() && type.storage_key == "/limitranges")
    metadata["name"] = cluster.store.ids().NewUuid();
  if (TextAt(metadata, "name").empty()) {
    return InvalidStatus(KindGroup(type), type.kind, "",
                         {{"FieldValueRequired", "Required value: name or generateName is required",
                           "metadata.name"}});
  }
  if (auto refused = CheckNamespace(cluster, type, call.info.ns, admitted)) return *refused;
  object = ToStorage(type, std::move(object));
  FoldStringData(type, object);
  // A kubelet registers its node with what it found; all other status comes later.
  if (HasStatusSubresource(type) && type.storage_key != "/nodes") object.erase("status");
  ApplyDefaults(StorageTypeOf(cluster, type), object);
  // Fields belong to who sent them; what admission and allocation add belongs to nobody.
  if (!call.tracked) {
    object["metadata"].erase("managedFields");
    if (generated && type.storage_key == "/namespaces") {
      Json bare = object;
      DropNameLabel(bare);
      Track(type, nullptr, bare, WriterOf(cluster, call));
      CopyOwners(bare, object);
    } else if (type.storage_key == "/nodes") {  // what a node says of itself is nobody's
      Json bare = object;
      bare.erase("status");
      Track(type, nullptr, bare, WriterOf(cluster, call));
      CopyOwners(bare, object);
    } else {
      Track(type, nullptr, object, WriterOf(cluster, call));
    }
  }
  if (type.storage_key != "/pods") {  // those wait for their service account
    if (auto refused = RestrictNode(cluster, call, object, Json())) return *refused;
  }
  if (auto refused = AdmitSigningRequest(cluster, call, object, Json())) return *refused;
  object["metadata"]["uid"] = cluster.store.ids().NewUuid();
  PrepareForCreate(type, object, base::Rfc3339(cluster.clock.Now()));
  if (type.storage_key == "/pods") {
    for (std::string& warning : AlignAppArmor(object)) call.warnings.push_back(std::move(warning));
  }
  if (auto refused = Admit(cluster, call, object, nullptr)) return *refused;
  auto causes = Validate(type, object, nullptr);
  if (generated && type.storage_key == "/namespaces")
    std::erase_if(causes, [](const Cause& cause) { return cause.field == "metadata.labels"; });
  if (!causes.empty())
    return InvalidStatus(KindGroup(type), type.kind, TextAt(object, {"metadata", "name"}),
                         std::move(causes));
  Warn(call, object, nullptr);
  if (auto refused = CheckMayCreate(cluster, call)) return *refused;
  if (auto refused = AdmitValid(cluster, call, object, nullptr)) return *refused;
  if (HasFreeNumbers(type)) WriteWholeNumbers(object);
  if (auto refused = TooLarge(type, object)) return *refused;
  const std::string name = TextAt(object, {"metadata", "name"});
  if (IsDryRun(call)) {
    if (cluster.store.Get(type, type.namespaced ? call.info.ns : "", name))
      return ThereAlready(cluster, call, name);
    object["metadata"]["creationTimestamp"] = base::Rfc3339(cluster.clock.Now());
    if (version.is_string()) object["metadata"]["resourceVersion"] = version;
    return Served(type, std::move(object));
  }
  Json sealed;
  auto made = cluster.store.Create(StorageTypeOf(cluster, type), std::move(object), true, &sealed);
  if (!made.ok()) {
    ApiStatus status = made.status();
    return status.reason == "AlreadyExists" ? ThereAlready(cluster, call, name) : status;
  }
  AfterWrite(cluster, type, **made);
  ChargeQuotas(cluster, type, sealed, nullptr);
  return Served(type, std::move(sealed));
}

Outcome<Json> ReplaceObject(const Cluster& cluster, Call& call, const ObjectPtr& current,
                            Json object, bool check_version) {
  const ResourceType& type = *call.type;
  if (auto refused = CheckKind(call, object)) return *refused;
  if (auto refused = DecodeBody(call, object)) return *refused;
  if (auto refused = CheckNames(call, object)) return *refused;
  const Json before = current->Parse();
  Json& metadata = object["metadata"];
  const std::string wanted = TextAt(metadata, "resourceVersion");
  // One empty entry asks that nobody own anything any more.
  const bool disowned = At(metadata, "managedFields") == Json::array({Json::object()});
  if (check_version) {
    if (auto refused = CheckVersion(call, wanted, *current)) return *refused;
  }
  if (const std::string uid = TextAt(metadata, "uid"); !uid.empty() && uid != current->uid) {
    if (call.info.verb == "patch") {
      const Cause cause{"FieldValueInvalid",
                        fmt::format("Invalid value: \"{}\": field is immutable", uid),
                        "metadata.uid"};
      std::vector<Cause> causes = {cause};
      if (!type.custom && RulesOf(type).metadata_compared > 0) causes.push_back(cause);
      if (type.storage_key == "batch/jobs") {  // its selector and labels carry its uid
        Json whole = object;
        ApplyDefaults(type, whole);
        for (Cause& more : Validate(type, whole, before)) causes.push_back(std::move(more));
      }
      return InvalidStatus(KindGroup(type), type.kind, call.info.name, std::move(causes));
    }
    return UnmetStatus(call, type, *current, "UID", uid, current->uid);
  }
  object = ToStorage(type, std::move(object));
  FoldStringData(type, object);
  const bool status_only = call.info.subresource == "status";
  const Json sent = status_only && type.custom ? At(object, "metadata") : Json();
  if (status_only) {
    object = ObjectWithStatus(type, before, object, call.tracked);
    if (type.storage_key == "apps/daemonsets") CountTemplate(before, object);
  } else if (call.info.subresource == "ephemeralcontainers") {
    object = WithEphemeralContainers(before, object);
  } else if (call.info.subresource == "approval") {
    object = ApprovedForm(before, object, base::Rfc3339(cluster.clock.Now()));
  } else if (HasStatusSubresource(type)) {
    if (before.contains("status"))
      object["status"] = before["status"];
    else
      object.erase("status");
  }
  if (!status_only && type.storage_key == "apiextensions.k8s.io/customresourcedefinitions")
    CountStoredVersion(object);
  if (auto refused = RestrictNode(cluster, call, object, before)) return *refused;
  if (auto refused = AdmitSigningRequest(cluster, call, object, before)) return *refused;
  Json& meta = object["metadata"];
  for (const char* member : {"uid", "creationTimestamp", "generation"}) {
    if (before["metadata"].contains(member))
      meta[member] = before["metadata"][member];
    else
      meta.erase(member);
  }
  // A deletion is not taken back; that nobody begins one so is said by validation.
  for (const char* member : {"deletionTimestamp", "deletionGracePeriodSeconds"}) {
    const bool time = std::string_view(member) == "deletionTimestamp";
    if (before["metadata"].contains(member) && (time || At(meta, member).is_null()))
      meta[member] = before["metadata"][member];
    else if (At(meta, member).is_null())
      meta.erase(member);
  }
  meta["resourceVersion"] = std::to_string(current->resource_version);
  if (!status_only) {
    const ResourceType& stored = StorageTypeOf(cluster, type);
    if (type.storage_key == "/namespaces" && call.info.subresource != "finalize")
      object["spec"] = before["spec"];
    ApplyDefaults(stored, object);
    TrackChange(cluster, call, before, object, sent, disowned);
    if (type.storage_key == "/services") KeepAllocated(before, object);
    DropUnservedFields(stored, object, before);
    if (type.storage_key == "/pods" && call.info.subresource.empty() &&
        At(object, "spec").is_object())
      AddDefaultTolerations(object["spec"]);
    if (auto refused = Admit(cluster, call, object, before)) return *refused;
    auto causes = ValidateChange(call, object, before);
    if (!causes.empty())
      return InvalidStatus(KindGroup(type), type.kind, call.info.name, std::move(causes));
    if (call.info.subresource.empty()) Warn(call, object, before);
    if (auto refused = AdmitValid(cluster, call, object, before)) return *refused;
    if (type.storage_key == "apps/daemonsets") CountTemplate(before, object);
    if (CountsAsGeneration(type, before, object)) {
      if (before["metadata"].contains("generation"))
        meta["generation"] = IntAt(before, {"metadata", "generation"}) + 1;
    }
  }
  if (status_only) TrackChange(cluster, call, before, object, sent, disowned);
  if (status_only) FinishStatus(type, before, object, base::Rfc3339(cluster.clock.Now()));
  if (status_only && !type.custom) {
    auto causes = ValidateStatus(type, object, before);
    if (!causes.empty())
      return InvalidStatus(KindGroup(type), type.kind, call.info.name, std::move(causes));
  }
  if (status_only && type.custom) {
    auto causes = Validate(type, object, before);
    for (Cause& cause : causes) {  // said as seen from the status
      const size_t at = cause.message.find(cause.field + " in body");
      if (at != std::string::npos && cause.field.starts_with("status."))
        cause.message.erase(at, std::string_view("status.").size());
    }
    if (!causes.empty())
      return InvalidStatus(type.group, type.kind, call.info.name, std::move(causes));
  }
  if (HasFreeNumbers(type)) WriteWholeNumbers(object);
  if (auto refused = TooLarge(type, object)) return *refused;
  if (IsDryRun(call)) return Served(type, std::move(object));
  // The last finalizer of a deleted object takes it away.
  const bool finalized = call.info.subresource == "finalize" &&
                         !TextAt(object, {"metadata", "deletionTimestamp"}).empty() &&
                         ListAt(object, {"spec", "finalizers"}).empty() &&
                         ListAt(object, {"metadata", "finalizers"}).empty();
  if (finalized) {
    auto removed = cluster.store.Remove(type, current->ns, current->name, current->uid,
                                        current->resource_version);
    if (!removed.ok()) return removed.status();
    return Served(type, std::move(object));
  }
  if (!TextAt(object, {"metadata", "deletionTimestamp"}).empty() &&
      ListAt(object, {"metadata", "finalizers"}).empty() &&
      !ListAt(before, {"metadata", "finalizers"}).empty() &&
      IntAt(object, {"metadata", "deletionGracePeriodSeconds"}) == 0) {
    auto removed = cluster.store.Remove(type, current->ns, current->name, current->uid,
                                        current->resource_version);
    if (!removed.ok()) return removed.status();
    if (type.custom) EndLeaving(cluster, type);
    if (type.storage_key == "apiextensions.k8s.io/customresourcedefinitions")
      ForgetDefinition(cluster, before);
    return Served(type, std::move(object));
  }
  Json sealed;
  auto written = cluster.store.Update(StorageTypeOf(cluster, type), std::move(object),
                                      current->resource_version, &sealed);
  if (!written.ok())
    return written.status().reason == "Conflict" ? ModifiedStatus(type, call.info.name)
                                                 : written.status();
  AfterWrite(cluster, type, **written);
  if (sealed.is_null()) sealed = (*written)->Parse();
  ChargeQuotas(cluster, type, sealed, before);
  return Served(type, std::move(sealed));
}

}  // namespace opsmesh::kubesim
