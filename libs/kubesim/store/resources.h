// What kinds of objects the cluster serves: group, version, names, scope, verbs, subresources.
// Built-in kinds are a table; custom resource definitions add to it while the cluster runs.
#pragma once

#include <deque>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// A subresource as discovery shows it.
struct Subresource {
  std::string name;  // "scale"
  std::string kind;  // "Scale"
  std::string group,
      version;  // of the kind where it differs from the parent's ("autoscaling", "v1"); else empty
  std::vector<std::string> verbs;
};

/// One served resource. Addresses stay valid as long as the ResourceCatalog lives.
struct ResourceType {
  std::string group;  // "" = core
  std::string version;
  std::string plural;  // "pods"
  std::string singular;
  std::string kind;  // "Pod"
  bool namespaced = true;
  std::vector<std::string> verbs;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  std::vector<Subresource> subresources;
  /// "group/plural" under which objects are kept: autoscaling/v1 and v2 share it, and so do both
  /// kinds of events.
  std::string storage_key;
  bool custom = false;  // defined by a CustomResourceDefinition
  /// additionalPrinterColumns, schema ... of a custom resource; null otherwise.
  std::shared_ptr<const Json> definition;

  std::string ApiVersion() const { return group.empty() ? version : group + "/" + version; }
  /// "deployments.apps", "pods": as error messages call it.
  std::string QualifiedName() const { return group.empty() ? plural : plural + "." + group; }
  bool Allows(std::string_view verb) const;
  const Subresource* FindSubresource(std::string_view name) const;
};

/// Thread-safe.
class ResourceCatalog {
 public:
  ResourceCatalog();

  /// Null when there is no such resource.
  const ResourceType* Find(std::string_view group, std::string_view version,
                           std::string_view plural) const;
  const ResourceType* FindKind(std::string_view api_version, std::string_view kind) const;
  /// The preferred version of a built-in or custom resource by plural name and group.
  const ResourceType* Preferred(std::string_view group, std::string_view plural) const;
  bool HasGroupVersion(std::string_view group, std::string_view version) const;
  /// Every resource, groups in the order a real server lists them.
  std::vector<const ResourceType*> All() const;

  /// Serves metrics.k8s.io/v1beta1 from now on, as a metrics server that starts.
  void EnableMetrics();

  /// Takes the versions that `crd` serves into the catalog, or replaces them. Types of an earlier
  /// definition stay valid but are no longer found.
  void DefineCustom(const Json& crd);
  void RemoveCustom(std::string_view group, std::string_view plural);

 private:
  mutable std::shared_mutex mutex_;
  std::deque<std::unique_ptr<ResourceType>> types_;  // never shrinks
  std::vector<const ResourceType*> served_;
  std::vector<const ResourceType*> optional_;  // not served until enabled
};

}  // namespace opsmesh::kubesim
