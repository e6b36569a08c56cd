// Small string functions over std::string_view, where Debian's Abseil only takes absl::string_view.
// All pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/string_view.h"

namespace opsmesh::base {

inline absl::string_view ToAbsl(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view ToStd(absl::string_view s) { return {s.data(), s.size()}; }

/// Pieces of `s` between `separator`, empty ones included; {""} for an empty `s`.
std::vector<std::string_view> Split(std::string_view s, char separator);
/// Non-empty pieces of `s` between runs of ASCII white space.
std::vector<std::string_view> SplitWhitespace(std::string_view s);
std::string Join(const std::vector<std::string>& parts, std::string_view separator);
/// `s` without ASCII white space at both ends; a view into `s`.
std::string_view Trim(std::string_view s);
/// ASCII letters lowered, other bytes untouched.
std::string AsciiLower(std::string_view s);
bool EqualsIgnoreAsciiCase(std::string_view a, std::string_view b);
std::string ReplaceAll(std::string_view s, std::string_view from, std::string_view to);

/// True when `s` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool IsValidUtf8(std::string_view s);
/// `s` with each maximal ill-formed run replaced by U+FFFD.
std::string SanitizeUtf8(std::string_view s);
/// The longest prefix of `s` with at most `max_bytes` bytes that does not cut a UTF-8 sequence.
std::string_view Utf8Prefix(std::string_view s, size_t max_bytes);

/// Percent-encodes everything but RFC 3986 unreserved characters: safe in one path segment or query
/// value.
std::string PercentEncode(std::string_view s);
/// Decodes %XX once; false when an escape is broken. `+` stays `+`.
bool PercentDecode(std::string_view s, std::string* out);

/// Damerau-Levenshtein distance over bytes, at most `limit` + 1: for "did you mean".
size_t EditDistance(std::string_view a, std::string_view b, size_t limit);
/// The candidate nearest to `word`, or "" when none is within a third of its length.
std::string_view Nearest(std::string_view word, const std::vector<std::string>& candidates);

std::string HexEncode(std::string_view bytes);
std::string Base64Encode(std::string_view bytes);
/// Standard or URL-safe alphabet, padding optional, white space ignored; false on anything else.
bool Base64Decode(std::string_view text, std::string* out);

/// As Go prints a time.Duration rounded to seconds: "2h30m15s", "45s", "0s".
std::string GoDuration(long long seconds);

}  // namespace opsmesh::base
