#include "libs/text/language.h"

#include <string>

#include "libs/base/strings.h"
#include "libs/text/unicode.h"
#include "libs/text/variants.h"

namespace opsmesh::text {
namespace {

struct Counts {
  int han = 0;
  int traditional = 0;
  int simplified = 0;
  int words = 0;  // Latin words that do not look like a name (no digit, dash or dot in them)
};

Counts CountScripts(std::string_view utf8) {
  Counts counts;
  std::string word;
  const auto end_word = [&] {
    if (word.size() > 1 && word.find_first_of("0123456789-_./") == std::string::npos)
      ++counts.words;
    word.clear();
  };
  for (char32_t c : DecodeUtf8(utf8)) {
    if (IsHan(c)) {
      ++counts.han;
      counts.traditional += IsTraditionalOnly(c);
      counts.simplified += IsSimplifiedOnly(c);
    }
    if (c > 0x20 && c < 0x7F && c != ',' && c != '?' && c != '!') {
      word.push_back(static_cast<char>(c));
    } else {
      end_word();
    }
  }
  end_word();
  return counts;
}

}  // namespace

std::string_view LanguageTag(Language language) {
  switch (language) {
    case Language::kSimplified:
      return "zh-Hans";
    case Language::kTraditional:
      return "zh-Hant";
    case Language::kEnglish:
      break;
  }
  return "en";
}

std::optional<Language> ParseLanguageTag(std::string_view tag) {
  for (std::string_view piece : base::Split(tag, ',')) {
    piece = base::Trim(piece.substr(0, piece.find(';')));
    const std::string lower = base::AsciiLower(piece);
    if (lower.starts_with("zh")) {
      const bool traditional = lower.find("hant") != std::string::npos || lower == "zh-tw" ||
                               lower == "zh-hk" || lower == "zh-mo";
      return traditional ? Language::kTraditional : Language::kSimplified;
    }
    if (lower.starts_with("en")) return Language::kEnglish;
  }
  return std::nullopt;
}

std::optional<Language> DetectLanguageIfClear(std::string_view utf8) {
  const Counts counts = CountScripts(utf8);
  if (counts.han == 0) {
    if (counts.words == 0 || base::Trim(utf8).starts_with('/')) return std::nullopt;
    return Language::kEnglish;
  }
  if (counts.traditional == counts.simplified) return std::nullopt;
  return counts.traditional > counts.simplified ? Language::kTraditional : Language::kSimplified;
}

Language DetectLanguage(std::string_view utf8, Language fallback) {
  if (const auto clear = DetectLanguageIfClear(utf8)) return *clear;
  const Counts counts = CountScripts(utf8);
  if (counts.han > 0 && fallback == Language::kEnglish) return Language::kSimplified;
  return fallback;
}

}  // namespace opsmesh::text
