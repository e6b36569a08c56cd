// The scale subresource: how many replicas an object wants and has, in one form for all kinds.
#pragma once

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"

namespace opsmesh::kubesim {

/// get, update, the three patches and server-side apply of a Scale. Who writes owns the object's
/// replicas from then on, as `subresource: scale`.
Reply HandleScale(const Cluster& cluster, Call& call);

}  // namespace opsmesh::kubesim
