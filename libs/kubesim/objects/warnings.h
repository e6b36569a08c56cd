// What a real 1.32 takes but warns of, in a Warning header: names that make odd host names, labels
// and annotations that are on their way out, entries that hide one another.
#pragma once

#include <string>
#include <vector>

#include "libs/kubesim/store/json.h"
#include "libs/kubesim/store/resources.h"

namespace opsmesh::kubesim {

/// Of a valid object with its defaults; `before` is null for a create. An update warns of a pod
/// template only when what was asked for changed. Thread-safe.
std::vector<std::string> WarningsAbout(const ResourceType& type, const Json& object,
                                       const Json& before);

}  // namespace opsmesh::kubesim
