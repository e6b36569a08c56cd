// What the k8s service says about the services an analysis ranks.
#pragma once

#include <memory>

#include "libs/base/ids.h"
#include "libs/rpc/channel.h"
#include "services/rca/root_cause.h"

namespace opsmesh::rca {

/// Asks opsmesh.k8s.v1.K8sService; null when no address of it is known. `channels` and `ids` must
/// outlive it.
std::unique_ptr<ClusterView> MakeClusterView(const rpc::ChannelSource& channels,
                                             base::IdSource& ids);

}  // namespace opsmesh::rca
