#include "libs/kubesim/api/warning_headers.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

namespace opsmesh::kubesim {
namespace {

constexpr size_t kMaxCharacters = 4096;  // of all texts
constexpr size_t kMaxOfOne = 256;        // of each, when all are too many

bool BeginsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

size_t CharactersOf(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), BeginsCharacter));
}

// The first characters of a text.
std::string_view Cut(std::string_view text, size_t most) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (BeginsCharacter(text[i]) && most-- == 0) return text.substr(0, i);
  }
  return text;
}

std::string Quoted(std::string_view text) {
  std::string quoted = "299 - \"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

void AddWarnings(const std::vector<std::string>& texts, http_server::Headers* headers) {
  std::vector<std::string_view> told;
  std::unordered_set<std::string_view> known;
  size_t all = 0;
  for (const std::string& text : texts) {
    if (text.empty() || !known.insert(text).second) continue;
    told.push_back(text);
    all += CharactersOf(text);
  }
  const bool cut = all > kMaxCharacters;
  size_t written = 0;
  for (std::string_view text : told) {
    if (cut && written >= kMaxCharacters) return;
    if (cut) text = Cut(text, kMaxOfOne);
    written += CharactersOf(text);
    headers->Add("Warning", Quoted(text));
  }
}

}  // namespace opsmesh::kubesim
