// Builds PromQL from typed terms, so that no label value can become code (T22).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace opsmesh::prometheus {

/// One label matcher.
struct Matcher {
  enum class Op { kEqual, kNotEqual, kMatch, kNotMatch };
  std::string label;
  Op op = Op::kEqual;
  std::string value;
};

/// `name{label="value",...}` with values escaped. INVALID_ARGUMENT (METRIC_NAME, LABEL_NAME) when a
/// name is not of the form Prometheus allows: [a-zA-Z_:][a-zA-Z0-9_:]* and [a-zA-Z_][a-zA-Z0-9_]*.
absl::StatusOr<std::string> Selector(std::string_view metric, const std::vector<Matcher>& matchers);

/// A regular expression (RE2) that matches exactly this text.
std::string QuoteRegex(std::string_view text);

/// A string literal with `\`, `"` and line ends escaped.
std::string QuoteString(std::string_view value);

/// The smallest step, in seconds, that keeps a window below `max_points` and is at least
/// `floor_seconds`.
double StepFor(double window_seconds, int max_points = 1000, double floor_seconds = 15);

}  // namespace opsmesh::prometheus
