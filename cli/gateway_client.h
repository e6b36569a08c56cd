// JSON over HTTP to an OpsMesh gateway, with its errors as statuses.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "libs/base/secret.h"
#include "libs/http_client/http_client.h"
#include "nlohmann/json_fwd.hpp"

namespace opsmesh::cli {

/// Where a gateway is and who asks.
struct Server {
  std::string url = "http://127.0.0.1:8080";  // without a slash at its end
  base::Secret api_key;                       // bearer; empty = none
  std::string language;                       // Accept-Language; "" = none
};

/// "host:port" and "http://host:port/" as "http://host:port".
std::string NormalUrl(std::string_view address);

/// The error body of a server as a status: {"error":{code,status,message,reason,hint}}. UNKNOWN
/// (NOT_OPSMESH) when it is none.
absl::Status RefusalOf(int http_status, const std::string& body);

/// A transport error in words that name the server and the next step; other errors as they are.
absl::Status ExplainTransport(const absl::Status& status, const std::string& url);

/// Headers every request carries.
void AddIdentity(const Server& server, http_client::Request* request);

/// GET (empty `body`) or POST of JSON. What a server refuses is RefusalOf; what cannot be reached
/// ExplainTransport.
absl::StatusOr<nlohmann::json> CallGateway(const base::Context& ctx, http_client::Client& client,
                                           const Server& server, const std::string& target,
                                           const nlohmann::json* body = nullptr);

/// Follows the server-sent events of a GET until the stream ends; `on_event` may end it with an
/// error of its own.
absl::Status FollowGateway(const base::Context& ctx, http_client::Client& client,
                           const Server& server, const std::string& target,
                           const std::function<absl::Status(const nlohmann::json&)>& on_event);

}  // namespace opsmesh::cli
