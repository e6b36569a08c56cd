// Everything that changes a cluster. Only the action gate holds a client that may.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/client.h"
#include "libs/kube/small_json.h"
#include "libs/kube/transport.h"

namespace opsmesh::kube {
namespace {

constexpr size_t kMaxBody = 3 << 20;  // the API server's own limit

absl::Status CheckWritable(const Transport& transport, const ApiCall& call) {
  if (!transport.options().allow_writes) {
    return NameCall(base::FailedPrecondition("READ_ONLY_CLIENT",
                                             fmt::format("Cannot {} {}: this client only reads.",
                                                         call.verb, call.what()))
                        .Hint("Changes go through the action gate, after an approval."),
                    call, transport.cluster());
  }
  const auto sound = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  };
  if (call.action_id.size() > 128 ||
      !std::all_of(call.action_id.begin(), call.action_id.end(), sound)) {
    return base::InvalidArgument("action_id", "INVALID_NAME",
                                 "An action's id has up to 128 of [A-Za-z0-9._-].");
  }
  if (call.body.size() > kMaxBody) {
    return base::InvalidArgument("body", "BODY_TOO_LARGE",
                                 "The body is larger than the 3 MiB an API server accepts.");
  }
  return absl::OkStatus();
}

absl::Status CheckTarget(const ResourceType& type, std::string_view ns, std::string_view name) {
  if (type.namespaced) OPSMESH_RETURN_IF_ERROR(CheckNamespace("namespace", ns));
  return CheckObjectName("name", name);
}

absl::Status CheckBody(std::string_view body) {
  const SmallJson json(body);
  if (json.valid()) return absl::OkStatus();
  return base::InvalidArgument("body", "MALFORMED_JSON", "The body is not well-formed JSON.");
}

void AddOptions(const WriteOptions& options, ApiCall* call) {
  if (!options.field_manager.empty())
    call->query.emplace_back("fieldManager", options.field_manager);
  if (options.dry_run) call->query.emplace_back("dryRun", "All");
  if (options.force) call->query.emplace_back("force", "true");
  call->action_id = options.action_id;
  if (!options.field_validation.empty())
    call->query.emplace_back("fieldValidation", options.field_validation);
}

/// The text of each `Warning: 299 - "text"` header.
std::vector<std::string> Warnings(const http_client::Response& response) {
  std::vector<std::string> warnings;
  for (const auto& [name, value] : response.headers) {
    if (!base::EqualsIgnoreAsciiCase(name, "Warning")) continue;
    const size_t open = value.find('"');
    const size_t close = value.rfind('"');
    if (open == std::string::npos || close <= open) continue;
    std::string text;
    for (size_t i = open + 1; i < close; ++i) {
      if (value[i] == '\\' && i + 1 < close) ++i;
      text += value[i];
    }
    warnings.push_back(base::SanitizeUtf8(text));
  }
  return warnings;
}

absl::StatusOr<WriteResult> Send(Transport& transport, const base::Context& ctx,
                                 const ApiCall& call, const Impersonation& who) {
  OPSMESH_RETURN_IF_ERROR(CheckWritable(transport, call));
  OPSMESH_ASSIGN_OR_RETURN(const auto response, transport.Do(ctx, call, who));
  WriteResult result;
  result.warnings = Warnings(response);
  result.created = response.status == 201;
  auto object = Object::Parse(response.body);
  // A Status ("Success") has no name: the write worked, there is just no object to show.
  if (object.ok() && (*object)->meta().kind != "Status") result.object = *std::move(object);
  return result;
}

std::string_view MediaType(PatchType type) {
  switch (type) {
    case PatchType::kJson:
      return "application/json-patch+json";
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kStrategic:
      return "application/strategic-merge-patch+json";
    case PatchType::kApply:
      return "application/apply-patch+yaml";
  }
  return "";
}

std::string DeleteBody(const DeleteOptions& options, std::string_view api_version) {
  JsonObject body;
  body.Add("kind", "DeleteOptions").Add("apiVersion", api_version);
  body.AddIf("propagationPolicy", options.propagation);
  if (options.grace_period_seconds)
    body.AddRaw("gracePeriodSeconds", std::to_string(*options.grace_period_seconds));
  JsonObject preconditions;
  preconditions.AddIf("uid", options.uid).AddIf("resourceVersion", options.resource_version);
  if (!preconditions.empty()) body.AddRaw("preconditions", preconditions.Take());
  return body.Take();
}

absl::StatusOr<Scale> ReadScale(const WriteResult& result) {
  if (result.object == nullptr)
    return base::Unavailable("NOT_KUBERNETES",
                             "The API server answered a scale with something else.");
  const JsonRef root = result.object->root();
  Scale scale;
  scale.spec_replicas = root["spec"]["replicas"].Int().value_or(0);
  scale.status_replicas = root["status"]["replicas"].Int().value_or(0);
  scale.resource_version = std::string(result.object->meta().resource_version);
  return scale;
}

}  // namespace

absl::StatusOr<WriteResult> Client::Create(const base::Context& ctx, const ResourceType& type,
                                           std::string_view ns, std::string_view body,
                                           const WriteOptions& options) {
  if (type.namespaced) OPSMESH_RETURN_IF_ERROR(CheckNamespace("namespace", ns));
  OPSMESH_RETURN_IF_ERROR(CheckBody(body));
  ApiCall call = CallOn("create", "POST", type, ns, "");
  call.body = body;
  AddOptions(options, &call);
  return Send(*transport_, ctx, call, who_);
}

absl::StatusOr<WriteResult> Client::Replace(const base::Context& ctx, const ResourceType& type,
                                            std::string_view ns, std::string_view name,
                                            std::string_view body, const WriteOptions& options) {
  OPSMESH_RETURN_IF_ERROR(CheckTarget(type, ns, name));
  OPSMESH_RETURN_IF_ERROR(CheckBody(body));
  ApiCall call = CallOn("update", "PUT", type, ns, name);
  call.body = body;
  AddOptions(options, &call);
  return Send(*transport_, ctx, call, who_);
}

absl::StatusOr<WriteResult> Client::Patch(const base::Context& ctx, const ResourceType& type,
                                          std::string_view ns, std::string_view name,
                                          PatchType patch_type, std::string_view body,
                                          const WriteOptions& options,
                                          std::string_view subresource) {
  OPSMESH_RETURN_IF_ERROR(CheckTarget(type, ns, name));
  if (!subresource.empty()) OPSMESH_RETURN_IF_ERROR(CheckObjectName("subresource", subresource));
  OPSMESH_RETURN_IF_ERROR(CheckBody(body));
  if (patch_type == PatchType::kApply && options.field_manager.empty()) {
    return base::InvalidArgument("field_manager", "REQUIRED",
                                 "Server-side apply needs a field manager.");
  }
  ApiCall call = CallOn("patch", "PATCH", type, ns, name, subresource);
  call.body = body;
  call.content_type = MediaType(patch_type);
  AddOptions(options, &call);
  return Send(*transport_, ctx, call, who_);
}

absl::StatusOr<WriteResult> Client::Delete(const base::Context& ctx, const ResourceType& type,
                                           std::string_view ns, std::string_view name,
                                           const DeleteOptions& options) {
  OPSMESH_RETURN_IF_ERROR(CheckTarget(type, ns, name));
  ApiCall call = CallOn("delete", "DELETE", type, ns, name);
  call.action_id = options.action_id;
  call.body = DeleteBody(options, "v1");
  if (options.dry_run) call.query.emplace_back("dryRun", "All");
  return Send(*transport_, ctx, call, who_);
}

absl::StatusOr<Scale> Client::SetScale(const base::Context& ctx, const ResourceType& type,
                                       std::string_view ns, std::string_view name, int64_t replicas,
                                       const WriteOptions& options) {
  if (replicas < 0 || replicas > INT32_MAX) {
    return base::InvalidArgument("replicas", "OUT_OF_RANGE",
                                 "The number of replicas must be between 0 and 2147483647.");
  }
  OPSMESH_ASSIGN_OR_RETURN(
      const WriteResult result,
      Patch(ctx, type, ns, name, PatchType::kMerge,
            fmt::format("{{\"spec\":{{\"replicas\":{}}}}}", replicas), options, "scale"));
  return ReadScale(result);
}

absl::Status Client::Evict(const base::Context& ctx, std::string_view ns, std::string_view pod,
                           const DeleteOptions& options) {
  const ResourceType& type = *FindBuiltin("pods");
  OPSMESH_RETURN_IF_ERROR(CheckTarget(type, ns, pod));
  ApiCall call = CallOn("create", "POST", type, ns, pod, "eviction");
  call.action_id = options.action_id;
  if (options.dry_run) call.query.emplace_back("dryRun", "All");
  DeleteOptions inner = options;
  inner.propagation.clear();
  const auto body = [&](std::string_view version) {
    JsonObject json;
    json.Add("kind", "Eviction").Add("apiVersion", version);
    json.AddRaw("metadata", JsonObject().Add("name", pod).Add("namespace", ns).Take());
    // dryRun is judged from the options inside, too.
    std::string delete_options = DeleteBody(inner, "v1");
    if (options.dry_run) delete_options.insert(delete_options.size() - 1, ",\"dryRun\":[\"All\"]");
    return json.AddRaw("deleteOptions", delete_options).Take();
  };
  call.body = body("policy/v1");
  auto result = Send(*transport_, ctx, call, who_);
  if (!result.ok() && base::DetailOf(result.status()).reason == "BAD_REQUEST") {
    // Servers before 1.22 only know this version, and say 400 to the other one before they do
    // anything.
    call.body = body("policy/v1beta1");
    result = Send(*transport_, ctx, call, who_);
  }
  return result.status();
}

}  // namespace opsmesh::kube
