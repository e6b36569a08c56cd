// One server-streaming RPC over HTTP: every message is one server-sent event.
#pragma once

#include <string>

#include "gateway/serve/core.h"

namespace opsmesh::gateway {

/// Calls the backend and writes events until it ends: ASCII only, one write each, a comment every
/// ping interval. The answer's head is sent with the first message, or when none came soon; an
/// error before it is a plain HTTP error, one after it is a last event. A slow client pauses
/// reading; one that leaves cancels the call.
void ServeStream(Core& core, RequestState state, CallSpec spec, std::string wire);

}  // namespace opsmesh::gateway
