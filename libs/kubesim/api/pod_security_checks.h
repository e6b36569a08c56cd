// The checks of the Pod Security Standards (https://kubernetes.io/docs/concepts/security/
// pod-security-standards/), as 1.32's admission words what they find. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// From what allows everything to what allows least.
enum class SecurityLevel { kPrivileged, kBaseline, kRestricted };

/// One broken rule: "privileged", and where.
struct Violation {
  std::string reason, detail;
};
using Violations = std::vector<Violation>;

/// What of a pod, or of the template of one (`metadata` and `spec`), a level forbids. In the order
/// of a real server: by level, then by the checks' names; a restricted check stands in for its
/// baseline one.
Violations JudgeSecurity(SecurityLevel level, const Json& pod_like);

/// One sentence: the reasons, each with its detail in brackets when `details`.
std::string SayViolations(const Violations& violations, bool details);

}  // namespace opsmesh::kubesim
