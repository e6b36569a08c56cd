#include <fmt/format.h>

#include <algorithm>

#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/objects/validation.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxObject = 4 << 20;

// The type under which an object is kept: its own, else the served version of a group that still
// has the kind.
const ResourceType* TypeOf(const ResourceCatalog& catalog, const std::string& api_version,
                           const std::string& kind) {
  const ResourceType* type = catalog.FindKind(api_version, kind);
  const std::string group = api_version.find('/') == std::string::npos
                                ? ""
                                : api_version.substr(0, api_version.find('/'));
  if (type == nullptr) {
    for (const ResourceType* one : catalog.All()) {
      const bool moved =
          group == "extensions" && (one->group == "apps" || one->group == "networking.k8s.io");
      if (one->kind == kind && (one->group == group || moved) && one->Allows("create")) type = one;
    }
  }
  if (type == nullptr || !type->Allows("create") || !type->Allows("get")) return nullptr;
  const std::string stored_group = type->storage_key.substr(0, type->storage_key.find('/'));
  const ResourceType* stored = catalog.Preferred(stored_group, type->plural);
  return stored == nullptr ? type : stored;
}

class ObjectLoader {
 public:
  ObjectLoader(const ContentTarget& target, std::vector<std::string>* left_out)
      : target_(target), left_out_(left_out) {}

  void Load(const GivenObject& given, bool definitions) {
    auto parsed = base::ParseJson(given.json, {.max_bytes = kMaxObject, .max_depth = 64});
    Json object = parsed.ok() ? *std::move(parsed) : Json();
    const std::string api_version =
        given.api_version.empty() ? TextAt(object, "apiVersion") : given.api_version;
    const std::string kind = given.kind.empty() ? TextAt(object, "kind") : given.kind;
    if ((kind == "CustomResourceDefinition") != definitions) return;
    const std::string ns = TextAt(object, {"metadata", "namespace"}),
                      name = TextAt(object, {"metadata", "name"});
    const ResourceType* type =
        name.empty() ? nullptr : TypeOf(target_.store.catalog(), api_version, kind);
    // The data of Secrets is not asked for: what stands for it need not be base64.
    if (type == nullptr || type->namespaced == ns.empty() ||
        (kind != "Secret" && !CheckShape(*type, object).wrong.empty()))
      return LeaveOut(api_version, kind, ns, name);
    if (api_version == "events.k8s.io/v1") return;  // the same objects as the core's events
    if (type->namespaced) EnsureNamespace(ns);
    // What an apiserver gives a new Pod.
    if (type->storage_key == "/pods" && !object.contains("status"))
      object["status"] = {{"phase", "Pending"}, {"qosClass", QosClass(At(object, "spec"))}};
    if (!target_.store.Create(*type, object, true).ok()) return;  // given twice: the first counts
    if (definitions) target_.store.catalog().DefineCustom(object);
  }

  void EnsureNamespace(const std::string& ns) {
    const ResourceType& type = MustFind(target_.store, "", "v1", "namespaces");
    if (target_.store.Get(type, "", ns)) return;
    (void)target_.store.Create(
        type, {{"metadata", {{"name", ns}, {"labels", {{"kubernetes.io/metadata.name", ns}}}}},
               {"spec", {{"finalizers", {"kubernetes"}}}},
               {"status", {{"phase", "Active"}}}});
  }

 private:
  void LeaveOut(const std::string& api_version, const std::string& kind, const std::string& ns,
                const std::string& name) {
    if (left_out_ != nullptr)
      left_out_->push_back(fmt::format("{} {} {}{}{}", api_version.empty() ? "?" : api_version,
                                       kind.empty() ? "?" : kind, ns, ns.empty() ? "" : "/",
                                       name.empty() ? "?" : name));
  }

  const ContentTarget& target_;
  std::vector<std::string>* left_out_;
};

}  // namespace

absl::Status LoadObjects(const ContentTarget& target, const std::vector<GivenObject>& objects,
                         std::vector<std::string>* left_out) {
  ObjectLoader loader(target, left_out);
  for (const bool definitions : {true, false}) {
    // Namespaces first, so that none is implied that is given.
    for (const bool namespaces : {true, false}) {
      for (const GivenObject& given : objects) {
        const bool is =
            given.kind == "Namespace" ||
            (given.kind.empty() && given.json.find("\"kind\":\"Namespace\"") != std::string::npos);
        if (is == namespaces) loader.Load(given, definitions);
      }
    }
  }
  // Every namespace has what its controllers would have put there.
  for (const ObjectPtr& ns :
       target.store.List(MustFind(target.store, "", "v1", "namespaces")).objects)
    AddNamespaceDefaults(target, ns->name, target.clock.Now());
  return LoadSystem(target);
}

}  // namespace opsmesh::kubesim
