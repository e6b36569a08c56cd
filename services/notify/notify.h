// The notify service as a part of a process: what main.cc and `opsmesh up` compose.
#pragma once

#include <functional>
#include <string_view>

#include "libs/server/server.h"

namespace opsmesh::notify {

/// Name, configuration and composition root of the service. `on_step` is told each durable step of
/// a delivery (see DispatcherOptions): where a crash test ends the process.
server::ServiceSpec Spec(std::function<void(std::string_view step)> on_step = nullptr);

}  // namespace opsmesh::notify
