// The part of RequestParser that reads bodies: fixed, chunked, and the trailers behind chunks.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "libs/http_server/http_chars.h"
#include "libs/http_server/request_parser.h"

namespace opsmesh::http_server {
namespace {

constexpr size_t kMaxChunkExtension = 256;  // bytes, design T14
constexpr size_t kMaxChunkDigits = 16;

// Fields that would change framing, routing or identity must not come after the body (RFC
// 9110 6.5.1).
bool IsForbiddenInTrailer(std::string_view name) {
  static constexpr std::string_view kNames[] = {"content-length",
                                                "transfer-encoding",
                                                "host",
                                                "connection",
                                                "expect",
                                                "authorization",
                                                "cookie",
                                                "te",
                                                "trailer",
                                                "upgrade",
                                                "proxy-authorization"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [&](auto forbidden) { return Is(name, forbidden); });
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A quoted-string at the start of `s`; its length, or 0 when there is none.
size_t QuotedStringLength(std::string_view s) {
  if (s.empty() || s.front() != '"') return 0;
  for (size_t i = 1; i < s.size(); ++i) {
    if (s[i] == '"') return i + 1;
    if (s[i] == '\\' && ++i == s.size()) return 0;
    if (!kValue[static_cast<unsigned char>(s[i])]) return 0;
  }
  return 0;
}

size_t TokenLength(std::string_view s) {
  size_t n = 0;
  while (n < s.size() && kToken[static_cast<unsigned char>(s[n])]) ++n;
  return n;
}

// *( ";" name [ "=" ( token / quoted-string ) ] ), without the "bad white space" the RFC lets
// recipients refuse.
bool IsChunkExtension(std::string_view s) {
  while (!s.empty()) {
    if (s.front() != ';') return false;
    s.remove_prefix(1);
    const size_t name = TokenLength(s);
    if (name == 0) return false;
    s.remove_prefix(name);
    if (s.empty() || s.front() != '=') continue;
    s.remove_prefix(1);
    const size_t value = std::max(TokenLength(s), QuotedStringLength(s));
    if (value == 0) return false;
    s.remove_prefix(value);
  }
  return true;
}

}  // namespace

RequestParser::Result RequestParser::SetMaxBody(size_t bytes) {
  max_body_ = bytes;
  if (content_length_ > max_body_) {
    return Fail(413, "BODY_TOO_LARGE", "The request body is larger than this route accepts.");
  }
  remaining_ = content_length_;
  phase_ = chunked_ ? Phase::kChunkSize : Phase::kFixedBody;
  return Result::kNeedMore;
}

RequestParser::Result RequestParser::ConsumeBody(std::string_view data, size_t* consumed) {
  while (true) {
    switch (phase_) {
      case Phase::kFixedBody:
        ConsumeBytes(data, consumed, Phase::kDone);
        if (phase_ == Phase::kFixedBody) return Result::kNeedMore;
        break;
      case Phase::kChunkSize:
        if (!ConsumeChunkSize(data, consumed)) {
          return phase_ == Phase::kError ? Result::kError : Result::kNeedMore;
        }
        break;
      case Phase::kChunkData:
        ConsumeBytes(data, consumed, Phase::kChunkEnd);
        if (phase_ == Phase::kChunkData) return Result::kNeedMore;
        break;
      case Phase::kChunkEnd:
        if (!ConsumeChunkEnd(data, consumed)) {
          return phase_ == Phase::kError ? Result::kError : Result::kNeedMore;
        }
        break;
      case Phase::kTrailers:
        return ConsumeTrailers(data, consumed);
      case Phase::kDone:
        return Result::kDone;
      default:
        return Fail(400, "MALFORMED_REQUEST", "The request could not be read.");
    }
  }
}

void RequestParser::ConsumeBytes(std::string_view data, size_t* consumed, Phase after) {
  const size_t take = std::min<uint64_t>(remaining_, data.size() - *consumed);
  request_->body.append(data.data() + *consumed, take);
  *consumed += take;
  remaining_ -= take;
  if (remaining_ == 0) phase_ = after;
}

bool RequestParser::ConsumeChunkSize(std::string_view data, size_t* consumed) {
  constexpr size_t kMaxLine = kMaxChunkDigits + kMaxChunkExtension + 1;
  std::string_view line;
  const size_t pending = data.size() - *consumed;
  if (!TakeLine(data, consumed, &line)) {
    if (phase_ != Phase::kError && pending > kMaxLine) {
      Fail(400, "MALFORMED_CHUNK", "A chunk's first line is longer than this server reads.");
    }
    return false;
  }
  return ParseChunkSizeLine(line);
}

bool RequestParser::ParseChunkSizeLine(std::string_view line) {
  uint64_t size = 0;
  size_t digits = 0;
  while (digits < line.size() && HexDigit(line[digits]) >= 0 && digits <= kMaxChunkDigits) {
    size = size * 16 + static_cast<uint64_t>(HexDigit(line[digits++]));
  }
  const std::string_view extension = line.substr(digits);
  extension_bytes_ += extension.size();
  if (digits == 0 || digits > kMaxChunkDigits || extension.size() > kMaxChunkExtension ||
      extension_bytes_ > limits_.max_header_bytes || !IsChunkExtension(extension)) {
    Fail(400, "MALFORMED_CHUNK", "A chunk must begin with its size in hexadecimal digits.");
    return false;
  }
  if (size > max_body_ - request_->body.size()) {
    Fail(413, "BODY_TOO_LARGE", "The request body is larger than this route accepts.");
    return false;
  }
  remaining_ = size;
  phase_ = size == 0 ? Phase::kTrailers : Phase::kChunkData;
  head_bytes_ = 0;
  return true;
}

bool RequestParser::ConsumeChunkEnd(std::string_view data, size_t* consumed) {
  const std::string_view rest = data.substr(*consumed);
  if ((!rest.empty() && rest[0] != '\r') || (rest.size() > 1 && rest[1] != '\n')) {
    Fail(400, "MALFORMED_CHUNK", "The data of a chunk must be followed by CRLF.");
    return false;
  }
  if (rest.size() < 2) return false;
  *consumed += 2;
  phase_ = Phase::kChunkSize;
  return true;
}

RequestParser::Result RequestParser::ConsumeTrailers(std::string_view data, size_t* consumed) {
  std::string_view line;
  while (TakeLine(data, consumed, &line)) {
    if (line.empty()) {
      phase_ = Phase::kDone;
      return Result::kDone;
    }
    if (!CheckPending(line) || !ParseTrailer(line)) return Result::kError;
    head_bytes_ += line.size() + 2;
  }
  if (phase_ == Phase::kError || !CheckPending(data.substr(*consumed))) return Result::kError;
  return Result::kNeedMore;
}

// Trailers are checked like header fields and then dropped: nothing in OpsMesh reads one.
bool RequestParser::ParseTrailer(std::string_view line) {
  const size_t colon = line.find(':');
  const bool good = colon != 0 && colon != std::string_view::npos &&
                    All(line.substr(0, colon), kToken) && All(line.substr(colon + 1), kValue) &&
                    !IsForbiddenInTrailer(line.substr(0, colon)) &&
                    ++fields_ <= limits_.max_header_fields;
  if (!good)
    Fail(400, "MALFORMED_TRAILER", "A trailer field is malformed or not allowed after a body.");
  return good;
}

}  // namespace opsmesh::http_server
