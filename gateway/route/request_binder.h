// One HTTP request -> the wire bytes of the RPC's request message.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gateway/route/route_table.h"

namespace opsmesh::gateway {

/// The parts of an HTTP request that fill a message. Views; nothing is kept.
struct RequestParts {
  std::string_view raw_query;     // undecoded, without "?"
  std::string_view content_type;  // "" = none
  std::string_view body;
  std::string_view idempotency_key;  // "" = none
};

/// Body, query, path and Idempotency-Key, in rising order of who wins, except that a request_id in
/// the body wins over the header. An empty body without a Content-Type is an empty message.
/// INVALID_ARGUMENT: what ParseMessage says, CONTENT_TYPE (not JSON), UNKNOWN_PARAMETER (nearly the
/// name of a field; other unknown parameters are ignored as unknown fields are), MALFORMED_QUERY.
absl::StatusOr<std::string> BindRequest(const SchemaSet& schemas, const Route& route,
                                        const PathMatcher::Match& match, const RequestParts& parts);

}  // namespace opsmesh::gateway
