// How JsonRef steps over compact, valid JSON. Every step is bounded by the end of the text all the
// same.
#pragma once

#include <cstring>

#include "libs/kube/json_ref.h"

namespace opsmesh::kube {

struct JsonWalk {
  /// The closing quote of the string whose first byte after the opening one is `at`; `end` when
  /// there is none.
  static const char* StringEnd(const char* at, const char* end) {
    while (at < end) {
      const char* quote =
          static_cast<const char*>(std::memchr(at, '"', static_cast<size_t>(end - at)));
      if (quote == nullptr) return end;
      const char* slash = quote;
      while (slash > at && slash[-1] == '\\') --slash;
      if ((quote - slash) % 2 == 0) return quote;
      at = quote + 1;
    }
    return end;
  }

  /// One past the value that begins at `at`.
  static const char* Skip(const char* at, const char* end) {
    int depth = 0;
    while (at < end) {
      switch (*at) {
        case '"':
          at = StringEnd(at + 1, end);
          if (at < end) ++at;
          if (depth == 0) return at;
          break;
        case '{':
        case '[':
          ++depth;
          ++at;
          break;
        case '}':
        case ']':
          if (depth == 0) return at;  // end of the container around a scalar
          ++at;
          if (--depth == 0) return at;
          break;
        case ',':
          if (depth == 0) return at;
          ++at;
          break;
        default:
          ++at;
      }
    }
    return end;
  }
};

template <typename F>
void JsonRef::WalkMembers(F visit) const {
  if (type() != Type::kObject) return;
  const char* at = begin_ + 1;
  while (at < end_ && *at == '"') {
    const char* const key = at + 1;
    const char* const key_end = JsonWalk::StringEnd(key, end_);
    if (end_ - key_end < 3) return;  // '":' and a value
    const JsonRef value(key_end + 2, end_);
    if (!visit(std::string_view(key, static_cast<size_t>(key_end - key)), value)) return;
    at = JsonWalk::Skip(key_end + 2, end_);
    if (at >= end_ || *at != ',') return;
    ++at;
  }
}

template <typename F>
void JsonRef::WalkElements(F visit) const {
  if (type() != Type::kArray) return;
  const char* at = begin_ + 1;
  while (at < end_ && *at != ']') {
    if (!visit(JsonRef(at, end_))) return;
    at = JsonWalk::Skip(at, end_);
    if (at >= end_ || *at != ',') return;
    ++at;
  }
}

}  // namespace opsmesh::kube
