// A write of pods/ephemeralcontainers: what of the pod it takes, and what must stay.
#pragma once

#include <vector>

#include "libs/kubesim/store/api_status.h"
#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// The pod of before with the ephemeral containers of `object`; nothing else comes with them.
Json WithEphemeralContainers(Json before, const Json& object);

/// Ephemeral containers are only added: causes for those that are gone or not as they were.
void CheckEphemeralContainers(std::vector<Cause>& causes, const Json& object, const Json& before);

}  // namespace opsmesh::kubesim
