// metadata.managedFields of an object as its scale subresource shows them, and back: who owns the
// replicas there owns them here. Follows the rules of Kubernetes' ScaleHandler
// (apimachinery/pkg/util/managedfields/scalehandler.go).
#pragma once

#include "libs/kubesim/objects/managed_fields.h"
#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

/// autoscaling/v1 Scale, as the keepers of fields see it. Never changes.
const ResourceType& ScaleType();

/// Of the owners of an object those that hold its replicas, in terms of a Scale. `replicas`: where
/// the object has them ({"f:spec", "f:replicas"}).
Json OwnersOfScale(const Json& owners, const FieldPath& replicas);

/// The owners of the object after those of its Scale became `scale_owners`: who holds the replicas
/// no more loses them, who is new holds them alone. `api_version` is the object's. A writer who is
/// new is kept without a time, as a real server does.
Json OwnersAfterScale(const Json& owners, const Json& scale_owners, const FieldPath& replicas,
                      const std::string& api_version);

}  // namespace opsmesh::kubesim
