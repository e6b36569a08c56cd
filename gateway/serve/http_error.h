// The one bridge from an error to an HTTP answer.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gateway/contract/contract.h"
#include "libs/http_server/http_server.h"

namespace opsmesh::gateway {

/// 400 for INVALID_ARGUMENT, 404 for NOT_FOUND, 501 for UNIMPLEMENTED, 499 for CANCELLED ...; a few
/// reasons have a status of their own (CONTENT_TYPE 415, METHOD_NOT_ALLOWED 405).
int HttpStatusOf(const absl::Status& status);

/// The designed body: {"error":{code,status,message,reason,hint,request_id,details}}, where `code`
/// is the HTTP status and `details` the dynamic parts of the message; or {"detail": ...} as Agent
/// Development Kit servers answer. Adds Retry-After and WWW-Authenticate where they belong.
http_server::Response ErrorResponse(const absl::Status& status, ErrorStyle style,
                                    std::string_view request_id);

/// The last event of a stream that failed, as JSON in ASCII:
/// {"session_id","status","error","reason","done":true}; `outcome` is "error" or "interrupted". An
/// empty session id is left out.
std::string FailedStreamEvent(const absl::Status& status, ErrorStyle style,
                              std::string_view outcome, std::string_view session_id);

/// Headers every answer carries: content sniffing off, no framing, no referrer, no caching, a
/// policy that runs nothing.
void AddSecurityHeaders(http_server::Headers* headers);

}  // namespace opsmesh::gateway
