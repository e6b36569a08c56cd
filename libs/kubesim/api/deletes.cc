#include "libs/kubesim/api/deletes.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/json.h"
#include "libs/kubesim/api/body.h"
#include "libs/kubesim/api/definitions.h"
#include "libs/kubesim/api/node_authorizer.h"
#include "libs/kubesim/api/node_restriction.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/api/write_steps.h"
#include "libs/kubesim/objects/kind_rules.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

MaybeStatus CheckOptions(const Json& options) {
  const std::string policy = TextAt(options, "propagationPolicy");
  std::vector<Cause> causes;
  if (!policy.empty() && At(options, "orphanDependents").is_boolean()) {
    causes.push_back(
        {"FieldValueInvalid",
         fmt::format(
             "Invalid value: \"{}\": orphanDependents and deletionPropagation cannot be both set",
             policy),
         "propagationPolicy"});
  }
  if (!policy.empty() && policy != "Foreground" && policy != "Background" && policy != "Orphan") {
    causes.push_back({"FieldValueNotSupported",
                      fmt::format("Unsupported value: \"{}\": supported values: \"Foreground\", "
                                  "\"Background\", \"Orphan\", \"nil\"",
                                  policy),
                      "propagationPolicy"});
  }
  std::vector<std::string> runs;
  for (const Json& run : ListAt(options, {"dryRun"})) runs.push_back(Scalar(run));
  if (auto cause = DryRunFault(runs)) causes.push_back(*cause);
  if (causes.empty()) return std::nullopt;
  return InvalidStatus("meta.k8s.io", "DeleteOptions", "", std::move(causes));
}

MaybeStatus CheckPreconditions(const ResourceType& type, const Object& object,
                               const Json& options) {
  auto differs = [&](const std::string& why) {
    ApiStatus status{.code = 409, .reason = "Conflict", .has_details = true};
    status.name = object.name;
    status.kind = type.kind;
    status.group = type.storage_key == "/events" ? "" : type.group;  // both groups are one kind
    status.message = fmt::format("Operation cannot be fulfilled on {}{} \"{}\": {}", type.kind,
                                 status.group.empty() ? "" : "." + status.group, object.name, why);
    return status;
  };
  const std::string uid = TextAt(options, {"preconditions", "uid"});
  if (!uid.empty() && uid != object.uid) {
    return differs(
        fmt::format("the UID in the precondition ({}) does not match the UID in record ({}). The "
                    "object might have been deleted and then recreated",
                    uid, object.uid));
  }
  const std::string version = TextAt(options, {"preconditions", "resourceVersion"});
  if (!version.empty() && version != std::to_string(object.resource_version)) {
    return differs(
        fmt::format("the ResourceVersion in the precondition ({}) does not match the "
                    "ResourceVersion in record ({}). The object might have been modified",
                    version, object.resource_version));
  }
  return std::nullopt;
}

// A pod on a node that answers ends in its grace period; its kubelet takes it away.
int64_t GraceOf(const Cluster& cluster, const ResourceType& type, const Json& object,
                const Json& options) {
  if (type.storage_key != "/pods") return 0;
  const int64_t asked = IntAt(options, "gracePeriodSeconds",
                              IntAt(object, {"spec", "terminationGracePeriodSeconds"}, 30));
  const std::string phase = TextAt(object, {"status", "phase"});
  if (TextAt(object, {"spec", "nodeName"}).empty() || phase == "Succeeded" || phase == "Failed")
    return 0;
  if (!cluster.kubelets_run) return 0;  // nobody would ever confirm the end
  return std::max<int64_t>(0, asked);
}

void SetFinalizer(Json& object, const char* finalizer, bool wanted) {
  Json kept = Json::array();
  for (const Json& one : ListAt(object, {"metadata", "finalizers"})) {
    if (one != finalizer) kept.push_back(one);
  }
  if (wanted) kept.push_back(finalizer);
  if (kept.empty()) {
    object["metadata"].erase("finalizers");
  } else {
    object["metadata"]["finalizers"] = kept;
  }
}

Reply DeletedReply(const Call& call, const Deletion& deletion, const Cluster& cluster) {
  const ResourceType& type = *call.type;
  const bool whole = !deletion.gone || RulesOf(type).returns_object;
  if (whole)
    return RenderedReply(RenderObject(type, *deletion.object, call.accepted, cluster.clock.Now()),
                         call.accepted);
  Json details = {
      {"name", deletion.object->name}, {"kind", type.plural}, {"uid", deletion.object->uid}};
  if (!type.group.empty()) details["group"] = type.group;
  return JsonReply({{"kind", "Status"},
                    {"apiVersion", "v1"},
                    {"metadata", Json::object()},
                    {"status", "Success"},
                    {"details", details}});
}

}  // namespace

Outcome<Deletion> DeleteObject(const Cluster& cluster, const ResourceType& type,
                               const ObjectPtr& current, const Json& options, bool dry_run) {
  if (auto refused = CheckPreconditions(type, *current, options)) return *refused;
  Json object = current->Parse();
  std::string policy = TextAt(options, "propagationPolicy");
  // The oldest kinds orphan what they own unless told otherwise.
  const bool old_kind =
      type.storage_key == "batch/jobs" || type.storage_key == "/replicationcontrollers";
  if (policy.empty() && old_kind && At(options, "orphanDependents").is_null()) policy = "Orphan";
  if (!cluster.collector_runs) {  // nobody would ever take these away
    SetFinalizer(object, "kubernetes.io/pvc-protection", false);
    SetFinalizer(object, "kubernetes.io/pv-protection", false);
  }
  const bool held = !ListAt(object, {"metadata", "finalizers"}).empty();
  if (type.storage_key == "/events") policy.clear();  // nobody collects what they own
  if (!policy.empty() && type.storage_key != "/pods") {
    SetFinalizer(object, "foregroundDeletion", policy == "Foreground");
    SetFinalizer(object, "orphan", policy == "Orphan");
  } else if (BoolAt(options, {"orphanDependents"})) {
    SetFinalizer(object, "orphan", true);
  }
  const int64_t grace = GraceOf(cluster, type, object, options);
  const bool namespace_content = type.storage_key == "/namespaces" && cluster.collector_runs;
  const bool waits = !ListAt(object, {"metadata", "finalizers"}).empty();
  // Where no collector runs nobody would ever take its finalizers away: the object goes at once,
  // and the answer shows it as a real server's does, about to go.
  const bool definition = type.storage_key == "apiextensions.k8s.io/customresourcedefinitions";
  const bool shown_only =
      (waits && !held && !cluster.collector_runs && grace == 0) || (definition && !waits);
  const bool stays = grace > 0 || (waits && !shown_only) || namespace_content;
  if (!stays) {
    // A pod that goes at once is answered with the time of its end.
    auto shown = [&](const ObjectPtr& last) -> ObjectPtr {
      if (type.storage_key != "/pods" && !shown_only) return last;
      auto ended = std::make_shared<Object>(*last);
      Json content = ended->Parse();
      if (definition && !waits) {
        ended->json =
            base::DumpJson(LeavingDefinition(content, base::Rfc3339(cluster.clock.Now())));
        return ended;
      }
      content["metadata"]["deletionTimestamp"] = base::Rfc3339(cluster.clock.Now());
      content["metadata"]["deletionGracePeriodSeconds"] = 0;
      if (shown_only) {
        content["metadata"]["finalizers"] = object["metadata"]["finalizers"];
        if (content["metadata"].contains("generation"))
          content["metadata"]["generation"] = IntAt(content, {"metadata", "generation"}) + 1;
      }
      ended->json = base::DumpJson(content);
      return ended;
    };
    if (dry_run) return Deletion{shown(current), !shown_only};
    auto gone = cluster.store.Remove(type, current->ns, current->name, current->uid);
    if (!gone.ok()) return gone.status();
    Outcome<ObjectPtr> removed = shown(*gone);
    if (definition) ForgetDefinition(cluster, object);
    return Deletion{*removed, !shown_only};
  }
  Json& metadata = object["metadata"];
  const bool already = metadata.contains("deletionTimestamp");
  if (!already ||
      (grace < IntAt(metadata, "deletionGracePeriodSeconds") && type.storage_key == "/pods")) {
    metadata["deletionTimestamp"] = base::Rfc3339(cluster.clock.Now() + absl::Seconds(grace));
    // A namespace's own registry writes the time alone.
    if (type.storage_key != "/namespaces") metadata["deletionGracePeriodSeconds"] = grace;
    if (metadata.contains("generation")) metadata["generation"] = IntAt(metadata, "generation") + 1;
  }
  if (type.storage_key == "/namespaces") object["status"]["phase"] = "Terminating";
  if (dry_run) {
    auto shown = std::make_shared<Object>(*current);
    shown->json = base::DumpJson(object);
    return Deletion{shown, false};
  }
  auto written = cluster.store.Update(StorageTypeOf(cluster, type), std::move(object),
                                      current->resource_version);
  if (!written.ok()) return written.status();
  return Deletion{*written, false};
}

void WarnOfOrphans(Call& call) {
  auto options = DeleteOptionsOf(call);
  if (!options.ok() || !TextAt(*options, "propagationPolicy").empty() ||
      !At(*options, "orphanDependents").is_null())
    return;
  call.warnings.emplace_back(
      "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background "
      "to remove them or set propagationPolicy=Orphan to suppress this warning");
}

Reply HandleDelete(const Cluster& cluster, const Call& call) {
  const ResourceType& type = *call.type;
  auto options = DeleteOptionsOf(call);
  if (!options.ok()) return StatusReply(options.status());
  if (auto refused = CheckOptions(*options)) return StatusReply(*refused);
  if (type.storage_key == "/namespaces" &&
      (call.info.name == "default" || call.info.name == "kube-system" ||
       call.info.name == "kube-public")) {
    return StatusReply(ForbiddenStatus(type, call.info.name, "this namespace may not be deleted"));
  }
  if (const ObjectPtr there = NodeOf(call.user).empty() ? nullptr : FindObject(cluster, call)) {
    if (auto refused = RestrictNode(cluster, call, Json(), there->Parse()))
      return StatusReply(*refused);
  }
  const bool dry_run = !ListAt(*options, {"dryRun"}).empty();
  for (int attempt = 0; attempt < 5; ++attempt) {
    const ObjectPtr current = FindObject(cluster, call);
    if (!current) return StatusReply(NotFoundStatus(type, call.info.name));
    auto deletion = DeleteObject(cluster, type, current, *options, dry_run);
    if (deletion.ok()) return DeletedReply(call, *deletion, cluster);
    if (deletion.status().reason != "Conflict" || At(*options, "preconditions").is_object())
      return StatusReply(deletion.status());
  }
  return StatusReply(ModifiedStatus(type, call.info.name));
}

Reply HandleDeleteCollection(const Cluster& cluster, const Call& call) {
  const ResourceType& type = *call.type;
  auto options = DeleteOptionsOf(call);
  if (!options.ok()) return StatusReply(options.status());
  if (auto refused = CheckOptions(*options)) return StatusReply(*refused);
  auto selection = SelectionOf(call);
  if (!selection.ok()) return StatusReply(selection.status());
  const bool dry_run = !ListAt(*options, {"dryRun"}).empty();
  // A limit bounds what is deleted, and the answer says where to go on.
  auto limit = NumberOf(call.query, "limit");
  if (!limit.ok()) return StatusReply(limit.status());
  const int64_t most = limit->value_or(0);
  Json metadata = {{"resourceVersion", std::to_string(cluster.store.resource_version())}};
  std::vector<ObjectPtr> deleted;
  for (const ObjectPtr& object :
       cluster.store.List(type, type.namespaced ? call.info.ns : "").objects) {
    if (most > 0 && static_cast<int64_t>(deleted.size()) == most) {
      metadata["continue"] =
          ContinueToken(cluster.store.resource_version(), *deleted.back(), call.info.ns);
      break;
    }
    if (!selection->Matches(*object)) continue;
    if (DeleteObject(cluster, type, object, *options, dry_run).ok()) deleted.push_back(object);
  }
  return RenderedReply(RenderList(type, deleted, metadata, call.accepted, cluster.clock.Now()),
                       call.accepted);
}

}  // namespace opsmesh::kubesim
