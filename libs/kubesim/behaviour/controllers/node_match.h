// Whether a pod may stand on a node: selectors, affinity and taints. For controllers that place
// pods themselves.
#pragma once

#include <string>
#include <string_view>

#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/store.h"

namespace opsmesh::kubesim {

/// spec.nodeSelector and the required node affinity.
bool SelectsNode(const Json& pod_spec, const Object& node);
/// Whether one of the tolerations covers the taint.
bool Tolerates(const Json& tolerations, const Json& taint);
/// The toleration that covers it with the longest time; null when none does.
const Json* ToleranceOf(const Json& tolerations, const Json& taint);
/// Whether every taint with this effect is tolerated.
bool ToleratesAll(const Json& tolerations, const Json& node, std::string_view effect);

}  // namespace opsmesh::kubesim
