// JSON at a boundary: nlohmann's parser with the checks it lacks (depth, size, UTF-8,
// duplicate-free by choice) and a dump that never throws. Use these two functions for every byte
// that comes from or goes to another program.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "nlohmann/json_fwd.hpp"

namespace opsmesh::base {

struct JsonLimits {
  size_t max_bytes = 16 << 20;
  /// Nesting of arrays and objects; nlohmann crashes on copying or dumping some 100,000 levels.
  size_t max_depth = 64;
};

/// Parses one RFC 8259 document. INVALID_ARGUMENT (reason MALFORMED_JSON, JSON_TOO_DEEP or
/// JSON_TOO_LARGE) with the byte offset otherwise. A byte order mark, trailing text, NaN and
/// comments are errors.
absl::StatusOr<nlohmann::json> ParseJson(std::string_view text, const JsonLimits& limits = {});

/// Compact JSON with keys in order; ill-formed UTF-8 becomes U+FFFD. `ascii` escapes everything
/// above U+007F.
std::string DumpJson(const nlohmann::json& json, bool ascii = false);

/// The deepest nesting of brackets outside strings; one pass, no recursion. Says nothing about
/// well-formedness.
size_t JsonDepth(std::string_view text);

}  // namespace opsmesh::base
