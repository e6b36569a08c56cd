// The parts of the mesh that this program holds: what `opsmesh up` runs and `opsmesh config` judges.
#pragma once

#include <string>
#include <vector>

#include "libs/server/server.h"

namespace opsmesh::cli {

/// Every service and, last, the gateway.
std::vector<server::ServiceSpec> MeshParts();

/// Top-level configuration sections that anything in the mesh reads, sorted.
std::vector<std::string> KnownSections();

}  // namespace opsmesh::cli
