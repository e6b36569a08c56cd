#include "libs/base/json.h"

#include <algorithm>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "nlohmann/json.hpp"

namespace opsmesh::base {

size_t JsonDepth(std::string_view text) {
  size_t depth = 0;
  size_t deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
      continue;
    }
    if (c == '"')
      in_string = true;
    else if (c == '{' || c == '[')
      deepest = std::max(deepest, ++depth);
    else if ((c == '}' || c == ']') && depth > 0)
      --depth;
  }
  return deepest;
}

absl::StatusOr<nlohmann::json> ParseJson(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return InvalidArgument("", "JSON_TOO_LARGE",
                           fmt::format("The JSON has {} bytes; at most {} are allowed.",
                                       text.size(), limits.max_bytes));
  }
  if (JsonDepth(text) > limits.max_depth) {
    return InvalidArgument(
        "", "JSON_TOO_DEEP",
        fmt::format("The JSON is nested deeper than {} levels.", limits.max_depth));
  }
  if (text.substr(0, 3) == "\xEF\xBB\xBF") {
    return InvalidArgument("", "MALFORMED_JSON", "The JSON begins with a byte order mark.")
        .Hint("Send plain UTF-8.");
  }
  try {
    return nlohmann::json::parse(text.begin(), text.end());
  } catch (const nlohmann::json::parse_error& error) {
    return InvalidArgument("", "MALFORMED_JSON",
                           fmt::format("The JSON is malformed at byte {}.", error.byte))
        .With("byte", std::to_string(error.byte));
  } catch (const nlohmann::json::exception&) {
    // A number out of a double's range is the one other thing the parser refuses.
    return InvalidArgument("", "MALFORMED_JSON", "The JSON holds a number that is out of range.");
  }
}

std::string DumpJson(const nlohmann::json& json, bool ascii) {
  return json.dump(-1, ' ', ascii, nlohmann::json::error_handler_t::replace);
}

}  // namespace opsmesh::base
