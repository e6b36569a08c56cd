#include "libs/prometheus/series_query.h"

#include <algorithm>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/prometheus/query.h"

namespace opsmesh::prometheus {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

bool IsMetricName(std::string_view text) {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == ':';
  });
}

bool IsCounter(std::string_view metric) {
  // Recording rules ("job:x:rate5m_sum") are results already.
  if (metric.find(':') != std::string_view::npos) return false;
  for (const std::string_view suffix : {"_total", "_count", "_sum", "_bucket"}) {
    if (metric.size() > suffix.size() && metric.ends_with(suffix)) return true;
  }
  return false;
}

// Where the selector's braces end, or npos: braces inside strings are none.
size_t EndOfBraces(std::string_view text, size_t brace) {
  char quote = 0;
  for (size_t i = brace; i < text.size(); ++i) {
    if (quote != 0) {
      if (text[i] == '\\' && quote != '`') {
        ++i;
      } else if (text[i] == quote) {
        quote = 0;
      }
    } else if (text[i] == '"' || text[i] == '\'' || text[i] == '`') {
      quote = text[i];
    } else if (text[i] == '}') {
      return i;
    }
  }
  return std::string_view::npos;
}

bool NamesNamespace(std::string_view selector) {
  for (size_t at = selector.find("namespace"); at != std::string_view::npos;
       at = selector.find("namespace", at + 1)) {
    const char before = at == 0 ? '{' : selector[at - 1];
    if (before == '{' || before == ',' || kSpace.find(before) != std::string_view::npos)
      return true;
  }
  return false;
}

}  // namespace

std::string WithMatcher(const std::string& selector, std::string_view matcher) {
  if (selector.empty() || selector.back() != '}') return fmt::format("{}{{{}}}", selector, matcher);
  const size_t last = selector.find_last_not_of(kSpace, selector.size() - 2);
  const bool bare = selector[last] == '{' || selector[last] == ',';
  return fmt::format("{}{}{}}}", selector.substr(0, selector.size() - 1), bare ? "" : ",", matcher);
}

absl::StatusOr<SeriesQuery> UnderstandQuery(std::string_view text,
                                            std::string_view scope_namespace) {
  const size_t from = text.find_first_not_of(kSpace);
  if (from == std::string_view::npos) {
    return base::InvalidArgument("metrics", "QUERY", "A metric has no name.")
        .Hint("Name a metric or write a PromQL query.");
  }
  text = text.substr(from, text.find_last_not_of(kSpace) - from + 1);
  SeriesQuery query;
  query.text = std::string(text);
  const size_t brace = text.find('{');
  std::string_view name = text.substr(0, brace);
  name = name.substr(0, name.find_last_not_of(kSpace) + 1);
  // A selector ends with its closing brace; what follows it (a range, an operator) makes an
  // expression.
  const bool selector =
      brace == std::string_view::npos
          ? IsMetricName(name)
          : (name.empty() || IsMetricName(name)) && EndOfBraces(text, brace) == text.size() - 1;
  if (!selector) return query;
  query.metric = std::string(name);
  query.selector = query.text;
  query.counter = IsCounter(name);
  if (!scope_namespace.empty() && !NamesNamespace(query.text)) {
    query.selector =
        WithMatcher(query.selector, fmt::format("namespace={}", QuoteString(scope_namespace)));
  }
  return query;
}

}  // namespace opsmesh::prometheus
