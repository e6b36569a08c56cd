// Code points and widths of mixed Chinese and Latin text. All functions are pure; ill-formed UTF-8
// reads as U+FFFD.
#pragma once

#include <string>
#include <string_view>

namespace opsmesh::text {

std::u32string DecodeUtf8(std::string_view utf8);
std::string EncodeUtf8(std::u32string_view code_points);
void AppendUtf8(char32_t code_point, std::string* out);

/// Han ideographs: CJK Unified with extensions A to F and the compatibility block.
bool IsHan(char32_t c);

/// Full-width forms (U+FF01..FF5E) as ASCII, ideographic space as a space, curly and corner quotes
/// as `"`, the ideographic full stop and the enumeration comma as `.` and `,`. One code point stays
/// one code point.
char32_t FoldWidth(char32_t c);
std::string FoldWidth(std::string_view utf8);

}  // namespace opsmesh::text
