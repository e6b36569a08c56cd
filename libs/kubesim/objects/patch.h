// The three classic patches. Each returns the patched value or a refusal as a real server words it.
#pragma once

#include "libs/kubesim/store/api_status.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// RFC 7396.
Json MergePatch(Json target, const Json& patch);
/// RFC 6902. 400 for a patch that is none, 422 for one that does not apply (a failing test included).
Outcome<Json> JsonPatch(const Json& target, const Json& patch);
/// Kubernetes' strategic merge with $patch, $setElementOrder, $deleteFromPrimitiveList and $retainKeys.
Outcome<Json> StrategicMergePatch(const Json& target, const Json& patch);

}  // namespace opsmesh::kubesim
