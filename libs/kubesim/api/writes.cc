#include "libs/kubesim/api/writes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/body.h"
#include "libs/kubesim/api/definitions.h"
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
  if (IsLeaving(cluster, *call.type)) {
    ApiStatus status = MethodNotAllowedStatus();
    status.message = "create not allowed while custom resource definition is terminating";
    status.group = call.type->group;
    status.kind = call.type->plural;
    status.has_details = true;
    return StatusReply(status);
  }
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
  const std::string version = TextAt(*body, {"metadata", "resourceVersion"});
  if (!RulesOf(*call.type).unconditional_update && (version.empty() || version == "0")) {
    return StatusReply(
        InvalidStatus(call.type->group, call.type->plural, call.info.name,
                      {{"FieldValueInvalid", "Invalid value: 0x0: must be specified for an update",
                        "metadata.resourceVersion"}}));
  }
  auto written = ReplaceObject(cluster, call, current, std::move(*body), true);
  if (!written.ok()) return StatusReply(written.status());
  return Written(call, std::move(*written), 200);
}

// The sentences of the decoder about a list that should be one of operations; "" when it is.
std::string OperationsFault(const Json& patch, std::vector<std::string>* unknown) {
  if (patch.is_null()) return "";
  if (!patch.is_array())
    return fmt::format("json: cannot unmarshal {} into Go value of type []handlers.jsonPatchOp",
                       GoWord(patch));
  for (size_t i = 0; i < patch.size(); ++i) {
    const Json& operation = patch[i];
    if (operation.is_null()) continue;
    if (!operation.is_object())
      return fmt::format("json: cannot unmarshal {} into Go value of type handlers.jsonPatchOp",
                         GoWord(operation));
    for (const auto& [member, value] : operation.items()) {
      const bool text = member == "op" || member == "path" || member == "from";
      if (text && !value.is_string() && !value.is_null())
        return fmt::format(
            "json: cannot unmarshal {} into Go struct field jsonPatchOp.{} of type string",
            GoWord(value), member);
      if (!text && member != "value")
        unknown->push_back(fmt::format("json patch unknown field \"[{}].{}\"", i, member));
    }
  }
  return "";
}

}  // namespace

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
                    GoWord(*patch)));
  return patch;
}

void FitKind(const ResourceType& type, Json& patched) {
  if (At(patched, "kind").is_string() || At(patched, "kind").is_null()) patched["kind"] = type.kind;
  if (At(patched, "apiVersion").is_string() || At(patched, "apiVersion").is_null())
    patched["apiVersion"] = type.ApiVersion();
}

namespace {

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

Reply HandleServerSideApply(const Cluster& cluster, Call& call) {
  const ResourceType& type = *call.type;
  const bool whole = call.info.subresource.empty();  // a part of an object makes none
  if (!whole && !FindObject(cluster, call))
    return StatusReply(NotFoundStatus(type, call.info.name));
  auto read = AppliedConfiguration(call, type);
  if (!read.ok()) return StatusReply(read.status());
  Json applied = std::move(*read);
  const std::string given_uid = TextAt(applied, {"metadata", "uid"}),
                    given_namespace = TextAt(applied, {"metadata", "namespace"}),
                    given_name = TextAt(applied, {"metadata", "name"}),
                    given_version = TextAt(applied, {"metadata", "resourceVersion"});
  if (auto refused = CheckKind(call, applied)) return StatusReply(*refused);
  if (auto refused = CheckNames(call, applied)) return StatusReply(*refused);
  if (auto refused = CheckApplied(call, type, applied, given_namespace))
    return StatusReply(*refused);
  if (type.namespaced && given_namespace.empty()) applied["metadata"].erase("namespace");
  const Writer writer = WriterOf(cluster, call);
  for (int attempt = 0; attempt < kPatchTries; ++attempt) {
    const ObjectPtr current = FindObject(cluster, call);
    if (!current && !whole) return StatusReply(NotFoundStatus(type, call.info.name));
    if (current) {
      if (auto refused = CheckVersion(call, given_version, *current)) return StatusReply(*refused);
    }
    if (!current && given_name.empty())
      return StatusReply(BadRequestStatus(fmt::format(
          "the name of the object ({} based on URL) was undeterminable: name must be provided",
          call.info.name)));
    if (!current && !given_uid.empty()) {
      return StatusReply(ConflictStatus(
          type, call.info.name,
          fmt::format("uid mismatch: the provided object specified uid {}, and no existing object "
                      "was found",
                      given_uid)));
    }
    Json live;
    if (current) live = FromStorage(type, current->Parse());
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
      call.patched_text = GoFormatted(*patch);
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
  if (call.type->storage_key == "/bindings") {
    if (auto refused = CheckWriteOptions(call)) return StatusReply(*refused);
    return HandleBinding(cluster, call);
  }
  if (IsReview(*call.type)) return HandleReview(cluster, call, tokens);
  if (call.info.verb.starts_with("delete") && call.type->storage_key == "batch/jobs")
    WarnOfOrphans(call);
  if (call.info.verb == "delete") return HandleDelete(cluster, call);
  if (call.info.verb == "deletecollection") return HandleDeleteCollection(cluster, call);
  if (auto refused = CheckWriteOptions(call)) return StatusReply(*refused);
  return HandleObjectChange(cluster, call);
}

}  // namespace opsmesh::kubesim
