// ResourceQuota: what an object takes, which quotas count it, what is refused. Reads the store; the
// quota controller of a live cluster writes the same figures into status.
#pragma once

#include <map>
#include <string>

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/objects/quantity.h"

namespace opsmesh::kubesim {

using Usage = std::map<std::string, Amount>;

/// What one object of `type` takes of every resource that a quota may name ("pods", "requests.cpu",
/// "count/jobs.batch", ...).
Usage UsageOf(const ResourceType& type, const Json& object);
/// Whether a quota's scopes (spec.scopes and spec.scopeSelector) hold for an object; scopes are
/// about pods alone.
bool ScopesMatch(const Json& quota, const ResourceType& type, const Json& object);
/// What all objects of the namespace take of the quota's resources.
Usage UsedOf(const Store& store, const Json& quota, const std::string& ns);

/// 403 when a quota of the namespace does not admit the object. `before` is null for a create.
MaybeStatus CheckQuotas(const Cluster& cluster, const Call& call, const Json& object,
                        const Json& before);

/// Adds what was just written to `status.used` of the namespace's quotas, as admission does; what
/// goes is counted by the quota controller.
void ChargeQuotas(const Cluster& cluster, const ResourceType& type, const Json& object,
                  const Json& before);

}  // namespace opsmesh::kubesim
