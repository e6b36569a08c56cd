// What admission does to a new pod before it is validated.
#pragma once

#include "libs/kubesim/api/call.h"

namespace opsmesh::kubesim {

/// The name that admission sees: of one that is yet to be generated only its beginning.
std::string NameAtAdmission(const Json& object);

/// Service account with its volume and pull secrets, priority, runtime class, default requests and
/// limits, the first status. 403 where a plugin refuses.
MaybeStatus AdmitNewPod(const Cluster& cluster, const Call& call, Json& pod);

}  // namespace opsmesh::kubesim
