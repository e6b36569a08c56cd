// Every route of the gateway, compiled: path, RPC, schemas and how a request becomes a message.
// Immutable, thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/contract/contract.h"
#include "gateway/route/path_matcher.h"
#include "gateway/transcode/schema.h"

namespace opsmesh::gateway {

/// Fields from the request message down to a leaf: "part.some_text".
using FieldPath = std::vector<const FieldSchema*>;

struct Route {
  const Binding* binding = nullptr;
  const Rpc* rpc = nullptr;
  const MessageSchema* request = nullptr;
  const MessageSchema* response = nullptr;
  bool whole_body = false;                        // body: "*"
  const FieldSchema* body_field = nullptr;        // body: "config"
  const FieldSchema* response_field = nullptr;    // null = the whole message
  std::vector<FieldPath> path_fields;             // one for each variable of the template
  const FieldSchema* request_id_field = nullptr;  // filled by Idempotency-Key (AIP-155)
  std::string label;  // "/api/v1/tools/{name}:call", for metrics and logs
  size_t index = 0;   // within RouteTable::routes()
};

class RouteTable {
 public:
  /// `contract` outlives the table. FAILED_PRECONDITION (CONTRACT, ROUTE_CONFLICT) with a sentence
  /// on any doubt.
  static absl::StatusOr<std::unique_ptr<RouteTable>> Build(const Contract& contract);

  /// HEAD finds the GET route. Null when no route fits; then `match` is unspecified.
  const Route* Find(std::string_view http_method, std::string_view path,
                    PathMatcher::Match* match) const;

  const std::vector<std::unique_ptr<Route>>& routes() const { return routes_; }
  const PathMatcher& matcher() const { return matcher_; }
  const SchemaSet& schemas() const { return schemas_; }

 private:
  explicit RouteTable(const Contract& contract) : schemas_(contract.pool()) {}
  absl::Status Add(const Binding& binding);

  SchemaSet schemas_;
  PathMatcher matcher_;
  std::vector<std::unique_ptr<Route>> routes_;
};

/// The field at a dotted path below `message`; INVALID_ARGUMENT (UNKNOWN_FIELD) when there is none
/// or it crosses a list.
absl::StatusOr<FieldPath> ResolveField(const MessageSchema& message, std::string_view dotted_path);

}  // namespace opsmesh::gateway
