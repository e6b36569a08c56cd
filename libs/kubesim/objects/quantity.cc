#include "libs/kubesim/objects/quantity.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "libs/kubesim/objects/defaults.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {

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

}  // namespace opsmesh::kubesim
