// NodeRestriction: what a kubelet may write, beyond what the node authorizer can see.
#pragma once

#include "libs/kubesim/api/call.h"

namespace opsmesh::kubesim {

/// Nothing for callers that are no node. `object` is what is written (the body, for evictions and
/// tokens), `before` what is there; either may be a null value.
MaybeStatus RestrictNode(const Cluster& cluster, const Call& call, const Json& object,
                         const Json& before);

/// Whether a pod's spec names Secrets anywhere.
bool NamesSecrets(const Json& pod_spec);

}  // namespace opsmesh::kubesim
