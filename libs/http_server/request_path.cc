#include <string>
#include <string_view>

#include "libs/base/strings.h"
#include "libs/http_server/request_parser.h"

namespace opsmesh::http_server {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "%2e" after one decoding means somebody encoded twice to get past a check like ours.
bool HasEscape(std::string_view s) {
  for (size_t i = s.find('%'); i != std::string_view::npos; i = s.find('%', i + 1)) {
    if (i + 2 < s.size() && HexValue(s[i + 1]) >= 0 && HexValue(s[i + 2]) >= 0) return true;
  }
  return false;
}

bool HasDotSegment(std::string_view path) {
  size_t start = 1;
  while (start <= path.size()) {
    size_t end = path.find('/', start);
    if (end == std::string_view::npos) end = path.size();
    const std::string_view segment = path.substr(start, end - start);
    if (segment == "." || segment == "..") return true;
    start = end + 1;
  }
  return false;
}

}  // namespace

bool DecodePath(std::string_view raw, std::string* path) {
  path->clear();
  path->reserve(raw.size());
  bool decoded = false;
  bool ascii = true;
  bool dots = false;
  for (size_t i = 0; i < raw.size(); ++i) {
    auto c = static_cast<unsigned char>(raw[i]);
    if (c == '%') {
      const int high = i + 2 < raw.size() ? HexValue(raw[i + 1]) : -1;
      const int low = i + 2 < raw.size() ? HexValue(raw[i + 2]) : -1;
      if (high < 0 || low < 0) return false;
      c = static_cast<unsigned char>(high * 16 + low);
      i += 2;
      decoded = true;
      if (c == '/') return false;
    }
    if (c < 0x20 || c == 0x7f || c == '\\') return false;
    if (c >= 0x80) ascii = false;
    if (c == '.') dots = true;
    path->push_back(static_cast<char>(c));
  }
  if (path->empty() || path->front() != '/') return false;
  if (decoded && HasEscape(*path)) return false;
  if (dots && HasDotSegment(*path)) return false;
  return ascii || base::IsValidUtf8(*path);
}

}  // namespace opsmesh::http_server
