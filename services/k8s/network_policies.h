// Which pods network policies restrict.
#pragma once

#include "absl/status/statusor.h"
#include "services/k8s/picture.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

/// Policies that select the pod, by direction.
struct PoliciesOfPod {
  std::vector<kube::ObjectPtr> ingress;
  std::vector<kube::ObjectPtr> egress;
};
PoliciesOfPod PoliciesFor(Picture& picture, const kube::Object& pod);

/// Argument: namespace.
absl::StatusOr<ToolResult> CheckNetworkPolicies(const ToolCall& call);

}  // namespace opsmesh::k8s
