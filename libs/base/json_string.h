// JSON string literals, written by appending: the one place of the tree that escapes text for JSON.
// Whole documents are libs/base/json.h. Pure functions, safe from any thread.
#pragma once

#include <string>
#include <string_view>

namespace opsmesh::base {

enum class JsonCharset {
  kUtf8,
  /// Everything above U+007F is written \uXXXX (a surrogate pair beyond the basic plane).
  kAscii,
};

/// Appends `text` as a JSON string with its quotes (RFC 8259). Control characters, DEL among them,
/// are escaped, so that a line of JSON cannot steer a terminal. Ill-formed UTF-8 becomes U+FFFD.
void AppendJsonString(std::string_view text, std::string* out,
                      JsonCharset charset = JsonCharset::kUtf8);

/// The same as a value of its own.
std::string JsonString(std::string_view text);

/// Appends `json`, which is known to be one valid document, with everything above U+007F escaped:
/// outside strings valid JSON is ASCII, and inside them an escape may stand for any character.
void AppendJsonAsAscii(std::string_view json, std::string* out);

}  // namespace opsmesh::base
