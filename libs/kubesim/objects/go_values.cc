#include "libs/kubesim/objects/go_values.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "libs/kubesim/objects/causes.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

bool IsGoInteger(const Json& value) {
  return value.is_number_integer() &&
         !(value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{INT64_MAX});
}

std::string GoNumber(const Json& number) {
  if (IsGoInteger(number)) return number.dump();
  const double value = number.get<double>();
  std::array<char, 40> text{};
  const auto end = std::to_chars(text.begin(), text.end(), value, std::chars_format::scientific);
  const std::string scientific(text.begin(), end.ptr);
  const int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  if (exponent < -4 || exponent >= 6) return scientific;
  const auto plain = std::to_chars(text.begin(), text.end(), value, std::chars_format::fixed);
  return {text.begin(), plain.ptr};
}

std::string GoValue(const Json& value) {
  if (value.is_string()) return GoQuoted(value.get_ref<const std::string&>());
  if (value.is_number()) return GoNumber(value);
  if (value.is_null()) return "interface {}(nil)";
  if (!value.is_structured()) return value.dump();
  std::string text;
  for (const auto& [key, item] : value.items()) {
    if (!text.empty()) text += ", ";
    if (value.is_object()) text += GoQuoted(key) + ":";
    text += GoValue(item);
  }
  return (value.is_object() ? "map[string]interface {}{" : "[]interface {}{") + text + "}";
}

void WriteWholeNumbers(Json& value) {
  constexpr double kMost = 9007199254740992;  // what follows is not exact
  if (value.is_structured()) {
    for (Json& item : value) WriteWholeNumbers(item);
  } else if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::abs(number) <= kMost && number == std::trunc(number))
      value = static_cast<int64_t>(number);
  }
}

std::string GoBadValue(const Json& value) { return value.is_null() ? "\"null\"" : GoValue(value); }

}  // namespace opsmesh::kubesim
