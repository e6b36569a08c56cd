// Text out of JSON strings.
#include <cstdint>

#include "libs/kube/json_compact.h"

namespace opsmesh::kube {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    *out += static_cast<char>(code);
  } else if (code < 0x800) {
    *out += static_cast<char>(0xc0 | (code >> 6));
    *out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *out += static_cast<char>(0xe0 | (code >> 12));
    *out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    *out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    *out += static_cast<char>(0xf0 | (code >> 18));
    *out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    *out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    *out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

uint32_t Hex4(std::string_view raw, size_t at) {
  uint32_t code = 0;
  for (size_t i = at; i < at + 4 && i < raw.size(); ++i) {
    const int digit = HexDigit(raw[i]);
    code = code * 16 + static_cast<uint32_t>(digit < 0 ? 0 : digit);
  }
  return code;
}

}  // namespace

void UnescapeJson(std::string_view raw, std::string* out) {
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 >= raw.size()) {
      *out += raw[i];
      continue;
    }
    switch (raw[++i]) {
      case 'n':
        *out += '\n';
        break;
      case 't':
        *out += '\t';
        break;
      case 'r':
        *out += '\r';
        break;
      case 'b':
        *out += '\b';
        break;
      case 'f':
        *out += '\f';
        break;
      case 'u': {
        uint32_t code = Hex4(raw, i + 1);
        i += 4;
        if (code >= 0xd800 && code < 0xdc00 && i + 6 < raw.size() + 0 && raw[i + 1] == '\\' &&
            raw[i + 2] == 'u') {
          const uint32_t low = Hex4(raw, i + 3);
          if (low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            i += 6;
          }
        }
        if (code >= 0xd800 && code < 0xe000) code = 0xfffd;
        AppendUtf8(code, out);
        break;
      }
      default:
        *out += raw[i];
    }
  }
}

}  // namespace opsmesh::kube
