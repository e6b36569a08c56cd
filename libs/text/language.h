// The language an answer is given in: that of the question.
#pragma once

#include <optional>
#include <string_view>

namespace opsmesh::text {

enum class Language { kEnglish, kSimplified, kTraditional };

/// BCP 47 tag: "en", "zh-Hans", "zh-Hant".
std::string_view LanguageTag(Language language);
/// Reads a BCP 47 tag or an Accept-Language value; nullopt when neither Chinese nor English is in
/// it.
std::optional<Language> ParseLanguageTag(std::string_view tag);

inline bool IsChinese(Language language) { return language != Language::kEnglish; }

/// Language of a question. Chinese when it holds a Han character outside quotes ("pods 有几个" is
/// Chinese); Traditional when more of its characters are only written there than only in
/// Simplified. Chinese that fits both scripts, and text without letters, take `fallback` (Chinese
/// that fits both becomes Simplified when the fallback is English).
Language DetectLanguage(std::string_view utf8, Language fallback = Language::kEnglish);

/// As DetectLanguage, and nullopt when the text says nothing about the language (numbers, a
/// command, object names).
std::optional<Language> DetectLanguageIfClear(std::string_view utf8);

}  // namespace opsmesh::text
