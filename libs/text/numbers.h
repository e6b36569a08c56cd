// Numbers written in words. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace opsmesh::text {

/// "5" (with thousands commas), "五", "十二", "两百", "一百零三", "三千" -> value; nullopt for
/// anything else. 0..999,999,999.
std::optional<int64_t> ParseChineseNumber(std::string_view utf8);
/// "five", "twenty-five", "a dozen" is not one. nullopt for anything else. 0..999.
std::optional<int64_t> ParseEnglishNumber(std::string_view word);
/// Digits or a word of either language.
std::optional<int64_t> ParseNumber(std::string_view utf8);

/// "first" -> 1, "2nd" -> 2, "last" -> -1; "第三" -> 3, "最后" -> -1 (Simplified). nullopt for
/// anything else.
std::optional<int64_t> ParseOrdinal(std::string_view utf8);

}  // namespace opsmesh::text
