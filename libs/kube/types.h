// Kinds of Kubernetes objects as a server serves them, and the names by which people call them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace opsmesh::kube {

/// One kind in one served version.
struct ResourceType {
  std::string group;                     // "" = core
  std::string version;                   // "v1"
  std::string kind;                      // "Deployment"
  std::string plural;                    // "deployments": the name in URLs and in RBAC rules
  std::string singular;                  // "deployment"
  std::vector<std::string> short_names;  // {"deploy"}
  bool namespaced = true;
  std::vector<std::string> verbs;         // {"get", "list", "watch", ...}; empty = not known
  std::vector<std::string> subresources;  // {"scale", "status"}

  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  /// As kubectl and RBAC messages name it: "deployments.apps", "pods".
  std::string qualified_name() const { return group.empty() ? plural : plural + "." + group; }
  /// True when the server said that it allows the verb on this type, or said nothing.
  bool Supports(std::string_view verb) const;
  bool HasSubresource(std::string_view name) const;

  friend bool operator==(const ResourceType&, const ResourceType&) = default;
};

/// The kinds this client has typed views for, each in the newest version it knows. Clients work
/// with these when a server refuses discovery. Order: as documented in types.cc, stable.
std::span<const ResourceType> BuiltinTypes();

/// A built-in type by plural, singular, kind, short name or qualified name, case-insensitive; null
/// when none is.
const ResourceType* FindBuiltin(std::string_view name);

/// Versions of a built-in group and plural that this client can read, best first (autoscaling v2,
/// v2beta2, v2beta1, v1). Empty for other types: any version will do.
std::span<const std::string_view> KnownVersions(std::string_view group, std::string_view plural);

/// What a name must look like. INVALID_ARGUMENT (INVALID_NAME) naming `field` and the rule
/// otherwise. Done before a URL is built, so no name can change a path.
absl::Status CheckObjectName(std::string_view field,
                             std::string_view name);  // RFC 1123 subdomain, RBAC names also ":"
absl::Status CheckNamespace(std::string_view field, std::string_view name);  // RFC 1123 label
absl::Status CheckContainerName(std::string_view field, std::string_view name);

}  // namespace opsmesh::kube
