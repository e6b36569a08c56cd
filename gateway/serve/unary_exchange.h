// One unary RPC over HTTP: from the bound request to the whole answer.
#pragma once

#include <string>

#include "gateway/serve/core.h"

namespace opsmesh::gateway {

/// Waits for a place, calls the backend, answers. The call is cancelled when the client leaves.
void ServeUnary(Core& core, RequestState state, CallSpec spec, std::string wire);

}  // namespace opsmesh::gateway
