// The three classic patches. Each returns the patched value or a refusal as a real server words it.
#pragma once

#include <string>

#include "libs/kubesim/store/api_status.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

struct TypeSchema;

/// RFC 7396.
Json MergePatch(Json target, const Json& patch);
/// RFC 6902. 400 for a patch that is none, 422 for one that does not apply (a failing test
/// included).
Outcome<Json> JsonPatch(const Json& target, const Json& patch);
/// How lists and maps of `type` are merged is the type's; null = lists are replaced, maps merged.
/// Kubernetes' strategic merge with $patch, $setElementOrder, $deleteFromPrimitiveList and
/// $retainKeys.
Outcome<Json> StrategicMergePatch(const Json& target, const Json& patch, const TypeSchema* type);
/// As Go prints maps and lists: "map[spec:map[replicas:three]]".
std::string GoFormatted(const Json& value);

}  // namespace opsmesh::kubesim
