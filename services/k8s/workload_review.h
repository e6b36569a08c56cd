// A review of deployments against good practice: findings that hurt later, not now.
#pragma once

#include "absl/status/statusor.h"
#include "services/k8s/finding.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

/// What could be better about a deployment; nothing for one scaled to zero.
std::vector<Finding> ReviewDeployment(Picture& picture, const kube::Object& object,
                                      const kube::Deployment& deployment);

/// Arguments: namespace, deployment_name, limit.
absl::StatusOr<ToolResult> ReviewDeployments(const ToolCall& call);

}  // namespace opsmesh::k8s
