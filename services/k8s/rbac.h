// Who may do what, from roles and bindings read now.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/k8s/finding.h"
#include "services/k8s/tool.h"

namespace opsmesh::k8s {

struct RbacRule {
  std::vector<std::string> verbs, groups, resources, names;
  /// Wildcards and the group are judged as the authorizer does; `resource` may be "pods/exec".
  bool Allows(std::string_view verb, std::string_view group, std::string_view resource) const;
};

/// One subject through one binding.
struct Grant {
  std::string subject_kind;  // "User", "Group", "ServiceAccount"
  std::string subject;       // a ServiceAccount as "ns/name"
  std::string binding;       // "ClusterRoleBinding admins"
  std::string role;          // "ClusterRole cluster-admin"
  std::string name_space;    // "" = the whole cluster
  std::vector<RbacRule> rules;
  bool system() const;  // Kubernetes' own: system:*, kube-system accounts
};

/// Every grant of the cluster, or those that reach `ns` (cluster-wide ones included).
/// PERMISSION_DENIED when roles cannot be read; notes in the ledger what was.
absl::StatusOr<std::vector<Grant>> ReadGrants(const ToolCall& call, std::string_view ns,
                                              Ledger& ledger);

/// What is dangerous about the grants to others than Kubernetes itself.
std::vector<Finding> JudgeGrants(const std::vector<Grant>& grants);

/// Arguments: namespace, subject, verb, resource, limit.
absl::StatusOr<ToolResult> AnalyzeRbac(const ToolCall& call);

}  // namespace opsmesh::k8s
