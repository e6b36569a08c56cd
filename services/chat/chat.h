// The chat service as a part of a process: what main.cc and `opsmesh up` compose.
#pragma once

#include "libs/server/server.h"

namespace opsmesh::chat {

/// Name, configuration and composition root of the service.
server::ServiceSpec Spec();

}  // namespace opsmesh::chat
