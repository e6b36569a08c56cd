// The admission plugin PodSecurity: the Pod Security Standards "baseline" and "restricted" as
// labels of a namespace ask for them (pod-security.kubernetes.io/enforce, warn; audit writes
// nothing here, for there is no audit log). The rules are those of "latest", whatever version a
// label names.
#pragma once

#include "libs/kubesim/api/call.h"

namespace opsmesh::kubesim {

/// For pods and what makes pods: refuses (403) a new pod that the namespace's level forbids, or a
/// new ephemeral container that makes it such a one, and leaves warnings in `call` for what its
/// warn level would forbid. For namespaces: refuses labels that say no level (422), and warns of
/// pods there that a raised level would forbid.
MaybeStatus CheckPodSecurity(const Cluster& cluster, Call& call, const Json& object,
                             const Json& before);

}  // namespace opsmesh::kubesim
