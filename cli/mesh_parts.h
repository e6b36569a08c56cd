// The parts of the mesh that this program holds: what `opsmesh up` runs and `opsmesh config`
// judges.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libs/server/server.h"

namespace opsmesh::cli {

/// Called once the gateway listens, with its addresses ("http://127.0.0.1:8080"), ports filled in.
using OnListening = std::function<void(const std::vector<std::string>& urls)>;

/// Every service and, last, the gateway.
std::vector<server::ServiceSpec> MeshParts(OnListening on_listening = nullptr);

}  // namespace opsmesh::cli
