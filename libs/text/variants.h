// Simplified and Traditional Chinese. Questions are folded to Simplified before they are
// understood; answers are written in Simplified and turned into Traditional with the operations
// vocabulary of Taiwan and Hong Kong.
#pragma once

#include <string>
#include <string_view>

namespace opsmesh::text {

/// The Simplified form of one character; other characters unchanged. Thread-safe.
char32_t SimplifiedOf(char32_t c);
/// Character by character; the number of code points stays. Thread-safe.
std::string ToSimplified(std::string_view utf8);

/// Simplified prose as Traditional, first by the operations vocabulary ("默认" -> "預設", "日志" ->
/// "日誌"), then by characters in context. Text between backticks or ``` fences is quoted from a
/// cluster and stays as it is. Thread-safe.
std::string ToTraditional(std::string_view utf8);

/// True when `c` is written only in Traditional (Simplified) text.
bool IsTraditionalOnly(char32_t c);
bool IsSimplifiedOnly(char32_t c);

}  // namespace opsmesh::text
