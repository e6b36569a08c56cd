// The Pod Security Standards (Kubernetes 1.32) over a pod template: which controls of "baseline"
// and "restricted" it breaks. Source: kubernetes.io/docs/concepts/security/pod-security-standards,
// the table of controls.
#pragma once

#include <string>
#include <vector>

#include "libs/kube/json_ref.h"
#include "services/k8s/answer.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

struct Violation {
  std::string
      control;  // "privileged", "hostPath", "runAsNonRoot", ...: the admission plugin's names
  bool baseline = true;  // false: only "restricted" forbids it
  std::string where;     // "container web", "volume data", "pod"
};

/// Violations of a pod spec (spec of a pod, spec.template.spec of a workload), in the order of the
/// standard.
std::vector<Violation> CheckPodSecurity(const kube::JsonRef& pod_spec);

/// Arguments: namespace, level.
absl::StatusOr<ToolResult> CheckPodSecurityStandards(const ToolCall& call);

}  // namespace opsmesh::k8s
