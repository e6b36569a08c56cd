#include "libs/kubesim/prometheus/parameters.h"

#include <charconv>
#include <cmath>

#include "absl/time/time.h"
#include "libs/base/strings.h"
#include "libs/kubesim/promql/engine.h"

namespace opsmesh::kubesim::prometheus {
namespace {

constexpr double kMaxSeconds = 9.2e15 / 1000;

/// A whole text that is a decimal number.
std::optional<double> ParseDecimal(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool ReadForm(std::string_view text, Form* form) {
  for (const std::string_view part : base::Split(text, '&')) {
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    std::string name;
    std::string value;
    const std::string plain_name = base::ReplaceAll(part.substr(0, equals), "+", " ");
    const std::string plain_value =
        equals == std::string_view::npos ? "" : base::ReplaceAll(part.substr(equals + 1), "+", " ");
    if (!base::PercentDecode(plain_name, &name) || !base::PercentDecode(plain_value, &value))
      return false;
    form->emplace_back(std::move(name), std::move(value));
  }
  return true;
}

std::string ValueOf(const Form& form, std::string_view name) {
  for (const auto& [key, value] : form) {
    if (key == name) return value;
  }
  return "";
}

std::optional<int64_t> ParseTimestamp(const std::string& text) {
  if (const auto seconds = ParseDecimal(text)) {
    if (!(std::fabs(*seconds) < kMaxSeconds)) return std::nullopt;
    return static_cast<int64_t>(std::llround(*seconds * 1000));
  }
  absl::Time time;
  if (!base::ParseRfc3339(text, &time)) return std::nullopt;
  return absl::ToUnixMillis(time);
}

std::optional<int64_t> ParseSpan(const std::string& text) {
  if (const auto seconds = ParseDecimal(text)) {
    if (!(std::fabs(*seconds) < kMaxSeconds)) return std::nullopt;
    return static_cast<int64_t>(*seconds * 1000);
  }
  return promql::ParseDuration(text);
}

}  // namespace opsmesh::kubesim::prometheus
