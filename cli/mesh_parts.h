// The parts of the mesh that this program holds: what `opsmesh up` runs and `opsmesh config` judges.
#pragma once

#include <vector>

#include "libs/server/server.h"

namespace opsmesh::cli {

/// Every service and, last, the gateway.
std::vector<server::ServiceSpec> MeshParts();

}  // namespace opsmesh::cli
