#include "libs/base/json_string.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "libs/base/strings.h"

namespace opsmesh::base {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// What a byte is to the copying loop; the values are bits, so that a mask says what ends a run.
constexpr uint8_t kEscaped = 1;
constexpr uint8_t kNotAscii = 2;

constexpr std::array<uint8_t, 256> MakeClasses() {
  std::array<uint8_t, 256> classes{};
  for (size_t c = 0; c < 0x20; ++c) classes[c] = kEscaped;
  classes['"'] = classes['\\'] = classes[0x7f] = kEscaped;
  for (size_t c = 0x80; c < 0x100; ++c) classes[c] = kNotAscii;
  return classes;
}
constexpr std::array<uint8_t, 256> kClasses = MakeClasses();

constexpr uint64_t EachByte(uint8_t value) { return 0x0101010101010101u * value; }

// The high bit of some byte is set when one of the eight bytes has to be escaped. (A borrow can
// mark a byte too many, never one too few, and only behind a true one.)
constexpr uint64_t EscapedAmong(uint64_t bytes) {
  const auto equal = [bytes](uint8_t value) {
    const uint64_t difference = bytes ^ EachByte(value);
    return (difference - EachByte(1)) & ~difference;
  };
  const uint64_t control = (bytes - EachByte(0x20)) & ~bytes;
  return (control | equal('"') | equal('\\') | equal(0x7f)) & EachByte(0x80);
}

// Where the run of plain bytes that starts at `i` ends; `stop` are the classes that end it.
size_t EndOfRun(std::string_view text, size_t i, uint8_t stop) {
  const uint64_t not_ascii = (stop & kNotAscii) != 0 ? EachByte(0x80) : 0;
  for (uint64_t bytes; i + sizeof(bytes) <= text.size(); i += sizeof(bytes)) {
    std::memcpy(&bytes, text.data() + i, sizeof(bytes));
    if ((EscapedAmong(bytes) | (bytes & not_ascii)) != 0) break;
  }
  while (i < text.size() && (kClasses[static_cast<unsigned char>(text[i])] & stop) == 0) ++i;
  return i;
}

void AppendUnicodeEscape(uint32_t unit, std::string* out) {
  const char escape[6] = {
      '\\',           'u', kHex[unit >> 12 & 15], kHex[unit >> 8 & 15], kHex[unit >> 4 & 15],
      kHex[unit & 15]};
  out->append(escape, sizeof(escape));
}

void AppendEscape(char c, std::string* out) {
  constexpr std::string_view kShort = "\"\\\n\r\t\b\f";
  constexpr std::string_view kLetter = "\"\\nrtbf";
  const size_t at = kShort.find(c);
  if (at == std::string_view::npos) {
    AppendUnicodeEscape(static_cast<unsigned char>(c), out);
    return;
  }
  out->push_back('\\');
  out->push_back(kLetter[at]);
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

// Copies runs, escapes the bytes of the classes `stop`. `text` is well-formed UTF-8.
void AppendEscaped(std::string_view text, uint8_t stop, std::string* out) {
  for (size_t i = 0; i < text.size();) {
    const size_t end = EndOfRun(text, i, stop);
    out->append(text, i, end - i);
    i = end;
    if (i == text.size()) return;
    if (static_cast<unsigned char>(text[i]) >= 0x80) {
      i += AppendCodePoint(text.data() + i, out);
    } else {
      AppendEscape(text[i++], out);
    }
  }
}

}  // namespace

void AppendJsonString(std::string_view text, std::string* out, JsonCharset charset) {
  const uint8_t stop = charset == JsonCharset::kAscii ? kEscaped | kNotAscii : kEscaped;
  out->push_back('"');
  if (IsValidUtf8(text)) {
    AppendEscaped(text, stop, out);
  } else {
    AppendEscaped(SanitizeUtf8(text), stop, out);
  }
  out->push_back('"');
}

std::string JsonString(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  AppendJsonString(text, &out);
  return out;
}

void AppendJsonAsAscii(std::string_view json, std::string* out) {
  AppendEscaped(json, kNotAscii, out);
}

}  // namespace opsmesh::base
