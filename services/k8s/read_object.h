// Single objects as answers: found with "did you mean", shown as YAML.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/kube/object.h"
#include "libs/kube/types.h"
#include "services/k8s/picture.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

/// NOT_FOUND (OBJECT_NOT_FOUND, NAMESPACE_NOT_FOUND) with the nearest name, or where else the name
/// exists, when the kind is cached and has no such object. OK when the kind cannot be judged from
/// the cache.
absl::Status CheckExists(Picture& picture, const kube::ResourceType& type, std::string_view ns,
                         std::string_view name);

/// The object: read now, or from the cache (said in the ledger with its age) when the apiserver
/// does not answer. Not found errors carry a "did you mean".
absl::StatusOr<kube::ObjectPtr> ReadObject(const ToolCall& call, Picture& picture,
                                           const kube::ResourceType& type, std::string_view ns,
                                           std::string_view name);

/// Arguments: resource_type, name, namespace.
absl::StatusOr<ToolResult> ReadYaml(const ToolCall& call);

/// An object's JSON as YAML, two spaces a level, keys as in the object.
std::string ToYaml(const kube::Object& object);

}  // namespace opsmesh::k8s
