// The gateway as a part of a process: its own program, or the whole mesh in one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libs/server/server.h"

namespace opsmesh::gateway {

/// Called once it listens, with its addresses ("http://127.0.0.1:8080"), ports filled in.
using OnListening = std::function<void(const std::vector<std::string>& urls)>;

server::ServiceSpec Spec(OnListening on_listening = nullptr);

}  // namespace opsmesh::gateway
