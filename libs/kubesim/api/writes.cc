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
#include "libs/kubesim/store/stored_json.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// As Go prints maps and lists: "map[spec:map[replicas:three]]".
std::string GoText(const Json& value) {
  std::string text;
  if (value.is_object()) {
    for (const auto& [key, item] : value.items())
      text += (text.empty() ? "" : " ") + key + ":" + GoText(item);
    return "map[" + text + "]";
  }
  if (value.is_array()) {
    for (const Json& item : value) text += (text.empty() ? "" : " ") + GoText(item);
    return "[" + text + "]";
  }
  return value.is_null() ? "<nil>" : value.is_string() ? value.get<std::string>() : value.dump();
}

constexpr int kPatchTries =
    5;  // a patch without resourceVersion is tried again when somebody wrote in between

Reply Written(const Call& call, Json object, int code) {
  const ResourceType& type = *call.type;
  if (auto refused = Unservable(type, call.accepted, false)) return StatusReply(*refused);
  object.erase("kind");
  object.erase("apiVersion");
  Object sealed;
  size_t version_at = 0;
  sealed.json = DumpStored(object, &version_at);
  return RenderedReply(RenderObject(type, sealed, call.accepted, absl::Now()), call.accepted, code);
}

Reply HandleCreate(const Cluster& cluster, Call& call) {
  auto body = ObjectOf(call);
  if (!body.ok()) return StatusReply(body.status());
  auto made = CreateObject(cluster, call, std::move(*body));
  if (!made.ok()) return StatusReply(made.status());
  return Written(call, std::move(*made), 201);
}

Reply HandlePut(const Cluster& cluster, Call& call) {
  auto body = ObjectOf(call);
  if (!body.ok()) return StatusReply(body.status());
  if (auto refused = CheckKind(call, *body)) return StatusReply(*refused);
  if (auto refused = DecodeBody(call, *body)) return StatusReply(*refused);
  if (auto refused = CheckNames(call, *body)) return StatusReply(*refused);
  const ObjectPtr current = FindObject(cluster, call);
  if (!current && call.info.subresource.empty() && RulesOf(*call.type).create_on_update) {
    (*body)["metadata"].erase("resourceVersion");
    auto made = CreateObject(cluster, call, std::move(*body));
    return made.ok() ? Written(call, std::move(*made), 201) : StatusReply(made.status());
  }
  if (!current) return StatusReply(NotFoundStatus(*call.type, call.info.name));
  if (!RulesOf(*call.type).unconditional_update &&
      TextAt(*body, {"metadata", "resourceVersion"}).empty()) {
    return StatusReply(
        InvalidStatus(call.type->group, call.type->plural, call.info.name,
                      {{"FieldValueInvalid", "Invalid value: 0x0: must be specified for an update",
                        "metadata.resourceVersion"}}));
  }
  auto written = ReplaceObject(cluster, call, current, std::move(*body), true);
  if (!written.ok()) return StatusReply(written.status());
  return Written(call, std::move(*written), 200);
}

const char* JsonWord(const Json& value) {
  return value.is_array()     ? "array"
         : value.is_object()  ? "object"
         : value.is_string()  ? "string"
         : value.is_boolean() ? "bool"
                              : "number";
}

// The sentences of the decoder about a list that should be one of operations; "" when it is.
std::string OperationsFault(const Json& patch, std::vector<std::string>* unknown) {
  if (patch.is_null()) return "";
  if (!patch.is_array())
    return fmt::format("json: cannot unmarshal {} into Go value of type []handlers.jsonPatchOp",
                       JsonWord(patch));
  for (size_t i = 0; i < patch.size(); ++i) {
    const Json& operation = patch[i];
    if (operation.is_null()) continue;
    if (!operation.is_object())
      return fmt::format("json: cannot unmarshal {} into Go value of type handlers.jsonPatchOp",
                         JsonWord(operation));
    for (const auto& [member, value] : operation.items()) {
      const bool text = member == "op" || member == "path" || member == "from";
      if (text && !value.is_string() && !value.is_null())
        return fmt::format(
            "json: cannot unmarshal {} into Go struct field jsonPatchOp.{} of type string",
            JsonWord(value), member);
      if (!text && member != "value")
        unknown->push_back(fmt::format("json patch unknown field \"[{}].{}\"", i, member));
    }
  }
  return "";
}

// The patch in the body as its kind reads it. Refusals are 400.
Outcome<Json> ReadPatch(Call& call, const std::string& media) {
  const bool lenient = call.query.Get("fieldValidation") == "Ignore";
  const bool strategic = media == "application/strategic-merge-patch+json";
  auto refuse = [&](const std::string& why) {
    return BadRequestStatus(strategic || lenient ? why : "error decoding patch: " + why);
  };
  auto patch = ParseBody(call, false);
  if (!patch.ok())
    return patch.status().code == 400 ? refuse(patch.status().message) : patch.status();
  if (TooDeep(*patch))
    return BadRequestStatus("the patch is nested deeper than the simulator takes");
  if (media == "application/json-patch+json") {
    std::vector<std::string> unknown;
    const std::string fault = OperationsFault(*patch, &unknown);
    if (!fault.empty()) return refuse(fault);
    for (std::string& sentence : call.duplicates) sentence = "json patch " + sentence;
    call.duplicates.insert(call.duplicates.begin(), unknown.begin(), unknown.end());
    if (patch->is_null()) *patch = Json::array();
    return patch;
  }
  if (patch->is_null() && !strategic) return BadRequestStatus("Invalid JSON Patch");
  if (patch->is_null()) *patch = Json::object();
  if (!patch->is_object())
    return refuse(
        fmt::format("json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                    JsonWord(*patch)));
  return patch;
}

Outcome<Json> ApplyPatch(const Call& call, const std::string& media, const Json& patch,
                         const ObjectPtr& current) {
  const ResourceType& type = *call.type;
  Json live = FromStorage(type, current->Parse());
  live["kind"] = type.kind;
  live["apiVersion"] = type.ApiVersion();
  if (media == "application/json-patch+json") return JsonPatch(live, patch);
  if (media == "application/merge-patch+json") return MergePatch(live, patch);
  return StrategicMergePatch(live, patch, SchemaOf(type));
}

// Unlike YAML in other bodies, an applied configuration may have documents after its first, which
// nobody reads.
Outcome<Json> ReadApplied(Call& call) {
  auto applied = ParseBody(call, true);
  if (!applied.ok()) {
    ApiStatus status = applied.status();
    if (status.code == 400) status.message = "error decoding YAML: " + status.message;
    return status;
  }
  if (applied->is_null()) *applied = Json::object();
  if (!applied->is_object()) {
    return BadRequestStatus(
        fmt::format("error decoding YAML: error unmarshaling JSON: while decoding JSON: json: "
                    "cannot unmarshal {} into Go value of type map[string]interface {{}}",
                    JsonWord(*applied)));
  }
  return applied;
}

// "/v1, Kind=Pod" or "apps/v1, Kind=Deployment"; a version of more than two parts is none.
std::string GoKind(const std::string& api_version, const std::string& kind) {
  const auto slashes = std::count(api_version.begin(), api_version.end(), '/');
  if (slashes > 1) return "/, Kind=";
  return fmt::format("{}{}, Kind={}", slashes == 0 ? "/" : "", api_version, kind);
}

Reply HandleServerSideApply(const Cluster& cluster, Call& call) {
  const ResourceType& type = *call.type;
  auto read = ReadApplied(call);
  if (!read.ok()) return StatusReply(read.status());
  Json applied = std::move(*read);
  // The core group may be spelled out: "/v1".
  if (TextAt(applied, "apiVersion") == "/" + type.ApiVersion())
    applied["apiVersion"] = type.ApiVersion();
  if (TextAt(applied, "apiVersion") != type.ApiVersion() || TextAt(applied, "kind") != type.kind) {
    return StatusReply(BadRequestStatus(
        "invalid object type: " + GoKind(TextAt(applied, "apiVersion"), TextAt(applied, "kind"))));
  }
  if (At(applied, {"metadata", "managedFields"}).is_array() &&
      !At(applied, {"metadata", "managedFields"}).empty()) {
    return StatusReply(BadRequestStatus("metadata.managedFields must be nil"));
  }
  const std::string given_namespace = TextAt(applied, {"metadata", "namespace"}),
                    given_version = TextAt(applied, {"metadata", "resourceVersion"});
  if (auto refused = CheckKind(call, applied)) return StatusReply(*refused);
  if (auto refused = CheckNames(call, applied)) return StatusReply(*refused);
  if (const std::string& mode = call.query.Get("fieldValidation");
      !call.duplicates.empty() && mode == "Strict") {
    return StatusReply(BadRequestStatus(
        "error strict decoding YAML: error converting YAML to JSON: " + call.duplicates.front()));
  } else if (!call.duplicates.empty() && mode != "Ignore") {
    for (std::string& line : WarningsOf(call.duplicates.front()))
      call.warnings.push_back(std::move(line));
  }
  call.duplicates.clear();
  // An applied configuration must fit its schema, whatever fieldValidation says.
  if (const std::string misfit = SchemaMisfit(type, applied); !misfit.empty()) {
    return StatusReply(InternalStatus(
        fmt::format("failed to create typed patch object ({}/{}; {}): {}", given_namespace,
                    call.info.name, GoKind(type.ApiVersion(), type.kind), misfit)));
  }
  const Writer writer = WriterOf(cluster, call);
  for (int attempt = 0; attempt < kPatchTries; ++attempt) {
    const ObjectPtr current = FindObject(cluster, call);
    if (current && !given_version.empty() &&
        given_version != std::to_string(current->resource_version))
      return StatusReply(ModifiedStatus(type, call.info.name));
    Json live;
    if (current) live = FromStorage(type, current->Parse());
    applied["metadata"]["name"] = call.info.name;
    if (type.namespaced) applied["metadata"]["namespace"] = call.info.ns;
    auto merged = Apply(live, applied, writer, call.query.Flag("force"), type);
    if (!merged.ok()) return StatusReply(merged.status());
    if (!current) {
      call.tracked = true;
      auto made = CreateObject(cluster, call, std::move(*merged));
      return made.ok() ? Written(call, std::move(*made), 201) : StatusReply(made.status());
    }
    call.tracked = true;
    auto written = ReplaceObject(cluster, call, current, std::move(*merged), false);
    if (written.ok()) return Written(call, std::move(*written), 200);
    if (written.status().reason != "Conflict" || attempt + 1 == kPatchTries)
      return StatusReply(written.status());
  }
  return StatusReply(InternalStatus("apply did not settle"));
}

// What a strategic patch makes is a struct of its type: another kind or version in it says nothing,
// unless it is no text at all.
void FitKind(const ResourceType& type, Json& patched) {
  if (At(patched, "kind").is_string() || At(patched, "kind").is_null()) patched["kind"] = type.kind;
  if (At(patched, "apiVersion").is_string() || At(patched, "apiVersion").is_null())
    patched["apiVersion"] = type.ApiVersion();
}

Reply HandlePatch(const Cluster& cluster, Call& call) {
  std::string media;
  if (auto refused = CheckPatchType(call, &media)) return StatusReply(*refused);
  if (media == "application/apply-patch+yaml") return HandleServerSideApply(cluster, call);
  ObjectPtr current = FindObject(cluster, call);
  if (!current) return StatusReply(NotFoundStatus(*call.type, call.info.name));
  auto patch = ReadPatch(call, media);
  if (!patch.ok()) return StatusReply(patch.status());
  for (int attempt = 0;; ++attempt) {
    auto patched = ApplyPatch(call, media, *patch, current);
    if (!patched.ok()) return StatusReply(patched.status());
    if (!patched->is_object())
      return StatusReply(BadRequestStatus("the patch does not leave an object"));
    call.patched_text.clear();
    if (media == "application/strategic-merge-patch+json" && !call.type->custom)
      FitKind(*call.type, *patched);
    if (media == "application/strategic-merge-patch+json")
      call.patched_text = GoText(*patch);
    else
      AppendStored(*patched, &call.patched_text);
    // The version counts only when the patch itself sets it.
    const bool pinned = TextAt(*patched, {"metadata", "resourceVersion"}) !=
                        std::to_string(current->resource_version);
    auto written = ReplaceObject(cluster, call, current, std::move(*patched), pinned);
    if (written.ok()) return Written(call, std::move(*written), 200);
    if (pinned || written.status().reason != "Conflict" || attempt + 1 == kPatchTries)
      return StatusReply(written.status());
    current = FindObject(cluster, call);
    if (!current) return StatusReply(NotFoundStatus(*call.type, call.info.name));
  }
}

}  // namespace

Reply HandleObjectChange(const Cluster& cluster, Call& call) {
  if (call.info.verb == "create") return HandleCreate(cluster, call);
  if (call.info.verb == "update") return HandlePut(cluster, call);
  return HandlePatch(cluster, call);
}

Reply HandleWrite(const Cluster& cluster, Call& call, const TokenTable& tokens) {
  if (call.type->storage_key == "/bindings") return HandleBinding(cluster, call);
  if (IsReview(*call.type)) return HandleReview(cluster, call, tokens);
  if (call.info.verb.starts_with("delete") && call.type->storage_key == "batch/jobs")
    WarnOfOrphans(call);
  if (call.info.verb == "delete") return HandleDelete(cluster, call);
  if (call.info.verb == "deletecollection") return HandleDeleteCollection(cluster, call);
  if (auto refused = CheckWriteOptions(call)) return StatusReply(*refused);
  return HandleObjectChange(cluster, call);
}

}  // namespace opsmesh::kubesim
