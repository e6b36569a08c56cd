#include "libs/text/numbers.h"

#include <algorithm>
#include <string>

#include "libs/base/strings.h"
#include "libs/text/unicode.h"

namespace opsmesh::text {
namespace {

constexpr int64_t kMost = 999'999'999;

std::optional<int64_t> ParseDigits(std::string_view text) {
  if (text.empty() || text.size() > 12) return std::nullopt;
  int64_t value = 0;
  for (char c : text) {
    if (c == ',') continue;
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value <= kMost && text.front() != ',' ? std::optional(value) : std::nullopt;
}

int DigitOf(char32_t c) {
  static constexpr std::u32string_view kDigits = U"零一二三四五六七八九";
  if (c == U'〇') return 0;
  if (c == U'两' || c == U'兩' || c == U'俩') return 2;
  const size_t at = kDigits.find(c);
  return at == std::u32string_view::npos ? -1 : static_cast<int>(at);
}

int64_t UnitOf(char32_t c) {
  switch (c) {
    case U'十':
      return 10;
    case U'百':
      return 100;
    case U'千':
      return 1000;
    case U'万':
    case U'萬':
      return 10000;
    default:
      return 0;
  }
}

constexpr std::string_view kOnes[] = {"zero",    "one",     "two",       "three",    "four",
                                      "five",    "six",     "seven",     "eight",    "nine",
                                      "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                      "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::string_view kTens[] = {"",      "",      "twenty",  "thirty", "forty",
                                      "fifty", "sixty", "seventy", "eighty", "ninety"};
constexpr std::string_view kOrdinals[] = {"",      "first",   "second", "third", "fourth", "fifth",
                                          "sixth", "seventh", "eighth", "ninth", "tenth"};

template <size_t N>
std::optional<int64_t> IndexIn(const std::string_view (&words)[N], std::string_view word) {
  if (word.empty()) return std::nullopt;
  const auto* found = std::find(std::begin(words), std::end(words), word);
  if (found == std::end(words)) return std::nullopt;
  return found - std::begin(words);
}

}  // namespace

std::optional<int64_t> ParseChineseNumber(std::string_view utf8) {
  const std::u32string points = DecodeUtf8(utf8);
  if (points.empty() || points.size() > 12) return std::nullopt;
  int64_t total = 0, section = 0, digit = -1;
  for (char32_t c : points) {
    if (const int value = DigitOf(c); value >= 0) {
      if (digit > 0) return std::nullopt;  // "三五" is a range, not a number
      digit = value;
      continue;
    }
    const int64_t unit = UnitOf(c);
    if (unit == 0) return std::nullopt;
    if (unit == 10000) {
      total += (section + std::max<int64_t>(digit, 0)) * unit;
      section = 0;
    } else {
      section += (digit < 0 ? 1 : digit) * unit;
    }
    digit = -1;
  }
  total += section + std::max<int64_t>(digit, 0);
  return total <= kMost ? std::optional(total) : std::nullopt;
}

std::optional<int64_t> ParseEnglishNumber(std::string_view word) {
  const std::string lower = base::AsciiLower(word);
  if (const auto one = IndexIn(kOnes, lower)) return one;
  const size_t dash = lower.find('-');
  const auto tens = IndexIn(kTens, std::string_view(lower).substr(0, dash));
  if (!tens) return lower == "hundred" ? std::optional<int64_t>(100) : std::nullopt;
  if (dash == std::string::npos) return *tens * 10;
  const auto ones = IndexIn(kOnes, std::string_view(lower).substr(dash + 1));
  if (!ones || *ones == 0 || *ones > 9) return std::nullopt;
  return *tens * 10 + *ones;
}

std::optional<int64_t> ParseNumber(std::string_view utf8) {
  if (const auto digits = ParseDigits(utf8)) return digits;
  if (const auto english = ParseEnglishNumber(utf8)) return english;
  return ParseChineseNumber(utf8);
}

std::optional<int64_t> ParseOrdinal(std::string_view utf8) {
  const std::string lower = base::AsciiLower(utf8);
  if (lower == "last" || lower == "最后") return -1;
  if (const auto ordinal = IndexIn(kOrdinals, lower)) return ordinal;
  for (std::string_view suffix : {"st", "nd", "rd", "th"}) {
    if (lower.size() > 2 && lower.ends_with(suffix)) {
      return ParseDigits(std::string_view(lower).substr(0, lower.size() - 2));
    }
  }
  constexpr std::string_view kNth = "第";
  if (lower.starts_with(kNth)) return ParseNumber(std::string_view(lower).substr(kNth.size()));
  return std::nullopt;
}

}  // namespace opsmesh::text
