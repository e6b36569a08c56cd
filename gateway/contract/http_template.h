// Path templates of google.api.http: "/v1/{name=shelves/*}/books/{book.id}:publish".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace opsmesh::gateway {

/// A parsed template. "**" stands only at the end.
struct HttpTemplate {
  enum class Kind { kLiteral, kOne, kRest };  // text, "*", "**"
  struct Segment {
    Kind kind = Kind::kLiteral;
    std::string literal;
  };
  /// A variable takes the segments [first, last) of the path, joined by "/"; with "**" all to the
  /// end.
  struct Variable {
    std::string field_path;  // "book.id"
    size_t first = 0;
    size_t last = 0;
    bool to_end = false;
  };

  std::string text;  // as written
  std::vector<Segment> segments;
  std::vector<Variable> variables;
  std::string verb;  // "publish", or ""

  bool literal_only() const { return variables.empty() && !has_wildcard(); }
  bool has_wildcard() const;
  /// For documents and metrics: variables without their patterns,
  /// "/v1/{name}/books/{book.id}:publish".
  std::string Display() const;

  /// FAILED_PRECONDITION (HTTP_TEMPLATE) with what is wrong and where.
  static absl::StatusOr<HttpTemplate> Parse(std::string_view text);
};

}  // namespace opsmesh::gateway
