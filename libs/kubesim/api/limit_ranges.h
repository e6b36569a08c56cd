// LimitRanges: the defaults they give to new pods and the bounds they set for pods and claims.
#pragma once

#include "libs/kubesim/api/call.h"

namespace opsmesh::kubesim {

/// Fills in requests and limits that a new pod's containers leave out, and says so in an
/// annotation.
void ApplyLimitDefaults(const Cluster& cluster, const std::string& ns, Json& pod);
/// 403 naming every bound that a new pod or claim breaks.
MaybeStatus CheckLimits(const Cluster& cluster, const Call& call, const Json& object);

}  // namespace opsmesh::kubesim
