#include "gateway/transcode/json_value.h"

#include <memory>
#include <string>

#include "fmt/format.h"
#include "libs/base/error.h"

namespace opsmesh::gateway {
namespace {

// Documents above this are parsed with memory that is given back.
constexpr size_t kKeepBytes = 256 << 10;

// A parser with room for the padding that simdjson reads past the end.
class PaddedParser {
 public:
  simdjson::simdjson_result<simdjson::dom::element> Parse(std::string_view text) {
    if (parser_ == nullptr || capacity_ > kKeepBytes || text.size() > capacity_) {
      capacity_ = std::max<size_t>(text.size(), 4096);
      parser_ = std::make_unique<simdjson::dom::parser>();
      if (const auto error = parser_->allocate(capacity_, kMaxJsonDepth); error) return error;
    }
    if (padded_.size() > kKeepBytes) padded_ = {};
    padded_.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    padded_.assign(text);
    padded_.append(simdjson::SIMDJSON_PADDING, '\0');
    return parser_->parse(padded_.data(), text.size(), /*realloc_if_needed=*/false);
  }

 private:
  std::unique_ptr<simdjson::dom::parser> parser_;
  size_t capacity_ = 0;
  std::string padded_;
};

}  // namespace

absl::StatusOr<simdjson::dom::element> ParseJsonElement(std::string_view text) {
  thread_local PaddedParser parser;
  if (text.substr(0, 3) == "\xEF\xBB\xBF") {
    return base::InvalidArgument("", "MALFORMED_JSON", "The body begins with a byte order mark.")
        .Hint("Send plain UTF-8.");
  }
  auto result = parser.Parse(text);
  if (result.error() == simdjson::SUCCESS) return result.value_unsafe();
  if (result.error() == simdjson::DEPTH_ERROR) {
    return base::InvalidArgument(
        "", "JSON_TOO_DEEP",
        fmt::format("The JSON is nested deeper than {} levels.", kMaxJsonDepth));
  }
  return base::InvalidArgument("", "MALFORMED_JSON",
                               fmt::format("The body is not well-formed JSON: {}.",
                                           simdjson::error_message(result.error())))
      .Hint("Send one JSON document in UTF-8, as RFC 8259 says.");
}

bool IsValidJson(std::string_view text) {
  thread_local PaddedParser parser;
  return parser.Parse(text).error() == simdjson::SUCCESS;
}

}  // namespace opsmesh::gateway
