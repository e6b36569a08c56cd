// What the text of a metrics question is: a bare selector, whose raw samples can be read, or an
// expression.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace opsmesh::prometheus {

/// A metric ("up"), a selector ("up{job=\"a\"}") or any other PromQL.
struct SeriesQuery {
  std::string text;      // as given, without white space around it
  std::string metric;    // name, when it is a selector that has one
  std::string selector;  // with the namespace; empty when it is an expression
  bool counter = false;  // by its name: _total, _count, _sum, _bucket
};

/// `scope_namespace`, when not empty, is added to a selector that names none. INVALID_ARGUMENT
/// (QUERY) when there is no text. Pure.
absl::StatusOr<SeriesQuery> UnderstandQuery(std::string_view text,
                                            std::string_view scope_namespace = {});

/// `selector` with one more matcher, for instance `pod=~"a|b"`.
std::string WithMatcher(const std::string& selector, std::string_view matcher);

}  // namespace opsmesh::prometheus
