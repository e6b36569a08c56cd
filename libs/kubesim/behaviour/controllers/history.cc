#include "libs/kubesim/behaviour/controllers/history.h"

#include <algorithm>
#include <set>

#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

RevisionHistory::RevisionHistory(Engine& engine, const ResourceType& owner_type,
                                 const char* hash_label, bool name_is_hash)
    : engine_(engine),
      owner_type_(owner_type),
      hash_label_(hash_label),
      name_is_hash_(name_is_hash),
      revisions_(engine.InformerOf("apps", "controllerrevisions")),
      by_controller_(revisions_.ByController()),
      orphans_(revisions_.Orphans()) {}

Revision RevisionHistory::Make(const ObjectPtr& object) {
  Revision revision{object, IntAt(*engine_.Parsed(object), "revision"), object->name};
  if (name_is_hash_) return revision;
  revision.hash = object->name.substr(object->name.rfind('-') + 1);
  for (const auto& [key, value] : object->labels) {
    if (key == hash_label_) revision.hash = value;
  }
  return revision;
}

// Revisions that an owner's namesake left behind are taken in, as pods are.
void RevisionHistory::Adopt(const Object& owner, const Json& owner_json) {
  const LabelSelector selector = LabelSelector::FromObject(At(owner_json, {"spec", "selector"}));
  if (selector.empty()) return;
  for (const ObjectPtr& orphan : ObjectSet(orphans_.Find(owner.ns))) {
    if (!selector.Matches(orphan->labels)) continue;
    (void)engine_.client().Change(
        revisions_.type(), orphan->ns, orphan->name,
        [&](Json& object) {
          if (!ControllerOf(object).is_null() || BeingDeleted(object)) return false;
          object["metadata"]["ownerReferences"].push_back(ControllerReference(owner_type_, owner));
          return true;
        },
        orphan->uid);
  }
}

std::vector<Revision> RevisionHistory::List(const Object& owner, const Json& owner_json) {
  Adopt(owner, owner_json);
  std::vector<Revision> list = Owned(owner);
  for (const ObjectPtr& orphan : orphans_.Find(owner.ns)) {  // taken in just now
    const ObjectPtr object = engine_.store().Get(revisions_.type(), orphan->ns, orphan->name);
    if (object && TextAt(ControllerOf(*engine_.Parsed(object)), "uid") == owner.uid)
      list.push_back(Make(object));
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const Revision& x, const Revision& y) { return x.number < y.number; });
  return list;
}

std::vector<Revision> RevisionHistory::Owned(const Object& owner) {
  std::vector<Revision> list;
  for (const ObjectPtr& known : by_controller_.Find(owner.uid)) {
    const ObjectPtr object = engine_.store().Get(revisions_.type(), known->ns, known->name);
    if (object && object->uid == known->uid) list.push_back(Make(object));
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const Revision& x, const Revision& y) { return x.number < y.number; });
  return list;
}

Revision RevisionHistory::Current(const Object& owner, const Json& owner_json,
                                  const std::vector<Revision>& known) {
  const Json& pod_template = At(owner_json, {"spec", "template"});
  const Json sought = CleanTemplate(pod_template);
  const int64_t next = known.empty() ? 1 : known.back().number + 1;
  for (auto it = known.rbegin(); it != known.rend(); ++it) {
    if (CleanTemplate(At(*engine_.Parsed(it->object), {"data", "spec", "template"})) != sought)
      continue;
    if (it == known.rbegin()) return *it;
    auto raised = engine_.client().Change(
        revisions_.type(), owner.ns, it->object->name,
        [&](Json& object) {
          object["revision"] = next;
          return true;
        },
        it->object->uid);
    return raised.ok() ? Make(*raised) : Revision{};
  }
  for (int64_t collisions = IntAt(owner_json, {"status", "collisionCount"});; ++collisions) {
    Json hashed = pod_template;
    if (collisions > 0) hashed["collision"] = collisions;
    const std::string hash = TemplateHash(hashed);
    Json object = {{"metadata",
                    {{"name", owner.name + "-" + hash},
                     {"namespace", owner.ns},
                     {"ownerReferences", Json::array({ControllerReference(owner_type_, owner)})}}},
                   {"revision", next},
                   {"data", {{"spec", {{"template", pod_template}}}}}};
    object["data"]["spec"]["template"]["$patch"] = "replace";
    Json labels = At(pod_template, {"metadata", "labels"});
    labels[hash_label_] = hash;
    object["metadata"]["labels"] = std::move(labels);
    if (At(owner_json, {"metadata", "annotations"}).is_object())
      object["metadata"]["annotations"] = At(owner_json, {"metadata", "annotations"});
    auto made = engine_.client().Create(revisions_.type(), std::move(object));
    if (made.ok()) return Make(*made);
    if (made.status().reason != "AlreadyExists" || collisions > 100) return Revision{};
  }
}

void RevisionHistory::Trim(const Object& owner, int64_t limit,
                           const std::vector<std::string>& live) {
  std::vector<Revision> dead;
  for (const Revision& revision : Owned(owner)) {
    if (std::find(live.begin(), live.end(), revision.object->name) == live.end() &&
        std::find(live.begin(), live.end(), revision.hash) == live.end())
      dead.push_back(revision);
  }
  for (int64_t i = 0; i < static_cast<int64_t>(dead.size()) - limit; ++i) {
    const Object& object = *dead[static_cast<size_t>(i)].object;
    (void)engine_.client().Delete(revisions_.type(), object.ns, object.name, Json::object(),
                                  object.uid);
  }
}

Json RevisionHistory::Apply(const Json& owner_json, const Revision& revision) {
  Json applied = owner_json;
  applied["spec"]["template"] = At(*engine_.Parsed(revision.object), {"data", "spec", "template"});
  applied["spec"]["template"].erase("$patch");
  return applied;
}

}  // namespace opsmesh::kubesim
