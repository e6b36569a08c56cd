// GET .../pods/{name}/log.
#pragma once

#include <memory>

#include "libs/http_server/http_server.h"
#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"
#include "libs/kubesim/api/streams.h"

namespace opsmesh::kubesim {

/// Answers, or hands the exchange to `streams` when the client follows; then the reply is nothing.
std::optional<Reply> HandlePodLog(const Cluster& cluster, const Call& call, Streams& streams,
                                  const std::shared_ptr<http_server::Exchange>& exchange,
                                  const http_server::Headers& common_headers);

}  // namespace opsmesh::kubesim
