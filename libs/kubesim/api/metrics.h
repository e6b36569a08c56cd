// metrics.k8s.io/v1beta1: what a metrics-server would say about the pods and nodes of now.
#pragma once

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"

namespace opsmesh::kubesim {

/// Usage is kept in the store under metrics.k8s.io/pods as PodMetrics of the typical values; an answer moves them a little
/// with time, leaves out pods that do not run, and sums them up for the nodes.
Reply HandleMetrics(const Cluster& cluster, const Call& call);

}  // namespace opsmesh::kubesim
