// The way of a request from the HTTP server to its RPC: identity, origin, pages, route, role,
// limits, binding.
#pragma once

#include <memory>

#include "gateway/serve/core.h"
#include "libs/http_server/http_server.h"

namespace opsmesh::gateway {

/// Answers one request, at once or later from another thread.
void Handle(Core& core, std::shared_ptr<http_server::Exchange> exchange);

/// Body limit of a request from its head: that of its RPC.
http_server::Limits LimitsOf(const Core& core, const http_server::Request& head);

}  // namespace opsmesh::gateway
