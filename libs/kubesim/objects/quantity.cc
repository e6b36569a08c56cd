#include "libs/kubesim/objects/quantity.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>

#include "libs/kubesim/objects/defaults.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

// Sign, digits with at most one dot, and an exponent of ten: how long that is; 0 when it is none.
size_t NumberLength(const std::string& text) {
  size_t at = text.find_first_of("+-") == 0 ? 1 : 0, digits = 0, dots = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '.' && dots == 0)
      ++dots;
    else if (text[at] >= '0' && text[at] <= '9')
      ++digits;
    else
      break;
  }
  if (digits == 0) return 0;
  if (at >= text.size() || (text[at] != 'e' && text[at] != 'E')) return at;
  size_t end = at + 1;
  if (end < text.size() && (text[end] == '+' || text[end] == '-')) ++end;
  const size_t first = end;
  while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
  return end > first ? end : at;  // "1E" is exa
}

}  // namespace

Amount Amount::Of(const Json& value) {
  Amount amount;
  amount.thousandths = ParseQuantity(value).value_or(0);
  if (value.is_string()) amount.binary = value.get_ref<const std::string&>().ends_with('i');
  return amount;
}

Amount& Amount::operator+=(const Amount& other) {
  if (thousandths == 0) binary = other.binary;
  thousandths += other.thousandths;
  return *this;
}

Amount& Amount::operator-=(const Amount& other) {
  if (thousandths == 0) binary = other.binary;
  thousandths -= other.thousandths;
  return *this;
}

std::string Amount::ToString() const {
  const auto milli = static_cast<int64_t>(std::ceil(thousandths));
  if (milli % 1000 != 0) return fmt::format("{}m", milli);
  int64_t whole = milli / 1000;
  const int64_t step = binary ? 1024 : 1000;
  static constexpr const char* kBinary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  static constexpr const char* kDecimal[] = {"", "k", "M", "G", "T", "P", "E"};
  int scale = 0;
  while (scale < 6 && whole != 0 && whole % step == 0) {
    whole /= step;
    ++scale;
  }
  return fmt::format("{}{}", whole, (binary ? kBinary : kDecimal)[scale]);
}

std::optional<long double> ParseQuantity(const Json& value) {
  if (value.is_number()) return value.get<long double>() * 1000;
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.get_ref<const std::string&>();
  const size_t end = NumberLength(text);
  if (end == 0) return std::nullopt;
  long double number = 0;
  try {
    number = std::stold(text.substr(0, end));
  } catch (const std::exception&) {  // out of range
    return std::nullopt;
  }
  static const std::map<std::string, long double> kSuffixes = {{"", 1000.0L},
                                                               {"n", 1e-6L},
                                                               {"u", 1e-3L},
                                                               {"m", 1.0L},
                                                               {"k", 1e6L},
                                                               {"M", 1e9L},
                                                               {"G", 1e12L},
                                                               {"T", 1e15L},
                                                               {"P", 1e18L},
                                                               {"E", 1e21L},
                                                               {"Ki", 1024e3L},
                                                               {"Mi", 1048576e3L},
                                                               {"Gi", 1073741824e3L},
                                                               {"Ti", 1099511627776e3L},
                                                               {"Pi", 1125899906842624e3L},
                                                               {"Ei", 1152921504606846976e3L}};
  const std::string suffix = text.substr(end);
  // After an exponent nothing may follow.
  if (!suffix.empty() && text.find_first_of("eE") < end) return std::nullopt;
  auto it = kSuffixes.find(suffix);
  if (it == kSuffixes.end()) return std::nullopt;
  return number * it->second;
}

}  // namespace opsmesh::kubesim
