// What a cluster gives a Service: addresses, node ports, the port of its health check; and what
// goes with a change of its type. Follows the Service registry of Kubernetes 1.32
// (patchAllocatedValues, dropTypeDependentFields and the allocators of pkg/registry/core/service).
#pragma once

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"

namespace opsmesh::kubesim {

/// Before an update is judged: allocated values that the client left out come back, and what the
/// Service had only because of its old type goes, unless the client changed it.
void KeepAllocated(const Json& before, Json& service);

/// Fills families, cluster address and node ports. `before` is null for a create. 422 for a node
/// port that another Service has or that is out of range (a dry run does not look at the range).
MaybeStatus Allocate(const Cluster& cluster, Json& service, const Json& before, bool dry_run);

/// 422 when the cluster address that the client chose is another's or none of the cluster's.
MaybeStatus CheckClusterAddress(const Cluster& cluster, const Call& call, const Json& service,
                                const Json& before);

}  // namespace opsmesh::kubesim
