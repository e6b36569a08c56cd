// Which bytes may stand where in a request (RFC 9110 5.6, RFC 9112), as tables, and what is cut
// from them.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "libs/base/strings.h"

namespace opsmesh::http_server {

using CharTable = std::array<bool, 256>;

constexpr CharTable MakeTokenTable() {
  CharTable table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (const char c :
       {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}

// Field values: visible characters, space, tab, and obs-text. Every other control character is
// refused.
constexpr CharTable MakeValueTable() {
  CharTable table{};
  for (int c = 0x20; c < 0x100; ++c) table[c] = c != 0x7f;
  table['\t'] = true;
  return table;
}

// Request targets: visible ASCII but "#", and bytes of UTF-8 (checked as a whole later). Wider than
// RFC 3986 on purpose: people type `{`, `"` and Chinese into curl, and none of those can be taken
// for a delimiter.
constexpr CharTable MakeTargetTable() {
  CharTable table{};
  for (int c = 0x21; c < 0x100; ++c) table[c] = c != 0x7f && c != '#';
  return table;
}

inline constexpr CharTable kToken = MakeTokenTable();
inline constexpr CharTable kValue = MakeValueTable();
inline constexpr CharTable kTarget = MakeTargetTable();

inline bool All(std::string_view s, const CharTable& table) {
  for (const char c : s) {
    if (!table[static_cast<unsigned char>(c)]) return false;
  }
  return true;
}

inline std::string_view TrimOws(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

inline bool Is(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() && base::EqualsIgnoreAsciiCase(name, lower);
}

}  // namespace opsmesh::http_server
