#include "libs/kube/types.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::kube {
namespace {

ResourceType Type(std::string group, std::string version, std::string kind, std::string plural,
                  std::vector<std::string> short_names = {}, bool namespaced = true,
                  std::vector<std::string> subresources = {}) {
  ResourceType type;
  type.group = std::move(group);
  type.version = std::move(version);
  type.singular = base::AsciiLower(kind);
  type.kind = std::move(kind);
  type.plural = std::move(plural);
  type.short_names = std::move(short_names);
  type.namespaced = namespaced;
  type.subresources = std::move(subresources);
  return type;
}

/// Core first, then workloads, then the rest; where a name fits two types the earlier one is meant.
const std::vector<ResourceType>& Table() {
  static const auto* const table = new std::vector<ResourceType>{
      Type("", "v1", "Pod", "pods", {"po"}, true, {"log", "eviction", "status", "exec"}),
      Type("", "v1", "Service", "services", {"svc"}),
      Type("", "v1", "Endpoints", "endpoints", {"ep"}),
      Type("", "v1", "Event", "events", {"ev"}),
      Type("", "v1", "Node", "nodes", {"no"}, false),
      Type("", "v1", "Namespace", "namespaces", {"ns"}, false),
      Type("", "v1", "ConfigMap", "configmaps", {"cm"}),
      Type("", "v1", "Secret", "secrets"),
      Type("", "v1", "ServiceAccount", "serviceaccounts", {"sa"}),
      Type("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", {"pvc"}),
      Type("", "v1", "PersistentVolume", "persistentvolumes", {"pv"}, false),
      Type("", "v1", "ResourceQuota", "resourcequotas", {"quota"}),
      Type("", "v1", "LimitRange", "limitranges", {"limits"}),
      Type("", "v1", "ReplicationController", "replicationcontrollers", {"rc"}, true,
           {"scale", "status"}),
      Type("apps", "v1", "Deployment", "deployments", {"deploy"}, true, {"scale", "status"}),
      Type("apps", "v1", "ReplicaSet", "replicasets", {"rs"}, true, {"scale", "status"}),
      Type("apps", "v1", "StatefulSet", "statefulsets", {"sts"}, true, {"scale", "status"}),
      Type("apps", "v1", "DaemonSet", "daemonsets", {"ds"}, true, {"status"}),
      Type("apps", "v1", "ControllerRevision", "controllerrevisions"),
      Type("batch", "v1", "Job", "jobs"),
      Type("batch", "v1", "CronJob", "cronjobs", {"cj"}),
      Type("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", {"hpa"}),
      Type("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", {"pdb"}),
      Type("networking.k8s.io", "v1", "Ingress", "ingresses", {"ing"}),
      Type("networking.k8s.io", "v1", "IngressClass", "ingressclasses", {}, false),
      Type("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", {"netpol"}),
      Type("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
      Type("storage.k8s.io", "v1", "StorageClass", "storageclasses", {"sc"}, false),
      Type("rbac.authorization.k8s.io", "v1", "Role", "roles"),
      Type("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
      Type("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", {}, false),
      Type("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", {},
           false),
      Type("coordination.k8s.io", "v1", "Lease", "leases"),
      Type("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", {"pc"}, false),
      Type("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
           {"crd", "crds"}, false),
      Type("apiregistration.k8s.io", "v1", "APIService", "apiservices", {}, false),
      Type("events.k8s.io", "v1", "Event", "events"),
      Type("metrics.k8s.io", "v1beta1", "PodMetrics", "pods"),
      Type("metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes", {}, false),
  };
  return *table;
}

struct Versions {
  std::string_view group;
  std::string_view plural;  // "" = every plural of the group
  std::vector<std::string_view> versions;
};

const std::vector<Versions>& VersionTable() {
  static const auto* const table = new std::vector<Versions>{
      {"autoscaling", "horizontalpodautoscalers", {"v2", "v2beta2", "v2beta1", "v1"}},
      {"policy", "poddisruptionbudgets", {"v1", "v1beta1"}},
      {"batch", "cronjobs", {"v1", "v1beta1"}},
      {"batch", "jobs", {"v1"}},
      {"discovery.k8s.io", "endpointslices", {"v1", "v1beta1"}},
      {"networking.k8s.io", "ingresses", {"v1", "v1beta1"}},
      {"networking.k8s.io", "ingressclasses", {"v1", "v1beta1"}},
      {"networking.k8s.io", "networkpolicies", {"v1"}},
      {"apps", "", {"v1"}},
      {"storage.k8s.io", "storageclasses", {"v1", "v1beta1"}},
      {"rbac.authorization.k8s.io", "", {"v1", "v1beta1"}},
      {"coordination.k8s.io", "leases", {"v1", "v1beta1"}},
      {"scheduling.k8s.io", "priorityclasses", {"v1", "v1beta1"}},
      {"apiextensions.k8s.io", "customresourcedefinitions", {"v1", "v1beta1"}},
      {"apiregistration.k8s.io", "apiservices", {"v1", "v1beta1"}},
      {"events.k8s.io", "events", {"v1", "v1beta1"}},
      {"metrics.k8s.io", "", {"v1beta1"}},
      {"", "", {"v1"}},
  };
  return *table;
}

bool IsLowerAlnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool IsLabel(std::string_view text, size_t max) {
  if (text.empty() || text.size() > max || !IsLowerAlnum(text.front()) ||
      !IsLowerAlnum(text.back()))
    return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return IsLowerAlnum(c) || c == '-'; });
}

absl::Status BadName(std::string_view field, std::string_view name, std::string_view what,
                     std::string_view rule) {
  return base::InvalidArgument(field, "INVALID_NAME",
                               fmt::format("'{}' cannot be the name of a {}.",
                                           base::Utf8Prefix(base::SanitizeUtf8(name), 80), what))
      .Hint(rule)
      .With("name", base::Utf8Prefix(base::SanitizeUtf8(name), 80));
}

}  // namespace

bool ResourceType::Supports(std::string_view verb) const {
  return verbs.empty() || std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

bool ResourceType::HasSubresource(std::string_view name) const {
  return std::find(subresources.begin(), subresources.end(), name) != subresources.end();
}

std::span<const ResourceType> BuiltinTypes() { return Table(); }

const ResourceType* FindBuiltin(std::string_view name) {
  const std::string wanted = base::AsciiLower(name);
  for (const ResourceType& type : Table()) {
    if (wanted == type.plural || wanted == type.singular || wanted == type.qualified_name())
      return &type;
    if (std::find(type.short_names.begin(), type.short_names.end(), wanted) !=
        type.short_names.end())
      return &type;
  }
  return nullptr;
}

std::span<const std::string_view> KnownVersions(std::string_view group, std::string_view plural) {
  for (const Versions& entry : VersionTable()) {
    if (entry.group == group && (entry.plural.empty() || entry.plural == plural))
      return entry.versions;
  }
  return {};
}

absl::Status CheckObjectName(std::string_view field, std::string_view name) {
  const auto inner = [](char c) { return IsLowerAlnum(c) || c == '-' || c == '.' || c == ':'; };
  const bool valid = !name.empty() && name.size() <= 253 && IsLowerAlnum(name.front()) &&
                     IsLowerAlnum(name.back()) && std::all_of(name.begin(), name.end(), inner) &&
                     name.find("..") == std::string_view::npos;
  if (valid) return absl::OkStatus();
  return BadName(field, name, "Kubernetes object",
                 "Names have at most 253 lower-case letters, digits, '-' and '.', and begin and "
                 "end with a letter or digit.");
}

absl::Status CheckNamespace(std::string_view field, std::string_view name) {
  if (IsLabel(name, 63)) return absl::OkStatus();
  return BadName(field, name, "namespace",
                 "Namespaces have at most 63 lower-case letters, digits and '-', and begin and end "
                 "with a letter or digit.");
}

absl::Status CheckContainerName(std::string_view field, std::string_view name) {
  if (IsLabel(name, 63)) return absl::OkStatus();
  return BadName(field, name, "container",
                 "Containers have at most 63 lower-case letters, digits and '-', and begin and end "
                 "with a letter or digit.");
}

}  // namespace opsmesh::kube
