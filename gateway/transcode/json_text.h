// Writing JSON text by appending to a string. Nothing here parses.
#pragma once

#include <string>
#include <string_view>

namespace opsmesh::gateway {

/// `text` as a JSON string with its quotes. Ill-formed UTF-8 becomes U+FFFD. With `ascii`
/// everything above U+007F is written \uXXXX (a surrogate pair beyond the basic plane).
void AppendJsonString(std::string_view text, bool ascii, std::string* out);

/// Shortest text that reads back as the same number; "NaN", "Infinity" and "-Infinity" (quoted) for
/// the others.
void AppendJsonNumber(double value, std::string* out);
void AppendJsonNumber(float value, std::string* out);

/// A JSON text that is known to be valid, copied; with `ascii` escaped to ASCII. Line breaks
/// between tokens are removed.
void AppendJsonText(std::string_view json, bool ascii, std::string* out);

}  // namespace opsmesh::gateway
