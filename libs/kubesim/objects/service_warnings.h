// What a server says of a Service that it takes: old annotations, members that do nothing,
// addresses that are written in another way than the usual one.
#pragma once

#include <string>
#include <vector>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// Adds to `warnings`.
void WarnOfService(std::vector<std::string>& warnings, const Json& service);

}  // namespace opsmesh::kubesim
