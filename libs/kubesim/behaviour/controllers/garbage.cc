#include "libs/kubesim/behaviour/controllers/garbage.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/stored_json.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kForeground = "foregroundDeletion";
constexpr const char* kOrphan = "orphan";
const EventSource kSource{"garbage-collector-controller", ""};
// Owners that are unknown when an object is seen first may come with the next change of the same
// client.
constexpr absl::Duration kGrace = absl::Milliseconds(500);
// When an owner of a kind that is not served is looked for again.
constexpr absl::Duration kUnknownKind = absl::Seconds(30);

bool HasFinalizer(const Json& object, const char* finalizer) {
  for (const Json& one : ListAt(object, {"metadata", "finalizers"})) {
    if (one == finalizer) return true;
  }
  return false;
}

// Bytes that can only be a member's name: inside a JSON string the quotes would be escaped.
bool Interesting(const Object& object) {
  return object.json.find("\"ownerReferences\":") != std::string::npos ||
         object.json.find("\"deletionTimestamp\":") != std::string::npos;
}

// The bytes of the metadata around the version.
std::pair<std::string_view, std::string_view> MetadataOf(const Object& object) {
  constexpr std::string_view kVersion = "\"resourceVersion\":\"";
  const std::string_view metadata = StoredMember(object.json, "metadata");
  const size_t at = metadata.find(kVersion);
  if (at == std::string_view::npos) return {metadata, {}};
  return {metadata.substr(0, at), metadata.substr(metadata.find('"', at + kVersion.size()))};
}

}  // namespace

GarbageCollector::GarbageCollector(Engine& engine)
    : engine_(engine),
      dependents_queue_(engine.AddQueue(
          "garbage-dependents", [this](const std::string& uid) { return CheckDependent(uid); })),
      owners_queue_(engine.AddQueue("garbage-owners",
                                    [this](const std::string& uid) { return CheckOwner(uid); })) {
  engine_.OnAnyChange([this](const Change& change) {
    if (change.type == ChangeType::kDeleted) {
      Drop(change.object->uid);
    } else if (change.type == ChangeType::kAdded || Concerns(change)) {
      See(*change.resource, change.object);
    }
  });
}

void GarbageCollector::Start() {
  std::set<std::string> done;
  for (const ResourceType* type : engine_.store().catalog().All()) {
    if (type->group == "metrics.k8s.io" || !done.insert(type->storage_key).second) continue;
    for (const ObjectPtr& object : engine_.AtStart(*type).objects) See(*type, object);
  }
}

// Most changes leave alone who belongs to whom.
bool GarbageCollector::Concerns(const Change& change) {
  if (change.resource->storage_key == "/events" || change.resource->group == "metrics.k8s.io")
    return false;
  if (MetadataOf(*change.object) == MetadataOf(*change.previous)) return false;
  if (!Interesting(*change.object) && !Interesting(*change.previous)) return false;
  const auto before = engine_.Parsed(change.previous), now = engine_.Parsed(change.object);
  const Json &old = At(*before, "metadata"), &fresh = At(*now, "metadata");
  return At(old, "ownerReferences") != At(fresh, "ownerReferences") ||
         At(old, "finalizers") != At(fresh, "finalizers") ||
         At(old, "deletionTimestamp") != At(fresh, "deletionTimestamp");
}

void GarbageCollector::See(const ResourceType& type, const ObjectPtr& now) {
  if (type.group == "metrics.k8s.io" || type.storage_key == "/events") return;
  const Object& object = *now;
  const std::string& uid = object.uid;
  alive_.insert_or_assign(uid, object.ns);
  auto known = nodes_.find(uid);
  if (known == nodes_.end() && !Interesting(object)) return;
  Node node{&type, object.ns, object.name, {}, false, false, false};
  if (Interesting(object)) {
    const auto parsed = engine_.Parsed(now);
    const Json& json = *parsed;
    for (const Json& owner : ListAt(json, {"metadata", "ownerReferences"})) {
      node.owners.push_back({TextAt(owner, "uid"), TextAt(owner, "apiVersion"),
                             TextAt(owner, "kind"), TextAt(owner, "name"),
                             BoolAt(owner, {"blockOwnerDeletion"})});
    }
    node.deleted = BeingDeleted(json);
    node.foreground = node.deleted && HasFinalizer(json, kForeground);
    node.orphaning = node.deleted && HasFinalizer(json, kOrphan);
  }
  if (known != nodes_.end()) {
    for (const Owner& owner : known->second.owners) {
      const bool stays = std::any_of(node.owners.begin(), node.owners.end(),
                                     [&](const Owner& one) { return one.uid == owner.uid; });
      if (stays) continue;
      dependents_[owner.uid].erase(uid);
      if (dependents_[owner.uid].empty()) dependents_.erase(owner.uid);
      owners_queue_.Add(owner.uid);
    }
  }
  bool orphaned = false;
  for (const Owner& owner : node.owners) {
    dependents_[owner.uid].insert(uid);
    const bool stranger = !Fits(node, owner);
    orphaned |= stranger;
    if (stranger) TellOfForeignOwner(uid, node, owner);
    auto above = nodes_.find(owner.uid);
    if (above != nodes_.end() && above->second.foreground) orphaned = true;
  }
  if (orphaned && !node.deleted) dependents_queue_.AddAfter(uid, kGrace);
  if (node.foreground || node.orphaning) owners_queue_.Add(uid);
  if (node.owners.empty() && !node.deleted) {
    if (known != nodes_.end()) nodes_.erase(known);
    return;
  }
  nodes_.insert_or_assign(uid, std::move(node));
}

void GarbageCollector::Drop(const std::string& uid) {
  alive_.erase(uid);
  if (auto known = nodes_.find(uid); known != nodes_.end()) {
    for (const Owner& owner : known->second.owners) {
      dependents_[owner.uid].erase(uid);
      if (dependents_[owner.uid].empty()) dependents_.erase(owner.uid);
      owners_queue_.Add(owner.uid);
    }
    nodes_.erase(known);
  }
  auto below = dependents_.find(uid);
  if (below == dependents_.end()) return;
  for (const std::string& dependent : below->second) dependents_queue_.Add(dependent);
}

bool GarbageCollector::Fits(const Node& node, const Owner& owner) const {
  if (!alive_.contains(owner.uid)) return false;
  const ResourceType* type = engine_.store().catalog().FindKind(owner.api_version, owner.kind);
  if (type == nullptr) return true;  // nobody can say
  const ObjectPtr there =
      engine_.store().Get(*type, type->namespaced ? node.ns : std::string(), owner.name);
  return there && there->uid == owner.uid;
}

void GarbageCollector::TellOfForeignOwner(const std::string& uid, const Node& node,
                                          const Owner& owner) {
  auto there = alive_.find(owner.uid);
  if (there == alive_.end() || there->second.empty() || there->second == node.ns) return;
  const ObjectPtr object = engine_.store().Get(*node.type, node.ns, node.name);
  if (!object || object->uid != uid) return;
  engine_.events().Record(
      kSource, *node.type, *object, "Warning", "OwnerRefInvalidNamespace",
      fmt::format(
          "ownerRef [{}/{}, namespace: {}, name: {}, uid: {}] does not exist in namespace \"{}\"",
          owner.api_version, owner.kind, node.ns, owner.name, owner.uid, node.ns));
}

bool GarbageCollector::RemoveOwners(const std::string& uid, const Node& node,
                                    const std::set<std::string>& owners) {
  auto written = engine_.client().Change(
      *node.type, node.ns, node.name,
      [&](Json& object) {
        Json kept = Json::array();
        for (const Json& one : ListAt(object, {"metadata", "ownerReferences"})) {
          if (!owners.contains(TextAt(one, "uid"))) kept.push_back(one);
        }
        if (kept.empty())
          object["metadata"].erase("ownerReferences");
        else
          object["metadata"]["ownerReferences"] = kept;
        return true;
      },
      uid);
  return written.ok() || written.status().code == 404;
}

Next GarbageCollector::CheckDependent(const std::string& uid) {
  auto found = nodes_.find(uid);
  if (found == nodes_.end()) return Next::Done();
  const Node node = found->second;
  if (node.owners.empty() || (node.deleted && !node.foreground)) return Next::Done();
  bool solid = false;
  std::set<std::string> lost, waiting;
  for (const Owner& owner : node.owners) {
    auto above = nodes_.find(owner.uid);
    if (!Fits(node, owner)) {
      // Of a kind that is not served nobody can say whether it is there.
      if (engine_.store().catalog().FindKind(owner.api_version, owner.kind) == nullptr)
        return Next::After(kUnknownKind);
      lost.insert(owner.uid);
    } else if (above != nodes_.end() && above->second.foreground) {
      waiting.insert(owner.uid);
    } else {
      solid = true;
    }
  }
  if (lost.empty() && waiting.empty()) return Next::Done();
  if (solid) {
    lost.insert(waiting.begin(), waiting.end());
    return RemoveOwners(uid, node, lost) ? Next::Done() : Next::Retry();
  }
  if (node.deleted) return Next::Done();
  const ObjectPtr object = engine_.store().Get(*node.type, node.ns, node.name);
  if (!object || object->uid != uid) return Next::Done();
  const char* policy = "Background";
  if (!waiting.empty() && dependents_.contains(uid)) {
    policy = "Foreground";  // its own dependents go first
  } else {
    const Json json = object->Parse();
    if (HasFinalizer(json, kOrphan)) policy = "Orphan";
    if (HasFinalizer(json, kForeground)) policy = "Foreground";
  }
  auto refused =
      engine_.client().Delete(*node.type, node.ns, node.name, {{"propagationPolicy", policy}}, uid);
  return !refused || refused->code == 404 ? Next::Done() : Next::Retry();
}

bool GarbageCollector::TakeFinalizer(const std::string& uid, const Node& node,
                                     const char* finalizer) {
  auto written = engine_.client().Change(
      *node.type, node.ns, node.name,
      [&](Json& object) {
        Json kept = Json::array();
        for (const Json& one : ListAt(object, {"metadata", "finalizers"})) {
          if (one != finalizer) kept.push_back(one);
        }
        if (kept.empty())
          object["metadata"].erase("finalizers");
        else
          object["metadata"]["finalizers"] = kept;
        return true;
      },
      uid);
  return written.ok() || written.status().code == 404;
}

Next GarbageCollector::CheckOwner(const std::string& uid) {
  auto found = nodes_.find(uid);
  if (found == nodes_.end() || !(found->second.foreground || found->second.orphaning))
    return Next::Done();
  const Node node = found->second;
  std::vector<std::string> below;
  if (auto it = dependents_.find(uid); it != dependents_.end())
    below.assign(it->second.begin(), it->second.end());
  if (node.orphaning) {
    for (const std::string& dependent : below) {
      auto one = nodes_.find(dependent);
      if (one != nodes_.end() && !RemoveOwners(dependent, one->second, {uid})) return Next::Retry();
    }
    return TakeFinalizer(uid, node, kOrphan) ? Next::Done() : Next::Retry();
  }
  bool blocked = false;
  for (const std::string& dependent : below) {
    auto one = nodes_.find(dependent);
    if (one == nodes_.end()) continue;
    for (const Owner& owner : one->second.owners) blocked |= owner.uid == uid && owner.blocks;
    if (!one->second.deleted) dependents_queue_.Add(dependent);
  }
  if (blocked) return Next::Done();
  return TakeFinalizer(uid, node, kForeground) ? Next::Done() : Next::Retry();
}

}  // namespace opsmesh::kubesim
