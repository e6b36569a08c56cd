// The OpenAPI 3.1 document of a contract, from its descriptors alone: routes, schemas, roles,
// limits and comments.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace opsmesh::gateway {

struct OpenApiOptions {
  std::string version = "dev";
};

/// JSON text of the document for every RPC with an http rule in `descriptor_set` (a serialized
/// FileDescriptorSet with imports and source info). Deterministic: the same bytes in, the same
/// bytes out. FAILED_PRECONDITION (DESCRIPTOR_SET) when the set cannot be read.
absl::StatusOr<std::string> OpenApiDocument(std::string_view descriptor_set,
                                            const OpenApiOptions& options);

}  // namespace opsmesh::gateway
