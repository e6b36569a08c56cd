// Who writes a Role or a binding may not give away more than they hold (or must be allowed to
// escalate, or to bind).
#pragma once

#include "libs/kubesim/api/call.h"

namespace opsmesh::kubesim {

/// 403 naming the missing rules, 404 for a binding to a role that is not there. `before` is null
/// for a create.
MaybeStatus CheckEscalation(const Cluster& cluster, const Call& call, const Json& object,
                            const Json& before);

}  // namespace opsmesh::kubesim
