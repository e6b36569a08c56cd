// Who asks: made once at the edge (gateway, webhook, gRPC token), carried in the Context, checked
// in every service.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace opsmesh::base {

/// Roles in rising order: a role may do all that the ones before it may. The numbers equal
/// opsmesh.type.v1.Role.
enum class Role { kNone = 0, kViewer = 1, kOperator = 2, kApprover = 3, kAdmin = 4 };

std::string_view RoleName(Role role);  // "viewer"
std::optional<Role> ParseRole(
    std::string_view name);  // "viewer" -> kViewer; nullopt for another word

/// The caller of a request.
struct Principal {
  /// Stable name that owns sessions and appears in the audit: "key:ops-bot", "loopback",
  /// "anonymous", "slack:U123".
  std::string id;
  Role role = Role::kNone;
};

}  // namespace opsmesh::base
