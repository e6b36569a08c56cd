#include "libs/kubesim/behaviour/controllers/namespaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Content that waits for somebody (grace, finalizers) is looked at again after this.
constexpr absl::Duration kLookAgain = absl::Seconds(5);

std::string Listed(const std::map<std::string, size_t>& counts, std::string_view between) {
  std::string text;
  for (const auto& [name, count] : counts)
    text += fmt::format("{}{} {} {} resource instances", text.empty() ? "" : ", ", name, between,
                        count);
  return text;
}

}  // namespace

NamespaceController::NamespaceController(Engine& engine)
    : engine_(engine),
      namespaces_(engine.InformerOf("", "namespaces")),
      queue_(engine.AddQueue("namespace", [this](const std::string& key) { return Sync(key); })) {
  namespaces_.OnChange([this](const Seen& seen) {
    if (seen.now && BeingDeleted(seen.now_json)) queue_.Add(seen.now->name);
  });
}

Next NamespaceController::Sync(const std::string& name) {
  const ObjectPtr space = namespaces_.Get("", name);
  if (!space) return Next::Done();
  const auto content = engine_.Parsed(space);
  return BeingDeleted(*content) ? Empty(space, *content) : Next::Done();
}

Next NamespaceController::Empty(const ObjectPtr& space, const Json& content) {
  const Content left = DeleteContent(space->name);
  if (left.objects.empty()) {
    // Of the namespace's own finalizers "kubernetes" is this controller's.
    const Json& own = ListAt(content, {"spec", "finalizers"});
    const bool others =
        std::any_of(own.begin(), own.end(), [](const Json& one) { return one != "kubernetes"; });
    if (!others && ListAt(content, {"metadata", "finalizers"}).empty()) {
      return engine_.client().Remove(namespaces_.type(), "", space->name, space->uid)
                 ? Next::Retry()
                 : Next::Done();
    }
  }
  (void)engine_.client().Change(
      namespaces_.type(), "", space->name,
      [&](Json& object) {
        Json& status = object["status"];
        const Json before = status;
        Tell(left, status);
        return status != before;
      },
      space->uid);
  return left.objects.empty() ? Next::Done() : Next::After(kLookAgain);
}

NamespaceController::Content NamespaceController::DeleteContent(const std::string& ns) {
  Content left;
  std::set<std::string> done;
  for (const ResourceType* type : engine_.store().catalog().All()) {
    if (!type->namespaced || type->group == "metrics.k8s.io" ||
        !done.insert(type->storage_key).second)
      continue;
    for (const ObjectPtr& object : engine_.store().List(*type, ns).objects) {
      if (!BeingDeleted(*engine_.Parsed(object))) {
        (void)engine_.client().Delete(*type, object->ns, object->name,
                                      {{"propagationPolicy", "Background"}}, object->uid);
      }
      const ObjectPtr stays = engine_.store().Get(*type, object->ns, object->name);
      if (!stays || stays->uid != object->uid) continue;
      ++left.objects[fmt::format("{}.{}", type->plural, type->group)];
      const Json json = stays->Parse();
      for (const Json& finalizer : ListAt(json, {"metadata", "finalizers"}))
        ++left.finalizers[Scalar(finalizer)];
    }
  }
  return left;
}

void NamespaceController::Tell(const Content& left, Json& status) const {
  const auto set = [&](const char* type, bool bad, const char* reason, const std::string& message) {
    SetCondition(status, type, bad ? "True" : "False", reason, message, engine_.Now(), Json());
  };
  status["phase"] = "Terminating";
  set("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered",
      "All resources successfully discovered");
  set("NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions",
      "All legacy kube types successfully parsed");
  set("NamespaceDeletionContentFailure", false, "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization");
  if (left.objects.empty()) {
    set("NamespaceContentRemaining", false, "ContentRemoved", "All content successfully removed");
  } else {
    set("NamespaceContentRemaining", true, "SomeResourcesRemain",
        "Some resources are remaining: " + Listed(left.objects, "has"));
  }
  if (left.finalizers.empty()) {
    set("NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers",
        "All content-preserving finalizers finished");
  } else {
    set("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain",
        "Some content in the namespace has finalizers remaining: " + Listed(left.finalizers, "in"));
  }
}

ServiceAccountController::ServiceAccountController(Engine& engine)
    : engine_(engine),
      namespaces_(engine.InformerOf("", "namespaces")),
      queue_(
          engine.AddQueue("serviceaccount", [this](const std::string& key) { return Sync(key); })) {
  namespaces_.OnChange([this](const Seen& seen) {
    if (seen.now) queue_.Add(seen.now->name);
  });
  engine_.InformerOf("", "serviceaccounts").OnChange([this](const Seen& seen) {
    if (!seen.now && seen.before->name == "default") queue_.Add(seen.before->ns);
  });
  engine_.InformerOf("", "configmaps").OnChange([this](const Seen& seen) {
    if (seen.before && seen.before->name == "kube-root-ca.crt") queue_.Add(seen.before->ns);
  });
}

Next ServiceAccountController::Sync(const std::string& name) {
  const ObjectPtr space = namespaces_.Get("", name);
  if (!space || BeingDeleted(*engine_.Parsed(space))) return Next::Done();
  const ResourceType& accounts = engine_.Type("", "serviceaccounts");
  if (!engine_.store().Get(accounts, name, "default"))
    (void)engine_.client().Create(accounts,
                                  {{"metadata", {{"name", "default"}, {"namespace", name}}}});
  // Every namespace has the same certificate: that of kube-system.
  const ResourceType& maps = engine_.Type("", "configmaps");
  if (name == "kube-system") return Next::Done();
  const ObjectPtr root = engine_.store().Get(maps, "kube-system", "kube-root-ca.crt");
  if (!root) return Next::Done();
  const Json source = root->Parse();
  const Json& data = At(source, "data");
  if (!data.is_object()) return Next::Done();
  if (engine_.store().Get(maps, name, root->name)) {
    (void)engine_.client().Change(maps, name, root->name, [&](Json& map) {
      if (At(map, "data") == data) return false;
      map["data"] = data;
      return true;
    });
    return Next::Done();
  }
  Json map = {{"metadata", {{"name", root->name}, {"namespace", name}}}, {"data", data}};
  if (!At(source, {"metadata", "annotations"}).is_null())
    map["metadata"]["annotations"] = At(source, {"metadata", "annotations"});
  (void)engine_.client().Create(maps, std::move(map));
  return Next::Done();
}

}  // namespace opsmesh::kubesim
