// status, scale, eviction, binding, token and the ones that need processes.
#include <fmt/format.h>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/body.h"
#include "libs/kubesim/api/deletes.h"
#include "libs/kubesim/api/node_restriction.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/api/write_steps.h"
#include "libs/kubesim/api/writes.h"
#include "libs/kubesim/objects/patch.h"
#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/selectors.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

Reply Success(int code) {
  return JsonReply({{"kind", "Status"},
                    {"apiVersion", "v1"},
                    {"metadata", Json::object()},
                    {"status", "Success"},
                    {"code", code}},
                   code);
}

// -- scale --

// Where a kind keeps what a Scale shows; custom resources say so in their definition.
struct ScalePaths {
  std::vector<std::string> wanted = {"spec", "replicas"}, there = {"status", "replicas"}, selector;
};

ScalePaths PathsOf(const ResourceType& type) {
  ScalePaths paths;
  if (!type.custom || !type.definition) return paths;
  auto read = [&](const char* member, std::vector<std::string>* path) {
    path->clear();
    const std::string text = TextAt(*type.definition, {"subresources", "scale", member});
    for (std::string_view part : base::Split(text, '.')) {
      if (!part.empty()) path->emplace_back(part);
    }
  };
  read("specReplicasPath", &paths.wanted);
  read("statusReplicasPath", &paths.there);
  read("labelSelectorPath", &paths.selector);
  return paths;
}

const Json& Follow(const Json& object, const std::vector<std::string>& path) {
  const Json* node = &object;
  for (const std::string& part : path) node = &At(*node, part.c_str());
  return *node;
}

Json ScaleOf(const ResourceType& type, const Json& object) {
  const ScalePaths paths = PathsOf(type);
  Json metadata = Json::object();
  for (const char* member : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (const Json& value = At(object, {"metadata", member}); !value.is_null())
      metadata[member] = value;
  }
  const Json& there = Follow(object, paths.there);
  Json scale = {{"kind", "Scale"},
                {"apiVersion", "autoscaling/v1"},
                {"metadata", metadata},
                {"spec", Json::object()},
                {"status", {{"replicas", there.is_number_integer() ? there : Json(0)}}}};
  if (type.custom) {
    if (const Json& selector = Follow(object, paths.selector);
        !paths.selector.empty() && selector.is_string())
      scale["status"]["selector"] = selector;
  } else {
    const Json& selector = At(object, {"spec", "selector"});
    const bool plain = selector.is_object() && !selector.contains("matchLabels") &&
                       !selector.contains("matchExpressions");
    scale["status"]["selector"] =
        (plain ? LabelSelector::FromMap(selector) : LabelSelector::FromObject(selector)).ToString();
  }
  const Json& wanted = Follow(object, paths.wanted);
  const int64_t replicas = wanted.is_number_integer() ? wanted.get<int64_t>() : type.custom ? 0 : 1;
  if (replicas != 0) scale["spec"]["replicas"] = replicas;
  return scale;
}

Outcome<Json> WantedScale(Call& call, const Json& now) {
  if (call.info.verb == "update") {
    auto body = ObjectOf(call, "Scale");
    if (!body.ok()) return body.status();
    if (TextAt(*body, "kind") != "Scale")
      return BadRequestStatus(fmt::format(
          "{0} in version \"v1\" cannot be handled as a Scale: no kind \"{0}\" is registered for "
          "version \"autoscaling/v1\" in scheme \"pkg/api/legacyscheme/scheme.go:30\"",
          TextAt(*body, "kind")));
    return std::move(*body);
  }
  std::string media;
  if (auto refused = CheckPatchType(call, &media)) return *refused;
  auto patch = ParseBody(call, media == "application/apply-patch+yaml");
  if (!patch.ok()) return patch.status();
  if (TooDeep(*patch))
    return BadRequestStatus("the patch is nested deeper than the simulator takes");
  if (media == "application/json-patch+json") return JsonPatch(now, *patch);
  if (media == "application/strategic-merge-patch+json")
    return StrategicMergePatch(now, *patch, SchemaOf("autoscaling/v1", "Scale"));
  if (!patch->is_object())
    return BadRequestStatus(
        "error decoding patch: json: cannot unmarshal into Go value of type map[string]interface "
        "{}");
  return MergePatch(now, *patch);
}

// What a PUT or a patched Scale says of itself against the path.
MaybeStatus CheckScaleNames(const Call& call, const Json& scale) {
  const std::string name = TextAt(scale, {"metadata", "name"}),
                    ns = TextAt(scale, {"metadata", "namespace"});
  if (!ns.empty() && ns != call.info.ns)
    return BadRequestStatus(
        "the namespace of the provided object does not match the namespace sent on the request");
  if (name.empty())
    return BadRequestStatus(fmt::format(
        "the name of the object ({} based on URL) was undeterminable: name must be provided",
        call.info.name));
  if (name != call.info.name)
    return BadRequestStatus(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name,
                    call.info.name));
  return std::nullopt;
}

// Each registry says in its own way what was not found.
ApiStatus AbsentScale(const ResourceType& type, const std::string& name, bool read) {
  ResourceType scaled = type;
  const bool itself = type.kind == "StatefulSet" || (!read && type.kind != "Deployment");
  if (!type.custom && !itself) scaled.plural += "/scale";
  if (read && type.kind == "ReplicationController") scaled.group = "autoscaling";
  return NotFoundStatus(scaled, name);
}

Reply HandleScale(const Cluster& cluster, Call& call) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    const ObjectPtr current = FindObject(cluster, call);
    if (!current) {
      return StatusReply(AbsentScale(*call.type, call.info.name, call.info.verb == "get"));
    }
    Json object = FromStorage(*call.type, current->Parse());
    const ScalePaths paths = PathsOf(*call.type);
    if (call.type->custom && call.info.verb == "get" && Follow(object, paths.wanted).is_null()) {
      ApiStatus status = InternalStatus(
          fmt::format("Internal error occurred: the spec replicas field \".{}\" does not exist",
                      base::Join(paths.wanted, ".")));
      status.reason = "InternalError";
      status.has_details = true;
      status.causes.push_back({"",
                               fmt::format("the spec replicas field \".{}\" does not exist",
                                           base::Join(paths.wanted, ".")),
                               ""});
      return StatusReply(status);
    }
    const Json scale = ScaleOf(*call.type, object);
    if (call.info.verb == "get") return RenderedReply(base::DumpJson(scale), call.accepted);
    auto wanted = WantedScale(call, scale);
    if (!wanted.ok()) return StatusReply(wanted.status());
    if (auto refused = CheckScaleNames(call, *wanted)) return StatusReply(*refused);
    const Json& replicas = At(*wanted, {"spec", "replicas"});
    if (!replicas.is_null() && !replicas.is_number_integer()) {
      const std::string why = fmt::format(
          "json: cannot unmarshal {} into Go struct field ScaleSpec.spec.replicas of type int32",
          replicas.is_string() ? "string" : replicas.type_name());
      if (call.info.verb == "patch") {
        return StatusReply(
            InvalidStatus("", "", "",
                          {{"FieldValueInvalid",
                            fmt::format("Invalid value: {}: {}",
                                        Json(base::DumpJson(*wanted))
                                            .dump(-1, ' ', false, Json::error_handler_t::replace),
                                        why),
                            "patch"}}));
      }
      return StatusReply(
          BadRequestStatus("Scale in version \"v1\" cannot be handled as a Scale: " + why));
    }
    if (IntAt(*wanted, {"spec", "replicas"}) < 0 && !call.type->custom) {
      return StatusReply(
          InvalidStatus("autoscaling", "Scale", call.info.name,
                        {{"FieldValueInvalid",
                          fmt::format("Invalid value: {}: must be greater than or equal to 0",
                                      IntAt(*wanted, {"spec", "replicas"})),
                          "spec.replicas"}}));
    }
    const std::string version = TextAt(*wanted, {"metadata", "resourceVersion"});
    const bool pinned = !version.empty() && version != std::to_string(current->resource_version);
    if (pinned) return StatusReply(ModifiedStatus(*call.type, call.info.name));
    Json* place = &object;
    for (const std::string& part : paths.wanted) place = &(*place)[part];
    *place = IntAt(*wanted, {"spec", "replicas"});
    object["kind"] = call.type->kind;
    object["apiVersion"] = call.type->ApiVersion();
    auto written = ReplaceObject(cluster, call, current, std::move(object), false);
    if (written.ok())
      return RenderedReply(base::DumpJson(ScaleOf(*call.type, *written)), call.accepted);
    if (written.status().reason != "Conflict") return StatusReply(written.status());
  }
  return StatusReply(ModifiedStatus(*call.type, call.info.name));
}

// -- eviction --

bool PodReady(const Json& pod) {
  for (const Json& condition : ListAt(pod, {"status", "conditions"})) {
    if (TextAt(condition, "type") == "Ready") return TextAt(condition, "status") == "True";
  }
  return false;
}

// The budget that forbids the eviction, as a refusal; takes one disruption from the budget that
// allows it.
MaybeStatus AskBudgets(const Cluster& cluster, const Object& pod, const Json& content,
                       bool dry_run) {
  const ResourceType& type = MustFind(cluster.store, "policy", "v1", "poddisruptionbudgets");
  std::vector<ObjectPtr> budgets;
  for (const ObjectPtr& object : cluster.store.List(type, pod.ns).objects) {
    if (LabelSelector::FromObject(At(object->Parse(), {"spec", "selector"})).Matches(pod.labels))
      budgets.push_back(object);
  }
  if (budgets.empty()) return std::nullopt;
  if (budgets.size() > 1)
    return InternalStatus(
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
        "support.");
  Json budget = budgets[0]->Parse();
  const int64_t healthy = IntAt(budget, {"status", "currentHealthy"});
  const int64_t desired = IntAt(budget, {"status", "desiredHealthy"});
  // A pod that is not ready does not count among the healthy: it may go while enough others are
  // there.
  if (!PodReady(content) && healthy >= desired && desired > 0) return std::nullopt;
  const int64_t allowed = IntAt(budget, {"status", "disruptionsAllowed"});
  if (allowed > 0) {
    if (dry_run) return std::nullopt;
    budget["status"]["disruptionsAllowed"] = allowed - 1;
    budget["status"]["disruptedPods"][pod.name] = base::Rfc3339(cluster.clock.Now());
    if (cluster.store.Update(type, std::move(budget), budgets[0]->resource_version).ok())
      return std::nullopt;
  }
  ApiStatus status{.code = 429,
                   .reason = "TooManyRequests",
                   .message = "Cannot evict pod as it would violate the pod's disruption budget.",
                   .has_details = true};
  status.causes.push_back(
      {"DisruptionBudget",
       fmt::format("The disruption budget {} needs {} healthy pods and has {} currently",
                   budgets[0]->name, desired, healthy),
       ""});
  return status;
}

Reply HandleEviction(const Cluster& cluster, Call& call) {
  auto body = BodyOfKind(call, "Eviction", "policy/v1", "policy.v1.Eviction");
  if (!body.ok()) return StatusReply(body.status());
  if (TextAt(*body, {"metadata", "name"}) != call.info.name)
    return StatusReply(BadRequestStatus("name in URL does not match name in Eviction object"));
  const ObjectPtr pod = FindObject(cluster, call);
  if (!pod) return StatusReply(NotFoundStatus(*call.type, call.info.name));
  const Json content = pod->Parse();
  if (auto refused = RestrictNode(cluster, call, *body, content)) return StatusReply(*refused);
  Json options = At(*body, "deleteOptions");
  if (!options.is_object()) options = Json::object();
  const bool dry_run = IsDryRun(call) || !ListAt(options, {"dryRun"}).empty();
  const std::string phase = TextAt(content, {"status", "phase"});
  const bool over = phase == "Succeeded" || phase == "Failed" ||
                    At(content, {"metadata", "deletionTimestamp"}).is_string() ||
                    phase == "Pending";
  if (!over) {
    if (auto refused = AskBudgets(cluster, *pod, content, dry_run)) return StatusReply(*refused);
  }
  auto deletion = DeleteObject(cluster, *call.type, pod, options, dry_run);
  return deletion.ok() ? Success(201) : StatusReply(deletion.status());
}

// -- binding, token --

}  // namespace

Reply HandleBinding(const Cluster& cluster, Call& call) {
  auto body = BodyOfKind(call, "Binding", "v1", "core.v1.Binding");
  if (!body.ok()) return StatusReply(body.status());
  const ResourceType& pods = MustFind(cluster.store, "", "v1", "pods");
  const std::string name = TextAt(*body, {"metadata", "name"}),
                    node = TextAt(*body, {"target", "name"}),
                    kind = TextAt(*body, {"target", "kind"});
  if (!call.info.name.empty() && name != call.info.name)
    return StatusReply(BadRequestStatus("name in URL does not match name in Binding object"));
  // These leave the server as plain errors, not as refusals of the object.
  if (!kind.empty() && kind != "Node")
    return StatusReply(InternalStatus(fmt::format(
        "target.kind: Unsupported value: \"{}\": supported values: \"Node\", \"<empty>\"", kind)));
  if (node.empty()) return StatusReply(InternalStatus("target.name: Required value"));
  const ObjectPtr pod = cluster.store.Get(pods, call.info.ns, name);
  if (!pod) return StatusReply(NotFoundStatus(pods, name));
  Json content = pod->Parse();
  if (const std::string there = TextAt(content, {"spec", "nodeName"}); !there.empty()) {
    ResourceType binding = pods;
    binding.plural = "pods/binding";
    return StatusReply(ConflictStatus(
        binding, name, fmt::format("pod {} is already assigned to node \"{}\"", name, there)));
  }
  content["spec"]["nodeName"] = node;
  Json& conditions = content["status"]["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  Json* scheduled = nullptr;
  for (Json& condition : conditions) {
    if (TextAt(condition, "type") == "PodScheduled") scheduled = &condition;
  }
  if (scheduled == nullptr) scheduled = &conditions.emplace_back(Json::object());
  *scheduled = {{"type", "PodScheduled"},
                {"status", "True"},
                {"lastProbeTime", nullptr},
                {"lastTransitionTime", base::Rfc3339(cluster.clock.Now())}};
  if (IsDryRun(call)) return Success(201);
  auto written = cluster.store.Update(pods, std::move(content), pod->resource_version);
  return written.ok() ? Success(201) : StatusReply(written.status());
}

Reply HandleSubresource(const Cluster& cluster, Call& call, const TokenTable& tokens) {
  const std::string& sub = call.info.subresource;
  const bool reads =
      call.info.verb == "get" || call.info.verb == "list" || call.info.verb == "watch";
  if (!reads) {
    if (auto refused = CheckWriteOptions(call)) return StatusReply(*refused);
  }
  if (sub == "scale") return HandleScale(cluster, call);
  if (sub == "status" || sub == "ephemeralcontainers" || sub == "approval" || sub == "finalize") {
    return reads ? HandleGet(cluster, call) : HandleObjectChange(cluster, call);
  }
  if (sub == "eviction") return HandleEviction(cluster, call);
  if (sub == "binding") return HandleBinding(cluster, call);
  if (sub == "token") return HandleToken(cluster, call, tokens.signer());
  return StatusReply(
      {.code = 501,
       .reason = "NotImplemented",
       .message = fmt::format("the simulator does not serve {}/{}", call.type->plural, sub)});
}

}  // namespace opsmesh::kubesim
