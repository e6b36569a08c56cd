#include "gateway/transcode/json_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "libs/base/strings.h"
#include "simdjson.h"

namespace opsmesh::gateway {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// 0: copy; 1: escape; 2: not ASCII.
constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = 0; c < 0x20; ++c) classes[c] = 1;
  classes['"'] = classes['\\'] = 1;
  for (int c = 0x80; c < 0x100; ++c) classes[c] = 2;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

void AppendUnicodeEscape(uint32_t unit, std::string* out) {
  const char text[6] = {
      '\\',           'u', kHex[unit >> 12 & 15], kHex[unit >> 8 & 15], kHex[unit >> 4 & 15],
      kHex[unit & 15]};
  out->append(text, sizeof(text));
}

void AppendEscape(unsigned char c, std::string* out) {
  switch (c) {
    case '"':
      out->append("\\\"");
      return;
    case '\\':
      out->append("\\\\");
      return;
    case '\n':
      out->append("\\n");
      return;
    case '\r':
      out->append("\\r");
      return;
    case '\t':
      out->append("\\t");
      return;
    case '\b':
      out->append("\\b");
      return;
    case '\f':
      out->append("\\f");
      return;
    default:
      AppendUnicodeEscape(c, out);
  }
}

// `text` starts with a well-formed multi-byte sequence; appends its escape and returns its length.
size_t AppendCodePoint(const char* text, std::string* out) {
  const auto byte = [text](int i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(text[i]));
  };
  if (byte(0) < 0xE0) {
    AppendUnicodeEscape((byte(0) & 0x1F) << 6 | (byte(1) & 0x3F), out);
    return 2;
  }
  if (byte(0) < 0xF0) {
    AppendUnicodeEscape((byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), out);
    return 3;
  }
  const uint32_t point =
      ((byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F)) -
      0x10000;
  AppendUnicodeEscape(0xD800 + (point >> 10), out);
  AppendUnicodeEscape(0xDC00 + (point & 0x3FF), out);
  return 4;
}

// Copies runs of bytes of class 0 (and 2 unless `ascii`), escapes the rest. `text` is well-formed
// UTF-8.
void AppendEscaped(std::string_view text, bool ascii, std::string* out) {
  const uint8_t stop_at = ascii ? 3 : 1;  // bit mask of the classes that end a run
  size_t start = 0;
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((kClasses[c] & stop_at) == 0) {
      ++i;
      continue;
    }
    out->append(text, start, i - start);
    if (c < 0x80) {
      AppendEscape(c, out);
      ++i;
    } else {
      i += AppendCodePoint(text.data() + i, out);
    }
    start = i;
  }
  out->append(text, start, text.size() - start);
}

bool IsAscii(std::string_view text) {
  unsigned char seen = 0;
  for (const char c : text) seen |= static_cast<unsigned char>(c);
  return seen < 0x80;
}

template <typename T>
void AppendNumber(T value, std::string* out) {
  if (std::isnan(value)) {
    out->append("\"NaN\"");
  } else if (std::isinf(value)) {
    out->append(value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
  } else {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof(text), value);
    out->append(text, end.ptr);
  }
}

}  // namespace

void AppendJsonString(std::string_view text, bool ascii, std::string* out) {
  out->push_back('"');
  if (IsAscii(text) || simdjson::validate_utf8(text.data(), text.size())) {
    AppendEscaped(text, ascii, out);
  } else {
    AppendEscaped(base::SanitizeUtf8(text), ascii, out);
  }
  out->push_back('"');
}

void AppendJsonNumber(double value, std::string* out) { AppendNumber(value, out); }
void AppendJsonNumber(float value, std::string* out) { AppendNumber(value, out); }

void AppendJsonText(std::string_view json, bool ascii, std::string* out) {
  std::string compact;
  if (json.find_first_of("\n\r") != std::string_view::npos) {
    compact.resize(json.size() + simdjson::SIMDJSON_PADDING);
    size_t length = 0;
    // Valid JSON always minifies; were it not, the copy below still holds valid JSON, only with its
    // line breaks.
    if (simdjson::minify(json.data(), json.size(), compact.data(), length) == simdjson::SUCCESS) {
      json = std::string_view(compact.data(), length);
    }
  }
  if (!ascii) {
    out->append(json);
    return;
  }
  // Outside strings valid JSON is ASCII, and inside them an escape may stand for any character.
  size_t start = 0;
  for (size_t i = 0; i < json.size();) {
    if (static_cast<unsigned char>(json[i]) < 0x80) {
      ++i;
      continue;
    }
    out->append(json, start, i - start);
    i += AppendCodePoint(json.data() + i, out);
    start = i;
  }
  out->append(json, start, json.size() - start);
}

}  // namespace opsmesh::gateway
