// Where services keep what must survive a restart.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"

namespace opsmesh::server {

/// $XDG_DATA_HOME/opsmesh, else $HOME/.local/share/opsmesh, else ./opsmesh-data.
std::string DefaultDataDir(const std::map<std::string, std::string>& environment);

/// Makes `path` and its parents, readable by the owner only. UNAVAILABLE (DATA_DIR).
absl::Status MakeFolder(const std::string& path);

}  // namespace opsmesh::server
