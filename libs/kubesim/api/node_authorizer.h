// The node authorizer: a kubelet (system:node:<name> in group system:nodes) may read what the pods
// on its node need, and nothing else of the kind.
#pragma once

#include <optional>
#include <string>

#include "libs/kubesim/api/authorization.h"

namespace opsmesh::kubesim {

/// The node that a user is, "" when the user is none. A user of the group whose name is no node's
/// gives "?".
std::string NodeOf(const User& user);

/// Nothing when the user is no node; a refusal carries its reason, and RBAC is asked next.
std::optional<AccessAnswer> AuthorizeNode(const Cluster& cluster, const User& user,
                                          const AccessQuestion& question);

}  // namespace opsmesh::kubesim
