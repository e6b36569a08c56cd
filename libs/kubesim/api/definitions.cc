#include "libs/kubesim/api/definitions.h"

#include <fmt/format.h>

#include <set>

#include "libs/kubesim/api/deletes.h"
#include "libs/kubesim/objects/managed_fields.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kGroup = "apiextensions.k8s.io";
constexpr const char* kCleanup = "customresourcecleanup.apiextensions.k8s.io";

const ResourceType& DefinitionsOf(const Cluster& cluster) {
  return MustFind(cluster.store, kGroup, "v1", "customresourcedefinitions");
}

// Resource names and kinds that other definitions of a group hold.
struct Taken {
  std::set<std::string> resources, kinds;
};

Taken TakenByOthers(const Cluster& cluster, const std::string& group, const std::string& name) {
  Taken taken;
  for (const ObjectPtr& other : cluster.store.List(DefinitionsOf(cluster)).objects) {
    if (other->name == name) continue;
    const Json content = other->Parse();
    if (TextAt(content, {"spec", "group"}) != group) continue;
    const Json& names = At(content, {"status", "acceptedNames"});
    for (const char* member : {"plural", "singular"}) taken.resources.insert(TextAt(names, member));
    for (const Json& word : ListAt(names, {"shortNames"})) taken.resources.insert(Scalar(word));
    for (const char* member : {"kind", "listKind"}) taken.kinds.insert(TextAt(names, member));
  }
  return taken;
}

// The names a definition gets, and why it does not get all (the last reason counts).
struct Verdict {
  Json accepted;
  std::string reason, message;
};

Verdict Judge(const Json& wanted, const Json& had, const Taken& taken) {
  Verdict verdict;
  verdict.accepted = had.is_object() ? had : Json::object();
  auto name = [&](const char* member, const std::set<std::string>& used, const char* reason) {
    const std::string asked = TextAt(wanted, member);
    if (asked != TextAt(verdict.accepted, member) && used.contains(asked)) {
      verdict.reason = reason;
      verdict.message = fmt::format("\"{}\" is already in use", asked);
    } else if (!asked.empty()) {
      verdict.accepted[member] = asked;
    }
  };
  name("plural", taken.resources, "PluralConflict");
  name("singular", taken.resources, "SingularConflict");
  const Json& words = ListAt(wanted, {"shortNames"});
  std::string used;
  for (const Json& word : words) {
    if (taken.resources.contains(Scalar(word)))
      used += fmt::format("{}\"{}\" is already in use", used.empty() ? "" : ", ", Scalar(word));
  }
  if (!used.empty()) {
    verdict.reason = "ShortNamesConflict";
    verdict.message = used;
  } else if (words.empty()) {
    verdict.accepted.erase("shortNames");
  } else {
    verdict.accepted["shortNames"] = words;
  }
  name("kind", taken.kinds, "KindConflict");
  name("listKind", taken.kinds, "ListKindConflict");
  if (!verdict.accepted.contains("kind")) verdict.accepted["kind"] = "";
  if (!verdict.accepted.contains("plural")) verdict.accepted["plural"] = "";
  if (ListAt(wanted, {"categories"}).empty())
    verdict.accepted.erase("categories");
  else
    verdict.accepted["categories"] = wanted["categories"];
  return verdict;
}

// Sets a condition; its time moves with its status.
void SetCondition(Json& conditions, const char* type, bool is, const std::string& reason,
                  const std::string& message, const std::string& now) {
  Json* there = nullptr;
  for (Json& one : conditions) {
    if (TextAt(one, "type") == type) there = &one;
  }
  if (there == nullptr) there = &conditions.emplace_back(Json{{"type", type}});
  const char* status = is ? "True" : "False";
  if (TextAt(*there, "status") != status) (*there)["lastTransitionTime"] = now;
  (*there)["status"] = status;
  (*there)["reason"] = reason;
  (*there)["message"] = message;
}

bool Established(const Json& definition) {
  for (const Json& one : ListAt(definition, {"status", "conditions"})) {
    if (TextAt(one, "type") == "Established") return TextAt(one, "status") == "True";
  }
  return false;
}

}  // namespace

void AcceptDefinition(const Cluster& cluster, const Object& definition) {
  Json content = definition.Parse();
  Json before = content;
  const std::string now = base::Rfc3339(cluster.clock.Now());
  const std::string group = TextAt(content, {"spec", "group"});
  const Verdict verdict =
      Judge(At(content, {"spec", "names"}), At(content, {"status", "acceptedNames"}),
            TakenByOthers(cluster, group, definition.name));
  const bool all = verdict.reason.empty();
  const bool was = Established(content);
  Json& status = content["status"];
  status["acceptedNames"] = verdict.accepted;
  Json& conditions = status["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  SetCondition(conditions, "NamesAccepted", all, all ? "NoConflicts" : verdict.reason,
               all ? "no conflicts found" : verdict.message, now);
  if (!was) {  // once established it stays so
    SetCondition(conditions, "Established", all, all ? "InitialNamesAccepted" : "NotAccepted",
                 all ? "the initial names have been accepted" : "not all names are accepted", now);
  }
  const ResourceType& type = DefinitionsOf(cluster);
  if (content != before) {
    // The list of conditions is there from the beginning, empty.
    if (!At(before, {"status", "conditions"}).is_array())
      before["status"]["conditions"] = Json::array();
    TrackUpdate(before, content, {"kube-apiserver", type.ApiVersion(), "status", now}, type);
    (void)cluster.store.Update(type, content, definition.resource_version);
  }
  if (Established(content))
    cluster.store.catalog().DefineCustom(content);
  else
    cluster.store.catalog().RemoveCustom(group, TextAt(content, {"spec", "names", "plural"}));
}

namespace {

// The type that a definition is served as; null when it is not.
const ResourceType* ServedBy(const Cluster& cluster, const Json& definition) {
  const ResourceType* type = cluster.store.catalog().Preferred(
      TextAt(definition, {"spec", "group"}), TextAt(definition, {"spec", "names", "plural"}));
  return type != nullptr && type->custom ? type : nullptr;
}

// The definition of a custom type that has been deleted and waits for its objects.
ObjectPtr LeavingOf(const Cluster& cluster, const ResourceType& type) {
  if (!type.custom) return nullptr;
  const ObjectPtr found =
      cluster.store.Get(DefinitionsOf(cluster), "", type.plural + "." + type.group);
  if (!found || found->json.find("\"deletionTimestamp\":") == std::string::npos) return nullptr;
  return TextAt(found->Parse(), {"metadata", "deletionTimestamp"}).empty() ? nullptr : found;
}

}  // namespace

bool HoldsObjects(const Cluster& cluster, const Json& definition) {
  const ResourceType* served = ServedBy(cluster, definition);
  if (served == nullptr) return false;
  for (const ObjectPtr& object : cluster.store.List(*served).objects) {
    if (!ListAt(object->Parse(), {"metadata", "finalizers"}).empty()) return true;
  }
  return false;
}

Outcome<ObjectPtr> BeginToLeave(const Cluster& cluster, const ObjectPtr& definition) {
  const ResourceType& type = DefinitionsOf(cluster);
  const Json before = definition->Parse();
  if (before["metadata"].contains("deletionTimestamp")) return definition;  // asked once more
  const std::string now = base::Rfc3339(cluster.clock.Now());
  Json leaving = LeavingDefinition(before, now);
  Json& metadata = leaving["metadata"];
  metadata["deletionGracePeriodSeconds"] = 0;
  metadata["generation"] = IntAt(metadata, "generation") + 1;
  auto answered = cluster.store.Update(type, leaving, definition->resource_version);
  if (!answered.ok()) return answered;
  const ResourceType* served = ServedBy(cluster, before);
  for (const ObjectPtr& object : cluster.store.List(*served).objects)
    (void)DeleteNamed(cluster, *served, object->ns, object->name, Json::object(), false);
  SetCondition(leaving["status"]["conditions"], "Terminating", true, "InstanceDeletionInProgress",
               "CustomResource deletion is in progress", now);
  (void)cluster.store.Update(type, std::move(leaving), (*answered)->resource_version);
  return answered;
}

void EndLeaving(const Cluster& cluster, const ResourceType& type) {
  const ObjectPtr definition = LeavingOf(cluster, type);
  if (!definition || !cluster.store.List(type).objects.empty()) return;
  const Json content = definition->Parse();
  for (const Json& one : ListAt(content, {"metadata", "finalizers"})) {
    if (one != kCleanup) return;  // somebody else holds it, too
  }
  if (cluster.store.Remove(DefinitionsOf(cluster), "", definition->name, definition->uid).ok())
    ForgetDefinition(cluster, content);
}

bool IsLeaving(const Cluster& cluster, const ResourceType& type) {
  return LeavingOf(cluster, type) != nullptr;
}

Json LeavingDefinition(Json definition, const std::string& now) {
  Json& metadata = definition["metadata"];
  metadata["deletionTimestamp"] = now;
  metadata["finalizers"] = Json::array({kCleanup});
  Json& conditions = definition["status"]["conditions"];
  if (!conditions.is_array()) conditions = Json::array();
  SetCondition(conditions, "Terminating", true, "InstanceDeletionPending",
               "CustomResourceDefinition marked for deletion; CustomResource deletion will begin "
               "soon",
               now);
  return definition;
}

void ForgetDefinition(const Cluster& cluster, const Json& definition) {
  const std::string group = TextAt(definition, {"spec", "group"}),
                    plural = TextAt(definition, {"spec", "names", "plural"});
  const ResourceType* served = cluster.store.catalog().Preferred(group, plural);
  if (served != nullptr && served->custom) {
    for (const ObjectPtr& object : cluster.store.List(*served).objects)
      (void)cluster.store.Remove(*served, object->ns, object->name, object->uid);
  }
  cluster.store.catalog().RemoveCustom(group, plural);
  for (const ObjectPtr& other : cluster.store.List(DefinitionsOf(cluster)).objects) {
    if (TextAt(other->Parse(), {"spec", "group"}) == group) AcceptDefinition(cluster, *other);
  }
}

}  // namespace opsmesh::kubesim
