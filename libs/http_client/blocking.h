// Fetch and Stream over an asynchronous Start.
#pragma once

#include "libs/http_client/http_client.h"

namespace opsmesh::http_client {

absl::StatusOr<Response> BlockingFetch(Client& client, const base::Context& ctx, Request request);
absl::Status BlockingStream(Client& client, const base::Context& ctx, Request request,
                            const std::function<absl::Status(const ResponseHead&)>& on_head,
                            const std::function<absl::Status(std::string_view)>& on_data);

}  // namespace opsmesh::http_client
