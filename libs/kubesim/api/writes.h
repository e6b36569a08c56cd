// Everything that changes objects, and the reviews that are asked by POST.
#pragma once

#include "libs/kubesim/api/authentication.h"
#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"

namespace opsmesh::kubesim {

/// create, update, patch, delete, deletecollection.
Reply HandleWrite(const Cluster& cluster, Call& call, const TokenTable& tokens);
/// status, scale, eviction, binding, token ...
Reply HandleSubresource(const Cluster& cluster, Call& call, const TokenTable& tokens);

/// POST of a TokenRequest at a service account.
Reply HandleToken(const Cluster& cluster, Call& call, const TokenSigner& signer);

/// POST of a Binding, at a pod or at the old /bindings: the pod's node.
Reply HandleBinding(const Cluster& cluster, Call& call);

}  // namespace opsmesh::kubesim
