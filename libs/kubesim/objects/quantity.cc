#include "libs/kubesim/objects/quantity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "libs/base/strings.h"
#include "libs/kubesim/objects/defaults.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

constexpr const char* kBadFormat =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
constexpr const char* kBadNumber = "unable to parse numeric part of quantity";
constexpr const char* kBadSuffix = "unable to parse quantity's suffix";
constexpr int kFinest = -9, kSmallDigits = 18;
constexpr std::array<const char*, 10> kDecimal = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
constexpr std::array<const char*, 7> kBinary = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

size_t DigitsFrom(std::string_view text, size_t at) {
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at;
}

// A text in its parts, before anybody asked what they mean.
struct Parts {
  bool negative = false;
  std::string_view whole, fraction, suffix;
  bool digits = true;  // some digit stands before the suffix
};

std::optional<Parts> Split(std::string_view text) {
  Parts parts;
  size_t at = 0;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    parts.negative = text[0] == '-';
    at = 1;
  }
  const size_t first = at;
  while (at < text.size() && text[at] == '0') ++at;
  size_t end = DigitsFrom(text, at);
  parts.whole = text.substr(at, end - at);
  const bool zeros = end > first;
  if (end < text.size() && text[end] == '.') {
    at = end + 1;
    end = DigitsFrom(text, at);
    parts.fraction = text.substr(at, end - at);
  }
  parts.digits = zeros || !parts.fraction.empty();
  parts.suffix = text.substr(end);
  end = 0;
  while (end < parts.suffix.size() &&
         std::string_view("eEinumkKMGTP").find(parts.suffix[end]) != std::string_view::npos)
    ++end;
  if (end < parts.suffix.size() && (parts.suffix[end] == '-' || parts.suffix[end] == '+')) ++end;
  if (DigitsFrom(parts.suffix, end) < parts.suffix.size()) return std::nullopt;
  return parts;
}

struct Meaning {
  Quantity::Notation notation = Quantity::Notation::kDecimal;
  int exponent = 0;  // of ten, or of two in the binary notation
};

std::optional<Meaning> MeaningOf(std::string_view suffix) {
  for (size_t i = 0; i < kDecimal.size(); ++i) {
    if (suffix == kDecimal[i])
      return Meaning{Quantity::Notation::kDecimal, static_cast<int>(3 * i) + kFinest};
  }
  for (size_t i = 1; i < kBinary.size(); ++i) {
    if (suffix == kBinary[i]) return Meaning{Quantity::Notation::kBinary, static_cast<int>(10 * i)};
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  std::string_view number = suffix.substr(1);
  if (number[0] == '+') number.remove_prefix(1);
  int64_t exponent = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), exponent);
  if (read.ec != std::errc() || read.ptr != number.data() + number.size()) return std::nullopt;
  return Meaning{Quantity::Notation::kExponent, static_cast<int32_t>(exponent)};
}

void StripZeros(std::string& digits) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
}

void TimesTwoTo(std::string& digits, int exponent) {
  for (; exponent > 0; exponent -= 10) {
    unsigned carry = 0;
    for (size_t i = digits.size(); i-- > 0;) {
      carry += static_cast<unsigned>(digits[i] - '0') * 1024;
      digits[i] = static_cast<char>('0' + carry % 10);
      carry /= 10;
    }
    if (carry != 0) digits.insert(0, std::to_string(carry));
  }
}

void AddOne(std::string& digits) {
  size_t at = digits.size();
  while (at > 0 && digits[at - 1] == '9') digits[--at] = '0';
  if (at == 0)
    digits.insert(0, "1");
  else
    ++digits[at - 1];
}

// The low 64 bits of a number of any length.
uint64_t LowBits(std::string_view digits) {
  uint64_t bits = 0;
  for (char digit : digits) bits = bits * 10 + static_cast<uint64_t>(digit - '0');
  return bits;
}

// As a value in JSON stands: a text without the spaces around it, or a number.
std::string TextOf(const Json& value) {
  if (value.is_string()) return std::string(base::Trim(value.get_ref<const std::string&>()));
  if (!value.is_number_float()) return value.dump();
  const double number = value.get<double>();
  return number == std::floor(number) && std::fabs(number) < 1e15
             ? std::to_string(static_cast<int64_t>(number))
             : value.dump();
}

}  // namespace

std::optional<Quantity> Quantity::Parse(std::string_view text, std::string* fault) {
  auto fail = [&](const char* why) {
    if (fault != nullptr) *fault = why;
    return std::nullopt;
  };
  if (text.empty()) return fail(kBadFormat);
  const auto parts = Split(text);
  if (!parts) return fail(kBadFormat);
  const auto meaning = MeaningOf(parts->suffix);
  if (!meaning) return fail(kBadSuffix);
  Quantity made;
  made.notation_ = meaning->notation;
  made.negative_ = parts->negative;
  const bool binary = made.notation_ == Notation::kBinary;
  const std::string whole(parts->whole.empty() ? "0" : parts->whole);
  made.digits_ = whole + std::string(parts->fraction);
  const auto length = static_cast<int>(std::min<size_t>(made.digits_.size(), 1000));
  made.scale_ = (binary ? 0 : meaning->exponent) - static_cast<int64_t>(parts->fraction.size());
  made.small_ = binary ? parts->fraction.empty() && length + meaning->exponent * 3 / 10 < 15
                       : length <= kSmallDigits && made.scale_ >= kFinest;
  if (made.small_) {
    // In canonical form already: the text stays.
    const bool kept =
        binary ? (LowBits(made.digits_) & 7) != 0
               : made.scale_ % 3 == 0 && !made.digits_.ends_with("000") && made.digits_[0] != '0';
    if (kept) made.text_ = std::string(text);
  } else if (!parts->digits) {
    return fail(kBadNumber);
  }
  if (binary) TimesTwoTo(made.digits_, meaning->exponent);
  StripZeros(made.digits_);
  if (made.digits_.empty()) {
    made.scale_ = 0;
    made.negative_ = false;
  }
  if (!made.small_) {
    made.DropFraction(kFinest);
    if (binary) made.CapBinary();
  }
  return made;
}

void Quantity::DropFraction(int64_t scale) {
  if (digits_.empty() || scale_ >= scale) return;
  const auto gone = static_cast<size_t>(std::min<int64_t>(scale - scale_, 1 << 30));
  const size_t kept = gone < digits_.size() ? digits_.size() - gone : 0;
  const bool rest = digits_.find_first_not_of('0', kept) != std::string::npos;
  digits_.resize(kept);
  if (rest) AddOne(digits_);
  scale_ = scale;
}

void Quantity::CapBinary() {
  constexpr std::string_view kMost = "9223372036854775807";
  const int64_t places = static_cast<int64_t>(digits_.size()) + scale_;
  if (digits_.empty() || places < static_cast<int64_t>(kMost.size())) return;
  const std::string_view top = std::string_view(digits_).substr(0, kMost.size());
  if (places == static_cast<int64_t>(kMost.size()) &&
      (top < kMost ||
       (top == kMost && digits_.find_first_not_of('0', kMost.size()) == std::string::npos)))
    return;
  digits_ = std::string(kMost);
  scale_ = 0;
}

void Quantity::RoundUp(int scale) {
  if (small_ && scale_ >= scale) return;
  text_.clear();
  DropFraction(scale);
}

std::string Quantity::ToString() const {
  if (!text_.empty()) return text_;
  std::string digits = digits_;
  int64_t scale = scale_;
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    ++scale;
  }
  if (digits.empty()) return "0";
  const std::string sign = negative_ ? "-" : "";
  const int64_t places = static_cast<int64_t>(digits.size()) + scale;
  if (notation_ == Notation::kBinary && scale >= 0 && places <= 19) {
    uint64_t number = LowBits(digits + std::string(static_cast<size_t>(scale), '0'));
    size_t step = 0;
    for (; number >= 1024 && number % 1024 == 0 && step + 1 < kBinary.size(); ++step)
      number /= 1024;
    if (number >= 1024 || step > 0) return fmt::format("{}{}{}", sign, number, kBinary[step]);
  }
  for (; scale % 3 != 0; --scale) digits += '0';
  if (notation_ == Notation::kExponent)
    return scale == 0 ? sign + digits : fmt::format("{}{}e{}", sign, digits, scale);
  const int64_t at = (scale - kFinest) / 3;
  const bool known = at >= 0 && at < static_cast<int64_t>(kDecimal.size());
  return sign + digits + (known ? kDecimal[static_cast<size_t>(at)] : "");
}

long double Quantity::Thousandths() const {
  const auto power = static_cast<int>(std::clamp<int64_t>(scale_ + 3, -5000, 5000));
  // Few digits are exact; a power of ten below one would not be.
  long double number = 0;
  for (char digit : digits_) number = number * 10 + (digit - '0');
  const long double ten = std::pow(10.0L, std::abs(power));
  number = power < 0 ? number / ten : number * ten;
  return negative_ ? -number : number;
}

int64_t Quantity::MilliValue() const {
  Quantity milli = *this;
  milli.DropFraction(-3);
  uint64_t bits = LowBits(milli.digits_);
  if (milli.small_ && bits > INT64_MAX) return 0;
  for (int64_t power = milli.digits_.empty() ? 0 : milli.scale_ + 3; power > 0 && bits != 0;
       --power) {
    if (milli.small_ && bits > INT64_MAX / 10) return 0;
    bits *= 10;
  }
  return static_cast<int64_t>(milli.negative_ ? -bits : bits);
}

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
  const auto quantity = Quantity::Parse(value.get_ref<const std::string&>());
  if (!quantity) return std::nullopt;
  return quantity->Thousandths();
}

std::string CanonicalQuantity(const Json& value) {
  const std::string text = TextOf(value);
  const auto quantity = Quantity::Parse(text);
  return quantity ? quantity->ToString() : text;
}

std::string CanonicalResource(const Json& value) {
  const std::string text = TextOf(value);
  auto quantity = Quantity::Parse(text);
  if (!quantity) return text;
  quantity->RoundUp(-3);
  return quantity->ToString();
}

std::string QuantityFault(const Json& value) {
  std::string fault;
  (void)Quantity::Parse(TextOf(value), &fault);
  return fault;
}

}  // namespace opsmesh::kubesim
