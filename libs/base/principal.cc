#include "libs/base/principal.h"

#include <array>
#include <utility>

namespace opsmesh::base {
namespace {

constexpr std::array<std::pair<Role, std::string_view>, 5> kRoles = {{{Role::kNone, "none"},
                                                                      {Role::kViewer, "viewer"},
                                                                      {Role::kOperator, "operator"},
                                                                      {Role::kApprover, "approver"},
                                                                      {Role::kAdmin, "admin"}}};

}  // namespace

std::string_view RoleName(Role role) {
  for (const auto& [value, name] : kRoles) {
    if (value == role) return name;
  }
  return "none";
}

std::optional<Role> ParseRole(std::string_view name) {
  for (const auto& [value, text] : kRoles) {
    if (text == name) return value;
  }
  return std::nullopt;
}

}  // namespace opsmesh::base
