// What nothing uses: candidates for cleaning up, each with the reason.
#pragma once

#include <string>
#include <vector>

#include "services/k8s/picture.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

struct Orphan {
  ObjectRef object;
  Text reason;
};

/// Ordered by kind, namespace and name. What controllers and tools keep for themselves is left out:
/// system namespaces, service account tokens, Helm releases, published certificates.
std::vector<Orphan> FindOrphans(Picture& picture);

/// Arguments: namespace, limit.
absl::StatusOr<ToolResult> OrphanedResources(const ToolCall& call);

}  // namespace opsmesh::k8s
