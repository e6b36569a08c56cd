#include <fmt/format.h>

#include <map>

#include "embed/opsmesh_libs_kubesim_demo.h"
#include "libs/base/error.h"
#include "libs/kubesim/content/content.h"
#include "libs/kubesim/objects/defaults.h"
#include "libs/kubesim/store/json_path.h"
#include "libs/kubesim/store/yaml.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

void CompleteNamespace(Json& object) {
  if (!At(object, "spec").is_object()) object["spec"] = {{"finalizers", {"kubernetes"}}};
  if (TextAt(object, {"status", "phase"}).empty()) object["status"]["phase"] = "Active";
}

void AddNamespaceDefaults(const ContentTarget& target, const std::string& ns, absl::Time created) {
  auto add = [&](const char* plural, Json object) {
    object["metadata"]["namespace"] = ns;
    object["metadata"]["creationTimestamp"] = base::Rfc3339(created);
    (void)target.store.Create(MustFind(target.store, "", "v1", plural), std::move(object), true);
  };
  add("serviceaccounts", {{"metadata", {{"name", "default"}}}});
  add("configmaps", {{"metadata",
                      {{"name", "kube-root-ca.crt"},
                       {"annotations",
                        {{"kubernetes.io/description",
                          "The certificate authority of this simulated cluster."}}}}},
                     {"data",
                      {{"ca.crt",
                        "-----BEGIN CERTIFICATE-----\n(the simulator's certificate "
                        "authority)\n-----END CERTIFICATE-----\n"}}}});
}

absl::Status LoadSystem(const ContentTarget& target) {
  OPSMESH_ASSIGN_OR_RETURN(auto documents,
                           ParseYaml(demo_data::EmbeddedFile("content/system.yaml")));
  const absl::Time created = target.clock.Now() - absl::Hours(24 * 41);
  for (YamlDocument& document : documents) {
    Json& object = *document.value;
    const ResourceType* type =
        target.store.catalog().FindKind(TextAt(object, "apiVersion"), TextAt(object, "kind"));
    if (type == nullptr) {
      return base::Internal("SYSTEM_INVALID", fmt::format("system.yaml:{}: unknown kind {}",
                                                          document.line, TextAt(object, "kind")));
    }
    ApplyDefaults(*type, object);
    if (type->storage_key == "/namespaces") CompleteNamespace(object);
    object["metadata"]["creationTimestamp"] = base::Rfc3339(created);
    auto made = target.store.Create(*type, object, true);
    if (!made.ok() && made.status().reason == "AlreadyExists")
      continue;  // brought along by a real cluster
    if (!made.ok()) return base::Internal("SYSTEM_INVALID", made.status().message);
    if (type->storage_key == "/namespaces") AddNamespaceDefaults(target, (*made)->name, created);
  }
  return LoadDefaultRoles(target, created);
}

absl::StatusOr<int> LoadMachines(const ContentTarget& target) {
  OPSMESH_ASSIGN_OR_RETURN(auto documents,
                           ParseYaml(demo_data::EmbeddedFile("content/machines.yaml")));
  const ResourceType* node = target.store.catalog().FindKind("v1", "Node");
  // Who brings nodes brings a whole cluster.
  if (node != nullptr && !target.store.List(*node).objects.empty()) return 0;
  std::map<std::string, bool> there;  // by kind, before anything is added
  int nodes = 0;
  for (YamlDocument& document : documents) {
    Json& object = *document.value;
    const std::string kind = TextAt(object, "kind");
    const ResourceType* type = target.store.catalog().FindKind(TextAt(object, "apiVersion"), kind);
    if (type == nullptr) return base::Internal("SYSTEM_INVALID", "machines.yaml: unknown kind");
    const bool any =
        there.try_emplace(kind, !target.store.List(*type).objects.empty()).first->second;
    if (any) continue;
    ApplyDefaults(*type, object);
    object["metadata"]["creationTimestamp"] = base::Rfc3339(target.clock.Now());
    auto made = target.store.Create(*type, std::move(object), true);
    if (!made.ok()) return base::Internal("SYSTEM_INVALID", made.status().message);
    nodes += kind == "Node";
  }
  return nodes;
}

}  // namespace opsmesh::kubesim
