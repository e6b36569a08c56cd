#include "libs/kubesim/api/deletes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

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
// A deletion is tried again when somebody wrote in between.
constexpr int kDeleteTries = 5;
}  // namespace

MaybeStatus CheckDeleteOptions(const Json& options) {
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
  if (At(options, "propagationPolicy").is_string() && policy != "Foreground" &&
      policy != "Background" && policy != "Orphan") {
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

namespace {

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
  if (At(options, {"preconditions", "uid"}).is_string() && uid != object.uid) {
    return differs(
        fmt::format("the UID in the precondition ({}) does not match the UID in record ({}). The "
                    "object might have been deleted and then recreated",
                    uid, object.uid));
  }
  const std::string version = TextAt(options, {"preconditions", "resourceVersion"});
  if (At(options, {"preconditions", "resourceVersion"}).is_string() &&
      version != std::to_string(object.resource_version)) {
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
  // A negative period is the shortest that there is, and none leaves the calendar.
  return asked < 0 ? 1 : std::min<int64_t>(asked, INT32_MAX);
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

// How an object goes.
struct Farewell {
  Json marked;           // with its finalizers and the time of its end
  bool at_once = false;  // nobody and nothing holds it back
  bool shown = false;    // the answer shows it marked, though it goes at once
};

// The finalizers that a deletion adds: who waits for what the object owns.
void AddFinalizers(const ResourceType& type, const Json& options, Json& object) {
  if (type.storage_key == "/events") return;  // nobody collects what they own
  std::string policy = TextAt(options, "propagationPolicy");
  // The oldest kinds orphan what they own unless told otherwise.
  const bool old_kind =
      type.storage_key == "batch/jobs" || type.storage_key == "/replicationcontrollers";
  if (policy.empty() && old_kind && At(options, "orphanDependents").is_null()) policy = "Orphan";
  if (!policy.empty()) {
    SetFinalizer(object, "foregroundDeletion", policy == "Foreground");
    SetFinalizer(object, "orphan", policy == "Orphan");
  } else if (BoolAt(options, {"orphanDependents"})) {
    SetFinalizer(object, "orphan", true);
  }
}

// Sets the time of its end, unless an earlier deletion did.
void MarkDeleted(const ResourceType& type, absl::Time now, int64_t grace, Json& object) {
  Json& metadata = object["metadata"];
  const bool sooner =
      type.storage_key == "/pods" && grace < IntAt(metadata, "deletionGracePeriodSeconds");
  if (!metadata.contains("deletionTimestamp") || sooner) {
    metadata["deletionTimestamp"] = base::Rfc3339(now + absl::Seconds(grace));
    // A namespace's own registry writes the time alone.
    if (type.storage_key != "/namespaces") metadata["deletionGracePeriodSeconds"] = grace;
    if (metadata.contains("generation")) metadata["generation"] = IntAt(metadata, "generation") + 1;
  }
  if (type.storage_key == "/namespaces") object["status"]["phase"] = "Terminating";
}

Farewell Plan(const Cluster& cluster, const ResourceType& type, const Object& current,
              const Json& options) {
  Farewell farewell;
  Json& object = farewell.marked;
  object = current.Parse();
  // Where no collector runs nobody would ever take these away: they hold nothing, and the answer
  // shows the object as a real server's does, about to go.
  Json held = object;
  if (!cluster.collector_runs) {
    SetFinalizer(held, "kubernetes.io/pvc-protection", false);
    SetFinalizer(held, "kubernetes.io/pv-protection", false);
  }
  const bool was_held = !ListAt(held, {"metadata", "finalizers"}).empty();
  AddFinalizers(type, options, object);
  const bool waits = !ListAt(object, {"metadata", "finalizers"}).empty();
  const int64_t grace = GraceOf(cluster, type, object, options);
  const bool definition = type.storage_key == "apiextensions.k8s.io/customresourcedefinitions";
  const bool space = type.storage_key == "/namespaces";
  const bool held_back = cluster.collector_runs ? waits || space : was_held;
  farewell.at_once = grace == 0 && !held_back;
  farewell.shown = waits || definition || space;
  MarkDeleted(type, cluster.clock.Now(), grace, object);
  return farewell;
}

// Removes an object that nothing holds. Watchers of a pod see the time of its end before they see
// it go, as a real registry writes it in between.
Outcome<Deletion> TakeAway(const Cluster& cluster, const ResourceType& type,
                           const ObjectPtr& current, const Farewell& farewell, bool dry_run) {
  const bool definition = type.storage_key == "apiextensions.k8s.io/customresourcedefinitions";
  const bool pod = type.storage_key == "/pods";
  ObjectPtr last = current;
  if (!dry_run && pod) {
    Json marked = farewell.marked;
    marked["metadata"]["deletionGracePeriodSeconds"] = 0;
    auto written = cluster.store.Update(type, std::move(marked), current->resource_version);
    if (!written.ok()) return written.status();
    last = *written;
  }
  if (!dry_run) {
    auto gone = cluster.store.Remove(type, last->ns, last->name, last->uid, last->resource_version);
    if (!gone.ok()) return gone.status();
    last = *gone;
    if (definition) ForgetDefinition(cluster, farewell.marked);
    if (type.custom) EndLeaving(cluster, type);
  }
  if (!pod && !farewell.shown) return Deletion{last, true};
  auto shown = std::make_shared<Object>(*last);
  Json content = farewell.marked;
  if (definition && ListAt(content, {"metadata", "finalizers"}).empty())
    content = LeavingDefinition(current->Parse(), base::Rfc3339(cluster.clock.Now()));
  content["metadata"]["resourceVersion"] = std::to_string(last->resource_version);
  shown->json = base::DumpJson(content);
  return Deletion{shown, !farewell.shown};
}

}  // namespace

Outcome<Deletion> DeleteObject(const Cluster& cluster, const ResourceType& type,
                               const ObjectPtr& current, const Json& options, bool dry_run) {
  if (auto refused = CheckPreconditions(type, *current, options)) return *refused;
  const Farewell farewell = Plan(cluster, type, *current, options);
  if (farewell.at_once && !dry_run &&
      type.storage_key == "apiextensions.k8s.io/customresourcedefinitions" &&
      HoldsObjects(cluster, farewell.marked)) {
    auto leaving = BeginToLeave(cluster, current);
    if (!leaving.ok()) return leaving.status();
    return Deletion{*leaving, false};
  }
  if (farewell.at_once) return TakeAway(cluster, type, current, farewell, dry_run);
  if (dry_run) {
    auto shown = std::make_shared<Object>(*current);
    shown->json = base::DumpJson(farewell.marked);
    return Deletion{shown, false};
  }
  auto written = cluster.store.Update(StorageTypeOf(cluster, type), farewell.marked,
                                      current->resource_version);
  if (!written.ok()) return written.status();
  return Deletion{*written, false};
}

Outcome<Deletion> DeleteNamed(const Cluster& cluster, const ResourceType& type, std::string_view ns,
                              std::string_view name, const Json& options, bool dry_run) {
  const bool pinned = At(options, {"preconditions", "resourceVersion"}).is_string();
  for (int attempt = 1;; ++attempt) {
    const ObjectPtr current = cluster.store.Get(type, ns, name);
    if (!current) return NotFoundStatus(type, name);
    auto deletion = DeleteObject(cluster, type, current, options, dry_run);
    if (deletion.ok() || pinned || attempt == kDeleteTries ||
        deletion.status().reason != "Conflict")
      return deletion;
  }
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
  if (auto refused = CheckDeleteOptions(*options)) return StatusReply(*refused);
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
  auto deletion = DeleteNamed(cluster, type, type.namespaced ? call.info.ns : "", call.info.name,
                              *options, dry_run);
  return deletion.ok() ? DeletedReply(call, *deletion, cluster) : StatusReply(deletion.status());
}

Reply HandleDeleteCollection(const Cluster& cluster, const Call& call) {
  const ResourceType& type = *call.type;
  auto options = DeleteOptionsOf(call);
  if (!options.ok()) return StatusReply(options.status());
  if (auto refused = CheckDeleteOptions(*options)) return StatusReply(*refused);
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
    auto deletion = DeleteNamed(cluster, type, object->ns, object->name, *options, dry_run);
    // Who is not there any more need not be deleted; what cannot be ends it.
    if (!deletion.ok() && deletion.status().code != 404) return StatusReply(deletion.status());
    if (deletion.ok()) deleted.push_back(object);
  }
  return RenderedReply(RenderList(type, deleted, metadata, call.accepted, cluster.clock.Now()),
                       call.accepted);
}

}  // namespace opsmesh::kubesim
