#include "libs/kube/quantity.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace opsmesh::kube {
namespace {

struct Suffix {
  std::string_view text;
  double factor;
};
constexpr double kKi = 1024.0;
constexpr Suffix kSuffixes[] = {
    {"", 1},
    {"n", 1e-9},
    {"u", 1e-6},
    {"m", 1e-3},
    {"k", 1e3},
    {"M", 1e6},
    {"G", 1e9},
    {"T", 1e12},
    {"P", 1e15},
    {"E", 1e18},
    {"Ki", kKi},
    {"Mi", kKi* kKi},
    {"Gi", kKi* kKi* kKi},
    {"Ti", kKi* kKi* kKi* kKi},
    {"Pi", kKi* kKi* kKi* kKi* kKi},
    {"Ei", kKi* kKi* kKi* kKi* kKi* kKi},
};

std::string Trimmed(double value, std::string_view unit) {
  std::string text = fmt::format("{:.1f}", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text + std::string(unit);
}

}  // namespace

std::optional<double> ParseQuantity(std::string_view text) {
  if (text.empty() || text.size() > 64) return std::nullopt;
  bool negative = false;
  if (text[0] == '+' || text[0] == '-') {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  // The mantissa by hand: from_chars would take "e3" of "1e3m" for an exponent.
  size_t end = 0;
  bool digit = false;
  bool point = false;
  while (end < text.size() &&
         ((text[end] >= '0' && text[end] <= '9') || (text[end] == '.' && !point))) {
    digit |= text[end] != '.';
    point |= text[end] == '.';
    ++end;
  }
  if (!digit) return std::nullopt;
  double value = 0;
  std::from_chars(text.data(), text.data() + end, value, std::chars_format::fixed);
  if (negative) value = -value;
  const std::string_view rest = text.substr(end);
  for (const Suffix& suffix : kSuffixes) {
    if (rest == suffix.text) return value * suffix.factor;
  }
  if (rest.size() < 2 || (rest[0] != 'e' && rest[0] != 'E')) return std::nullopt;
  const char* const first = rest.data() + (rest[1] == '+' ? 2 : 1);
  int exponent = 0;
  const auto [stop, error] = std::from_chars(first, rest.data() + rest.size(), exponent);
  if (error != std::errc() || stop != rest.data() + rest.size() || exponent < -64 || exponent > 64)
    return std::nullopt;
  return value * std::pow(10.0, exponent);
}

std::string FormatCpu(double cores) {
  if (!std::isfinite(cores)) return "?";
  if (std::fabs(cores) < 10 && std::fabs(cores - std::round(cores)) > 1e-9)
    return fmt::format("{:.0f}m", cores * 1000);
  return Trimmed(cores, "");
}

std::string FormatBytes(double bytes) {
  if (!std::isfinite(bytes)) return "?";
  static constexpr std::string_view kUnits[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  size_t unit = 0;
  while (std::fabs(bytes) >= kKi && unit + 1 < std::size(kUnits)) {
    bytes /= kKi;
    ++unit;
  }
  return Trimmed(bytes, kUnits[unit]);
}

}  // namespace opsmesh::kube
