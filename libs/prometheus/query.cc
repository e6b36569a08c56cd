#include "libs/prometheus/query.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"
#include "libs/base/error.h"

namespace opsmesh::prometheus {
namespace {

bool IsName(std::string_view name, bool colons) {
  const auto ok = [colons](char c, bool first) {
    const bool letter =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
    return letter || (!first && c >= '0' && c <= '9');
  };
  for (size_t i = 0; i < name.size(); ++i) {
    if (!ok(name[i], i == 0)) return false;
  }
  return !name.empty();
}

std::string_view OpText(Matcher::Op op) {
  switch (op) {
    case Matcher::Op::kEqual:
      return "=";
    case Matcher::Op::kNotEqual:
      return "!=";
    case Matcher::Op::kMatch:
      return "=~";
    case Matcher::Op::kNotMatch:
      return "!~";
  }
  return "=";
}

}  // namespace

std::string QuoteString(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '"':
        out += "\\\"";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        out += c;
    }
  }
  return out + '"';
}

std::string QuoteRegex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view(R"(\.+*?()|[]{}^$)").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

absl::StatusOr<std::string> Selector(std::string_view metric,
                                     const std::vector<Matcher>& matchers) {
  if (!IsName(metric, /*colons=*/true)) {
    return base::InvalidArgument("metrics", "METRIC_NAME",
                                 fmt::format("'{}' is not a metric name.", metric))
        .Hint("Metric names hold letters, digits, '_' and ':' and do not begin with a digit.");
  }
  std::string out(metric);
  for (size_t i = 0; i < matchers.size(); ++i) {
    const Matcher& matcher = matchers[i];
    if (!IsName(matcher.label, /*colons=*/false)) {
      return base::InvalidArgument("labels", "LABEL_NAME",
                                   fmt::format("'{}' is not a label name.", matcher.label));
    }
    out += fmt::format("{}{}{}{}", i == 0 ? "{" : ",", matcher.label, OpText(matcher.op),
                       QuoteString(matcher.value));
  }
  return matchers.empty() ? out : out + "}";
}

double StepFor(double window_seconds, int max_points, double floor_seconds) {
  return std::max(floor_seconds, std::ceil(window_seconds / max_points));
}

}  // namespace opsmesh::prometheus
