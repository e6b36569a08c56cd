// A write of the status alone: what of the object comes with it, and what a server adds.
#pragma once

#include <string_view>

#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

/// The object of before with the status of `object`, and as much of its metadata as the kind takes
/// with it. `tracked`: its owners, too.
Json ObjectWithStatus(const ResourceType& type, const Json& before, const Json& object,
                      bool tracked);

/// What nobody owns: the time of a volume's phase, how a balancer's address is reached, what of a
/// node's capacity may be used. `now` as RFC 3339.
void FinishStatus(const ResourceType& type, const Json& before, Json& object, std::string_view now);

}  // namespace opsmesh::kubesim
