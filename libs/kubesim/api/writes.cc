#include "libs/kubesim/api/writes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/body.h"
#include "libs/kubesim/api/deletes.h"
#include "libs/kubesim/api/reviews.h"
#include "libs/kubesim/api/write_steps.h"
#include "libs/kubesim/objects/kind_rules.h"
#include "libs/kubesim/objects/managed_fields.h"
#include "libs/kubesim/objects/patch.h"
#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// As Go prints maps and lists: "map[spec:map[replicas:three]]".
std::string GoText(const Json& value) {
  std::string text;
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) text += (text.empty() ? "" : " ") + key + ":" + GoText(item);
    return "map[" + text + "]";
  }
  if (value.is_array()) {
    for (const Json& item : value) text += (text.empty() ? "" : " ") + GoText(item);
    return "[" + text + "]";
  }
  return value.is_null() ? "<nil>" : value.is_string() ? value.get<std::string>() : value.dump();
}

constexpr int kPatchTries = 5;  // a patch without resourceVersion is tried again when somebody wrote in between

Reply Written(const Call& call, const Json& object, int code) {
  const ResourceType& type = *call.type;
  Object sealed;
  Json body = object;
  body.erase("kind");
  body.erase("apiVersion");
  sealed.json = base::DumpJson(body);
  return RenderedReply(RenderObject(type, sealed, call.accepted, absl::Now()), call.accepted, code);
}

Reply HandleCreate(const Cluster& cluster, Call& call) {
  auto body = ObjectOf(call);
  if (!body.ok()) return StatusReply(body.status());
  auto made = CreateObject(cluster, call, *std::move(body));
  if (!made.ok()) return StatusReply(made.status());
  return Written(call, *made, 201);
}

Reply HandlePut(const Cluster& cluster, Call& call) {
  auto body = ObjectOf(call);
  if (!body.ok()) return StatusReply(body.status());
  if (auto refused = CheckIdentity(call, *body)) return StatusReply(*refused);
  const ObjectPtr current = FindObject(cluster, call);
  if (!current && call.info.subresource.empty() && RulesOf(*call.type).create_on_update) {
    (*body)["metadata"].erase("resourceVersion");
    auto made = CreateObject(cluster, call, *std::move(body));
    return made.ok() ? Written(call, *made, 201) : StatusReply(made.status());
  }
  if (!current) return StatusReply(NotFoundStatus(*call.type, call.info.name));
  if (!RulesOf(*call.type).unconditional_update && TextAt(*body, {"metadata", "resourceVersion"}).empty()) {
    return StatusReply(InvalidStatus(call.type->group, call.type->kind, call.info.name, {{"FieldValueInvalid", "Invalid value: 0x0: must be specified for an update", "metadata.resourceVersion"}}));
  }
  auto written = ReplaceObject(cluster, call, current, *std::move(body), true);
  if (!written.ok()) return StatusReply(written.status());
  return Written(call, *written, 200);
}

Outcome<Json> ApplyPatch(const Cluster& cluster, Call& call, const std::string& media, const Json& patch, const ObjectPtr& current) {
  const ResourceType& type = *call.type;
  Json live = FromStorage(type, current->Parse());
  live["kind"] = type.kind;
  live["apiVersion"] = type.ApiVersion();
  if (media == "application/json-patch+json") return JsonPatch(live, patch);
  if (media == "application/merge-patch+json") return MergePatch(live, patch);
  (void)cluster;
  return StrategicMergePatch(live, patch, SchemaOf(type));
}

Reply HandleServerSideApply(const Cluster& cluster, Call& call, Json applied) {
  const ResourceType& type = *call.type;
  if (call.query.Get("fieldManager").empty()) {
    return StatusReply(InvalidStatus("meta.k8s.io", "PatchOptions", "", {{"FieldValueRequired", "Required value: is required for apply patch", "fieldManager"}}));
  }
  if (TextAt(applied, "apiVersion") != type.ApiVersion() || TextAt(applied, "kind") != type.kind) {
    return StatusReply(BadRequestStatus(fmt::format("incorrect type specified in yaml: got {}, Kind={}, want {}, Kind={}", TextAt(applied, "apiVersion"), TextAt(applied, "kind"), type.ApiVersion(), type.kind)));
  }
  if (At(applied, {"metadata", "managedFields"}).is_array() && !At(applied, {"metadata", "managedFields"}).empty()) {
    return StatusReply(BadRequestStatus("metadata.managedFields must be nil"));
  }
  if (auto refused = CheckIdentity(call, applied)) return StatusReply(*refused);
  // An applied configuration must fit its schema, whatever fieldValidation says.
  if (const std::string misfit = SchemaMisfit(type, applied); !misfit.empty()) {
    return StatusReply(InternalStatus(fmt::format("failed to create typed patch object ({}{}; {}, Kind={}): {}", type.namespaced ? call.info.ns + "/" : "/", call.info.name, type.ApiVersion(), type.kind, misfit)));
  }
  const Writer writer = WriterOf(cluster, call);
  for (int attempt = 0; attempt < kPatchTries; ++attempt) {
    const ObjectPtr current = FindObject(cluster, call);
    Json live;
    if (current) live = FromStorage(type, current->Parse());
    applied["metadata"]["name"] = call.info.name;
    if (type.namespaced) applied["metadata"]["namespace"] = call.info.ns;
    auto merged = Apply(live, applied, writer, call.query.Flag("force"), type);
    if (!merged.ok()) return StatusReply(merged.status());
    if (!current) {
      call.tracked = true;
      auto made = CreateObject(cluster, call, *std::move(merged));
      return made.ok() ? Written(call, *made, 201) : StatusReply(made.status());
    }
    call.tracked = true;
    auto written = ReplaceObject(cluster, call, current, *std::move(merged), false);
    if (written.ok()) return Written(call, *written, 200);
    if (written.status().reason != "Conflict" || attempt + 1 == kPatchTries) return StatusReply(written.status());
  }
  return StatusReply(InternalStatus("apply did not settle"));
}

Reply HandlePatch(const Cluster& cluster, Call& call) {
  const std::string media = MediaTypeOf(call);
  const bool apply = media == "application/apply-patch+yaml";
  const bool strategic = media == "application/strategic-merge-patch+json";
  if ((!apply && !strategic && media != "application/json-patch+json" && media != "application/merge-patch+json") || (strategic && call.type->custom)) {
    const char* list = call.type->custom ? "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
                                         : "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml";
    return StatusReply({.code = 415, .reason = "UnsupportedMediaType", .message = fmt::format("the body of the request was in an unknown format - accepted media types include: {}", list)});
  }
  auto patch = ParseBody(call.http.body, apply);
  if (!patch.ok()) return StatusReply(patch.status());
  if (apply) {
    if (!patch->is_object()) return StatusReply(BadRequestStatus("error decoding YAML: the applied object must be a mapping"));
    return HandleServerSideApply(cluster, call, *std::move(patch));
  }
  for (int attempt = 0;; ++attempt) {
    const ObjectPtr current = FindObject(cluster, call);
    if (!current) return StatusReply(NotFoundStatus(*call.type, call.info.name));
    auto patched = ApplyPatch(cluster, call, media, *patch, current);
    if (!patched.ok()) return StatusReply(patched.status());
    if (!patched->is_object()) return StatusReply(BadRequestStatus("the patch does not leave an object"));
    call.patched_text = strategic ? GoText(*patch) : base::DumpJson(*patched);
    if (auto refused = CheckIdentity(call, *patched)) return StatusReply(*refused);
    // The version counts only when the patch itself sets it.
    const bool pinned = TextAt(*patched, {"metadata", "resourceVersion"}) != std::to_string(current->resource_version);
    auto written = ReplaceObject(cluster, call, current, *std::move(patched), pinned);
    if (written.ok()) return Written(call, *written, 200);
    if (pinned || written.status().reason != "Conflict" || attempt + 1 == kPatchTries) return StatusReply(written.status());
  }
}

}  // namespace

Reply HandleObjectChange(const Cluster& cluster, Call& call) {
  if (call.info.verb == "create") return HandleCreate(cluster, call);
  if (call.info.verb == "update") return HandlePut(cluster, call);
  return HandlePatch(cluster, call);
}

Reply HandleWrite(const Cluster& cluster, Call& call, TokenTable& tokens) {
  if (IsReview(*call.type)) return HandleReview(cluster, call, tokens);
  if (auto refused = CheckWriteOptions(call)) return StatusReply(*refused);
  if (call.info.verb == "delete") return HandleDelete(cluster, call);
  if (call.info.verb == "deletecollection") return HandleDeleteCollection(cluster, call);
  return HandleObjectChange(cluster, call);
}

}  // namespace opsmesh::kubesim
