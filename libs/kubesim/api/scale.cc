#include "libs/kubesim/api/scale.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/body.h"
#include "libs/kubesim/api/reply.h"
#include "libs/kubesim/api/write_steps.h"
#include "libs/kubesim/objects/patch.h"
#include "libs/kubesim/objects/scale_owners.h"
#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/selectors.h"
#include "libs/kubesim/store/stored_json.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr int kTries = 5;  // when somebody else writes in between

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

// While it lives, what is judged of a body is judged of a Scale.
class AsScale {
 public:
  explicit AsScale(Call& call) : call_(call), own_(call.type) { call.type = &ScaleType(); }
  ~AsScale() { call_.type = own_; }
  AsScale(const AsScale&) = delete;
  AsScale& operator=(const AsScale&) = delete;

 private:
  Call& call_;
  const ResourceType* own_;
};

// What the client sent: a Scale, a patch of one, or (in the call still) a configuration to apply.
struct Asked {
  std::string media;  // of a patch
  Json body;

  bool applies() const { return media == "application/apply-patch+yaml"; }
};

Outcome<Asked> AskedFor(Call& call) {
  Asked asked;
  if (call.info.verb == "update") {
    auto body = ObjectOf(call, "Scale");
    if (!body.ok()) return body.status();
    asked.body = std::move(*body);
    return asked;
  }
  if (auto refused = CheckPatchType(call, &asked.media)) return *refused;
  if (asked.applies()) return asked;
  auto patch = ReadPatch(call, asked.media);
  if (!patch.ok()) return patch.status();
  asked.body = std::move(*patch);
  return asked;
}

// The Scale that one of the three patches makes of the one there is.
Outcome<Json> PatchedScale(Call& call, const Asked& asked, const Json& now) {
  const bool strategic = asked.media == "application/strategic-merge-patch+json";
  auto patched = asked.media == "application/json-patch+json" ? JsonPatch(now, asked.body)
                 : strategic ? StrategicMergePatch(now, asked.body, SchemaOf(ScaleType()))
                             : Outcome<Json>(MergePatch(now, asked.body));
  if (!patched.ok()) return patched;
  if (!patched->is_object()) return BadRequestStatus("the patch does not leave an object");
  call.patched_text.clear();
  if (strategic) {
    FitKind(ScaleType(), *patched);
    call.patched_text = GoFormatted(asked.body);
  } else {
    AppendStored(*patched, &call.patched_text);
  }
  return patched;
}

// Versions that once had a Scale of their own: still read, no longer taken.
MaybeStatus CheckOldVersion(const Json& scale) {
  const std::string version = TextAt(scale, "apiVersion");
  if (TextAt(scale, "kind") != "Scale" ||
      (version != "apps/v1beta1" && version != "apps/v1beta2" && version != "extensions/v1beta1"))
    return std::nullopt;
  return BadRequestStatus(
      fmt::format("the API version in the data ({}) does not match the expected API version ({})",
                  version, ScaleType().ApiVersion()));
}

Outcome<Json> AppliedScale(Call& call, const Json& now, const Writer& writer) {
  auto applied = AppliedConfiguration(call, ScaleType());
  if (!applied.ok()) return applied.status();
  const std::string ns = TextAt(*applied, {"metadata", "namespace"});
  if (auto refused = CheckApplied(call, ScaleType(), *applied, ns)) return *refused;
  return Apply(now, *applied, writer, call.query.Flag("force"), ScaleType());
}

// What the Scale is to be, with its owners in metadata.managedFields. `now` has those of before.
Outcome<Json> WantedScale(Call& call, const Asked& asked, const Json& now, const Writer& writer) {
  if (asked.applies()) return AppliedScale(call, now, writer);
  Outcome<Json> wanted = asked.body;
  if (!asked.media.empty()) wanted = PatchedScale(call, asked, now);
  if (!wanted.ok()) return wanted;
  if (asked.media.empty()) {
    if (auto refused = CheckOldVersion(*wanted)) return *refused;
  }
  const AsScale judged(call);
  if (auto refused = CheckKind(call, *wanted)) return *refused;
  if (auto refused = DecodeBody(call, *wanted)) return *refused;
  if (!At(*wanted, "metadata").is_object()) (*wanted)["metadata"] = Json::object();
  (*wanted)["metadata"]["managedFields"] = At(now, {"metadata", "managedFields"});
  TrackUpdate(now, *wanted, writer, ScaleType());
  return wanted;
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

// The registry of a custom resource answers that its replicas are nowhere.
ApiStatus NoReplicas(const ScalePaths& paths) {
  const std::string why =
      fmt::format("the spec replicas field \".{}\" does not exist", base::Join(paths.wanted, "."));
  ApiStatus status = InternalStatus("Internal error occurred: " + why);
  status.reason = "InternalError";
  status.has_details = true;
  status.causes.push_back({"", why, ""});
  return status;
}

// Replicas that nobody could want.
MaybeStatus CheckReplicas(const Call& call, const Json& wanted) {
  const int64_t number = IntAt(wanted, {"spec", "replicas"});
  if (number >= 0 || call.type->custom) return std::nullopt;
  return InvalidStatus(
      "autoscaling", "Scale", call.info.name,
      {{"FieldValueInvalid",
        fmt::format("Invalid value: {}: must be greater than or equal to 0", number),
        "spec.replicas"}});
}

// Who says whose Scale it is must mean this object, of this version. A custom resource is asked for
// no more than the version.
MaybeStatus CheckIdentity(const ResourceType& type, const Object& current, const Json& wanted) {
  const std::string uid = TextAt(wanted, {"metadata", "uid"}),
                    version = TextAt(wanted, {"metadata", "resourceVersion"});
  if (!uid.empty() && uid != current.uid && !type.custom) {
    ResourceType scaled = type;
    scaled.plural += "/scale";
    return ConflictStatus(
        scaled, current.name,
        fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid,
                    current.uid));
  }
  if (!version.empty() && version != std::to_string(current.resource_version))
    return ModifiedStatus(type, current.name);
  return std::nullopt;
}

FieldPath OwnedAs(const ScalePaths& paths) {
  FieldPath owned;
  for (const std::string& part : paths.wanted) owned.push_back("f:" + part);
  return owned;
}

// The object with the replicas and the owners that the Scale asks for.
void TakeScale(const Json& scale, const ScalePaths& paths, const ResourceType& type, Json& object) {
  Json owners =
      OwnersAfterScale(At(object, {"metadata", "managedFields"}),
                       At(scale, {"metadata", "managedFields"}), OwnedAs(paths), type.ApiVersion());
  if (owners.empty())
    object["metadata"].erase("managedFields");
  else
    object["metadata"]["managedFields"] = std::move(owners);
  Json* place = &object;
  for (const std::string& part : paths.wanted) place = &(*place)[part];
  *place = IntAt(scale, {"spec", "replicas"});
  object["kind"] = type.kind;
  object["apiVersion"] = type.ApiVersion();
}

// In the form that is asked for: `kubectl get --subresource=scale` wants a Table.
Reply ScaleReply(const Cluster& cluster, const Call& call, Json scale) {
  if (call.accepted.form == Form::kObject)
    return RenderedReply(base::DumpJson(scale), call.accepted);
  Object object;
  object.name = call.info.name;
  object.resource_version =
      std::strtoull(TextAt(scale, {"metadata", "resourceVersion"}).c_str(), nullptr, 10);
  scale.erase("kind");
  scale.erase("apiVersion");
  object.json = base::DumpJson(scale);
  return RenderedReply(RenderObject(ScaleType(), object, call.accepted, cluster.clock.Now()),
                       call.accepted);
}

}  // namespace

Reply HandleScale(const Cluster& cluster, Call& call) {
  const ResourceType& type = *call.type;
  const ScalePaths paths = PathsOf(type);
  Writer writer = WriterOf(cluster, call);
  writer.api_version = ScaleType().ApiVersion();
  std::optional<Asked> asked;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const ObjectPtr current = FindObject(cluster, call);
    if (!current) return StatusReply(AbsentScale(type, call.info.name, call.info.verb == "get"));
    Json object = FromStorage(type, current->Parse());
    if (type.custom && call.info.verb == "get" && Follow(object, paths.wanted).is_null())
      return StatusReply(NoReplicas(paths));
    Json scale = ScaleOf(type, object);
    if (call.info.verb == "get") return ScaleReply(cluster, call, std::move(scale));
    scale["metadata"]["managedFields"] =
        OwnersOfScale(At(object, {"metadata", "managedFields"}), OwnedAs(paths));
    if (!asked) {
      auto read = AskedFor(call);
      if (!read.ok()) return StatusReply(read.status());
      asked = std::move(*read);
    }
    auto wanted = WantedScale(call, *asked, scale, writer);
    if (!wanted.ok()) return StatusReply(wanted.status());
    if (auto refused = CheckScaleNames(call, *wanted)) return StatusReply(*refused);
    if (auto refused = CheckReplicas(call, *wanted)) return StatusReply(*refused);
    if (auto refused = CheckIdentity(type, *current, *wanted)) return StatusReply(*refused);
    TakeScale(*wanted, paths, type, object);
    call.tracked = true;
    auto written = ReplaceObject(cluster, call, current, std::move(object), false);
    if (written.ok()) return ScaleReply(cluster, call, ScaleOf(type, *written));
    if (written.status().reason != "Conflict") return StatusReply(written.status());
  }
  return StatusReply(ModifiedStatus(type, call.info.name));
}

}  // namespace opsmesh::kubesim
