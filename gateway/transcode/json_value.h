// Parsing JSON once, strictly, into simdjson's DOM (On-Demand accepts defects in fields that are
// skipped).
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/statusor.h"
#include "simdjson.h"

namespace opsmesh::gateway {

/// Deepest nesting of arrays and objects in a request (design/trust.md, section 3).
inline constexpr size_t kMaxJsonDepth = 64;

/// Parses one RFC 8259 document. INVALID_ARGUMENT (MALFORMED_JSON or JSON_TOO_DEEP) otherwise. The
/// element lives until this thread parses again.
absl::StatusOr<simdjson::dom::element> ParseJsonElement(std::string_view text);

/// Whether `text` is one RFC 8259 document of at most kMaxJsonDepth levels. Uses a parser of its
/// own: an element from ParseJsonElement stays valid.
bool IsValidJson(std::string_view text);

}  // namespace opsmesh::gateway
