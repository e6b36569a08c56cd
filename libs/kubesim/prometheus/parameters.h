// The parameters of Prometheus' HTTP API. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace opsmesh::kubesim::prometheus {

/// Names and values in the order given; a name may stand more than once.
using Form = std::vector<std::pair<std::string, std::string>>;

/// Appends what a query string or the body of a form says; false when an escape is wrong.
bool ReadForm(std::string_view text, Form* form);
/// The first value of that name; empty when there is none.
std::string ValueOf(const Form& form, std::string_view name);

/// Milliseconds of a Unix time in seconds or of an RFC 3339 one.
std::optional<int64_t> ParseTimestamp(const std::string& text);
/// Milliseconds of seconds in decimal or of a duration ("5m").
std::optional<int64_t> ParseSpan(const std::string& text);

}  // namespace opsmesh::kubesim::prometheus
