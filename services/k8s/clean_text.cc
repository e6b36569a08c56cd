#include "services/k8s/clean_text.h"

#include "libs/base/strings.h"

namespace opsmesh::k8s {
namespace {

// Length of the escape sequence at s[0] == ESC: CSI, OSC and other string sequences whole, two
// bytes otherwise.
size_t EscapeLength(std::string_view s) {
  if (s.size() < 2) return s.size();
  const char kind = s[1];
  size_t i = 2;
  if (kind == '[') {
    while (i < s.size() && (s[i] < 0x40 || s[i] > 0x7e) && s[i] != '\n') ++i;
    return i < s.size() && s[i] != '\n' ? i + 1 : i;
  }
  if (kind == ']' || kind == 'P' || kind == '_' || kind == '^' || kind == 'X') {
    while (i < s.size() && s[i] != '\a' && s[i] != '\n' && s[i] != '\x1b') ++i;
    if (i < s.size() && s[i] == '\a') return i + 1;
    if (i + 1 < s.size() && s[i] == '\x1b' && s[i + 1] == '\\') return i + 2;
    return i;
  }
  return kind == '\n' ? 1 : 2;
}

// Code points that change how the text around them is read: C1 controls, bidi controls, zero-width
// and tag characters.
bool IsDeceptive(uint32_t c) {
  return (c >= 0x80 && c <= 0x9f) || c == 0xad || c == 0x61c || c == 0x180e ||
         (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe007f);
}

// Decodes the well-formed sequence at s[i]; sets its length.
uint32_t Decode(std::string_view s, size_t i, size_t* length) {
  const auto byte = [&](size_t k) {
    return static_cast<uint32_t>(static_cast<unsigned char>(s[k]));
  };
  const uint32_t lead = byte(i);
  if (lead < 0x80) return *length = 1, lead;
  if (lead < 0xe0) return *length = 2, (lead & 0x1f) << 6 | (byte(i + 1) & 0x3f);
  if (lead < 0xf0)
    return *length = 3, (lead & 0x0f) << 12 | (byte(i + 1) & 0x3f) << 6 | (byte(i + 2) & 0x3f);
  *length = 4;
  return (lead & 0x07) << 18 | (byte(i + 1) & 0x3f) << 12 | (byte(i + 2) & 0x3f) << 6 |
         (byte(i + 3) & 0x3f);
}

}  // namespace

std::string CleanText(std::string_view text, size_t max_bytes, bool keep_lines) {
  // What is cut anyway need not be cleaned; the factor leaves room for what is removed.
  const bool cut_early = text.size() > max_bytes * 4 + 16;
  const std::string safe =
      base::SanitizeUtf8(cut_early ? base::Utf8Prefix(text, max_bytes * 4 + 16) : text);
  std::string out;
  out.reserve(safe.size() < max_bytes ? safe.size() : max_bytes);
  size_t i = 0;
  while (i < safe.size() && out.size() <= max_bytes) {
    const char c = safe[i];
    if (c == '\x1b') {
      i += EscapeLength(std::string_view(safe).substr(i));
    } else if (c == '\n') {
      out += keep_lines ? "\n" : "⏎";
      ++i;
    } else if (c == '\t') {
      out += ' ';
      ++i;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      ++i;
    } else {
      size_t length = 1;
      const uint32_t code = Decode(safe, i, &length);
      if (!IsDeceptive(code)) out.append(safe, i, length);
      i += length;
    }
  }
  if (!keep_lines) {
    while (out.ends_with("⏎")) out.resize(out.size() - std::string_view("⏎").size());
  }
  if (out.size() > max_bytes || (cut_early && i >= safe.size()) || i < safe.size()) {
    out = std::string(base::Utf8Prefix(out, max_bytes)) + "…";
  }
  return out;
}

}  // namespace opsmesh::k8s
