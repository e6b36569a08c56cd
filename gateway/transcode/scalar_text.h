// Scalars from text and checked conversions between numbers, shared by JSON bodies, paths and
// queries.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace opsmesh::gateway {

/// `value` as T, or nothing when it has a fraction or does not fit.
template <typename T>
std::optional<T> IntegerFromDouble(double value) {
  // 2^63 and 2^64 are exact doubles, and the first values that do not fit.
  const double above = std::ldexp(1.0, std::numeric_limits<T>::digits);
  if (!(value < above) || value < static_cast<double>(std::numeric_limits<T>::min()) ||
      std::trunc(value) != value) {
    return std::nullopt;
  }
  return static_cast<T>(value);
}

template <typename T, typename From>
std::optional<T> IntegerFrom(From value) {
  if (!std::in_range<T>(value)) return std::nullopt;
  return static_cast<T>(value);
}

/// "42", "-7", and what proto3 JSON also allows: "1e3", "5.0".
template <typename T>
std::optional<T> IntegerFromText(std::string_view text) {
  T value{};
  const char* const end = text.data() + text.size();
  const auto [p, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && p == end && !text.empty()) return value;
  double real = 0;
  const auto [q, real_error] = std::from_chars(text.data(), end, real);
  if (real_error != std::errc() || q != end || text.empty() || !std::isfinite(real))
    return std::nullopt;
  return IntegerFromDouble<T>(real);
}

/// A decimal number, or "NaN", "Infinity", "-Infinity"; nothing when it is another text or out of
/// range.
inline std::optional<double> DoubleFromText(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [p, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || p != end || text.empty() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

/// `value` as float, or nothing when it is finite and beyond a float's range.
inline std::optional<float> FloatFrom(double value) {
  const auto narrow = static_cast<float>(value);
  if (std::isfinite(value) && !std::isfinite(narrow)) return std::nullopt;
  return narrow;
}

}  // namespace opsmesh::gateway
