// nodes/NAME/proxy/PATH: what a kubelet's own port serves, reached through the apiserver.
#pragma once

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"

namespace opsmesh::kubesim {

/// /healthz, /pods (the pods bound to `node`, a PodList) and /stats/summary (processor and memory
/// of the node, its running pods and their containers as metrics.k8s.io tells them; no networks,
/// file systems or volumes). 404 for other paths, 503 while the kubelet is silent, 405 for what is
/// not a GET. `call.info.rest` is the path.
Reply HandleKubeletPage(const Cluster& cluster, const Call& call, const Json& node);

}  // namespace opsmesh::kubesim
