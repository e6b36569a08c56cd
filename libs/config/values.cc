#include "libs/config/values.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "libs/base/strings.h"

namespace opsmesh::config {
namespace {

// Splits "1.5MiB" into 1.5 and "MiB".
std::optional<std::pair<double, std::string_view>> NumberAndUnit(std::string_view text) {
  const size_t end = text.find_first_not_of("0123456789.");
  const std::string_view number = text.substr(0, end);
  double value = 0;
  if (number.empty() || !absl::SimpleAtod(base::ToAbsl(number), &value)) return std::nullopt;
  return std::pair(value, end == std::string_view::npos ? std::string_view() : text.substr(end));
}

}  // namespace

std::optional<bool> ParseBool(std::string_view text) {
  const std::string lower = base::AsciiLower(base::Trim(text));
  if (lower == "true" || lower == "yes" || lower == "on" || lower == "1") return true;
  if (lower == "false" || lower == "no" || lower == "off" || lower == "0") return false;
  return std::nullopt;
}

std::optional<int64_t> ParseInt(std::string_view text) {
  text = base::Trim(text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<double> ParseDouble(std::string_view text) {
  double value = 0;
  if (!absl::SimpleAtod(base::ToAbsl(base::Trim(text)), &value) || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::optional<absl::Duration> ParseDuration(std::string_view text) {
  std::string_view rest = base::Trim(text);
  if (rest == "0") return absl::ZeroDuration();
  absl::Duration total = absl::ZeroDuration();
  if (rest.empty()) return std::nullopt;
  while (!rest.empty()) {
    const auto part = NumberAndUnit(rest);
    if (!part) return std::nullopt;
    const std::string_view unit = part->second.substr(0, part->second.find_first_of("0123456789."));
    absl::Duration one;
    if (unit == "ms")
      one = absl::Milliseconds(1);
    else if (unit == "s")
      one = absl::Seconds(1);
    else if (unit == "m" || unit == "min")
      one = absl::Minutes(1);
    else if (unit == "h")
      one = absl::Hours(1);
    else if (unit == "d")
      one = absl::Hours(24);
    else
      return std::nullopt;
    total += part->first * one;
    rest = part->second.substr(unit.size());
  }
  return total;
}

std::optional<int64_t> ParseBytes(std::string_view text) {
  const auto part = NumberAndUnit(base::Trim(text));
  if (!part) return std::nullopt;
  const std::string unit = base::AsciiLower(base::Trim(part->second));
  double factor = 0;
  if (unit.empty() || unit == "b")
    factor = 1;
  else if (unit == "k" || unit == "kb")
    factor = 1e3;
  else if (unit == "ki" || unit == "kib")
    factor = 1024;
  else if (unit == "m" || unit == "mb")
    factor = 1e6;
  else if (unit == "mi" || unit == "mib")
    factor = 1024.0 * 1024;
  else if (unit == "g" || unit == "gb")
    factor = 1e9;
  else if (unit == "gi" || unit == "gib")
    factor = 1024.0 * 1024 * 1024;
  else
    return std::nullopt;
  const double bytes = part->first * factor;
  if (bytes > 9e18 || bytes != std::floor(bytes)) return std::nullopt;
  return static_cast<int64_t>(bytes);
}

}  // namespace opsmesh::config
