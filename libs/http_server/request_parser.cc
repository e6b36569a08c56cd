#include "libs/http_server/request_parser.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "libs/base/strings.h"

namespace opsmesh::http_server {
namespace {

constexpr size_t kMaxChunkExtension = 256;  // bytes, design T14
constexpr size_t kMaxChunkDigits = 16;

using CharTable = std::array<bool, 256>;

constexpr CharTable MakeTokenTable() {
  CharTable table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'}) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}

// Field values: visible characters, space, tab, and obs-text. Every other control character is refused.
constexpr CharTable MakeValueTable() {
  CharTable table{};
  for (int c = 0x20; c < 0x100; ++c) table[c] = c != 0x7f;
  table['\t'] = true;
  return table;
}

// Request targets: visible ASCII but "#", and bytes of UTF-8 (checked as a whole later). Wider than RFC 3986 on purpose:
// people type `{`, `"` and Chinese into curl, and none of those can be taken for a delimiter.
constexpr CharTable MakeTargetTable() {
  CharTable table{};
  for (int c = 0x21; c < 0x100; ++c) table[c] = c != 0x7f && c != '#';
  return table;
}

constexpr CharTable kToken = MakeTokenTable();
constexpr CharTable kValue = MakeValueTable();
constexpr CharTable kTarget = MakeTargetTable();

bool All(std::string_view s, const CharTable& table) {
  for (const char c : s) {
    if (!table[static_cast<unsigned char>(c)]) return false;
  }
  return true;
}

std::string_view TrimOws(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

bool Is(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() && base::EqualsIgnoreAsciiCase(name, lower);
}

bool IsServedMethod(std::string_view m) {
  return m == "GET" || m == "POST" || m == "HEAD" || m == "PUT" || m == "PATCH" || m == "DELETE" || m == "OPTIONS";
}

// uri-host [":" port] of RFC 3986, without percent escapes and user names.
bool IsHost(std::string_view s) {
  if (s.empty()) return false;
  if (s.front() == '[') {
    const size_t end = s.find(']');
    if (end == std::string_view::npos || end < 3) return false;
    for (const char c : s.substr(1, end - 1)) {
      if (c != ':' && c != '.' && !isxdigit(static_cast<unsigned char>(c))) return false;
    }
    s.remove_prefix(end + 1);
  } else {
    const size_t end = std::min(s.find(':'), s.size());
    if (end == 0) return false;
    for (const char c : s.substr(0, end)) {
      if (!isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.' && c != '_' && c != '~') return false;
    }
    s.remove_prefix(end);
  }
  if (s.empty()) return true;
  if (s.front() != ':' || s.size() > 6) return false;
  return std::all_of(s.begin() + 1, s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Fields that would change framing, routing or identity must not come after the body (RFC 9110 6.5.1).
bool IsForbiddenInTrailer(std::string_view name) {
  static constexpr std::string_view kNames[] = {"content-length", "transfer-encoding", "host",          "connection",
                                                "expect",         "authorization",     "cookie",        "te",
                                                "trailer",        "upgrade",           "proxy-authorization"};
  return std::any_of(std::begin(kNames), std::end(kNames), [&](auto forbidden) { return Is(name, forbidden); });
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

// *( ";" name [ "=" ( token / quoted-string ) ] ), without the "bad white space" the RFC lets recipients refuse.
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

void RequestParser::Reset(Request* request) {
  *this = RequestParser(limits_);
  request_ = request;
}

RequestParser::Result RequestParser::Fail(int status, std::string_view reason, std::string_view message) {
  error_ = {status, reason, message};
  phase_ = Phase::kError;
  return Result::kError;
}

RequestParser::Result RequestParser::Consume(std::string_view data, size_t* consumed) {
  *consumed = 0;
  if (phase_ == Phase::kError) return Result::kError;
  if (phase_ <= Phase::kFields) return ConsumeHead(data, consumed);
  return ConsumeBody(data, consumed);
}

// The next line of `data` without its CRLF. False when it is not complete (phase unchanged) or ends with a bare LF.
bool RequestParser::TakeLine(std::string_view data, size_t* consumed, std::string_view* line) {
  const std::string_view rest = data.substr(*consumed);
  const void* end = memchr(rest.data(), '\n', rest.size());
  if (end == nullptr) return false;
  *line = rest.substr(0, static_cast<const char*>(end) - rest.data());
  if (line->empty() || line->back() != '\r') {
    Fail(400, "BARE_LINE_FEED", "A line ends with LF alone; every line must end with CRLF.");
    return false;
  }
  line->remove_suffix(1);
  if (line->find('\r') != std::string_view::npos) {
    Fail(400, "BARE_CARRIAGE_RETURN", "A line holds a CR without LF; every line must end with CRLF.");
    return false;
  }
  *consumed += line->size() + 2;
  return true;
}

// Limits hold before a line is complete too: nobody may make us keep more than a head.
bool RequestParser::CheckPending(std::string_view pending) {
  if (phase_ == Phase::kRequestLine) {
    const char first = pending.empty() ? 'A' : pending.front();
    if ((first < 'A' || first > 'Z') && first != '\r') {
      Fail(400, "MALFORMED_REQUEST_LINE", "The request line must start with an upper-case method.");
      return false;
    }
    if (pending.size() > limits_.max_target_bytes + 32) {
      Fail(414, "TARGET_TOO_LONG", "The request target is longer than this server reads.");
      return false;
    }
  }
  if (const size_t cr = pending.find('\r'); cr != std::string_view::npos && cr + 1 < pending.size()) {
    Fail(400, "BARE_CARRIAGE_RETURN", "A line holds a CR without LF; every line must end with CRLF.");
    return false;
  }
  if (head_bytes_ + pending.size() > limits_.max_header_bytes) {
    Fail(431, "HEADER_TOO_LARGE", "The header section is larger than this server reads.");
    return false;
  }
  return true;
}

RequestParser::Result RequestParser::ConsumeHead(std::string_view data, size_t* consumed) {
  std::string_view line;
  while (TakeLine(data, consumed, &line)) {
    if (phase_ == Phase::kRequestLine) {
      if (line.empty() && !skipped_empty_line_) {  // RFC 9112 2.2: one empty line before a request is forgiven
        skipped_empty_line_ = true;
        continue;
      }
      if (!CheckPending(line) || !ParseRequestLine(line)) return Result::kError;
      head_bytes_ = line.size() + 2;
      phase_ = Phase::kFields;
      continue;
    }
    if (!CheckPending(line)) return Result::kError;
    head_bytes_ += line.size() + 2;
    if (line.empty()) return FinishHead() ? Result::kHeadDone : Result::kError;
    if (!ParseField(line)) return Result::kError;
  }
  if (phase_ == Phase::kError || !CheckPending(data.substr(*consumed))) return Result::kError;
  return Result::kNeedMore;
}

bool RequestParser::ParseRequestLine(std::string_view line) {
  const size_t method_end = line.find(' ');
  const size_t target_end = method_end == std::string_view::npos ? method_end : line.find(' ', method_end + 1);
  if (target_end == std::string_view::npos) {
    Fail(400, "MALFORMED_REQUEST_LINE", "The request line must be: method, space, target, space, HTTP version.");
    return false;
  }
  const std::string_view method = line.substr(0, method_end);
  const std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
  const std::string_view version = line.substr(target_end + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    Fail(400, "UNSUPPORTED_VERSION", "This server speaks HTTP/1.1 and HTTP/1.0.");
    return false;
  }
  http_1_0_ = version.back() == '0';
  if (!IsServedMethod(method)) {
    const bool token = !method.empty() && All(method, kToken);
    Fail(token ? 405 : 400, "METHOD_NOT_ALLOWED",
         "The method must be one of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS, in upper case.");
    return false;
  }
  request_->method = method;
  request_->headers.Reserve(8);  // most requests have fewer; one allocation instead of four
  return ParseTarget(target);
}

bool RequestParser::ParseTarget(std::string_view target) {
  if (target.size() > limits_.max_target_bytes) {
    Fail(414, "TARGET_TOO_LONG", "The request target is longer than this server reads.");
    return false;
  }
  if (target.empty() || target.front() != '/' || !All(target, kTarget)) {
    Fail(400, "MALFORMED_TARGET", "The request target must be a path that starts with '/', without control characters.");
    return false;
  }
  const size_t question = std::min(target.find('?'), target.size());
  request_->raw_path = target.substr(0, question);
  if (question < target.size()) request_->raw_query = target.substr(question + 1);
  if (!DecodePath(request_->raw_path, &request_->path) || !base::IsValidUtf8(request_->raw_query)) {
    Fail(400, "FORBIDDEN_PATH",
         "The path is refused: broken or double escapes, '..', '\\', an encoded '/', control characters or bad UTF-8.");
    return false;
  }
  return true;
}

bool RequestParser::ParseField(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {
    Fail(400, "OBSOLETE_LINE_FOLDING", "Header fields must not be folded over several lines.");
    return false;
  }
  const size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos || !All(line.substr(0, colon), kToken)) {
    Fail(400, "MALFORMED_HEADER", "A header line must be: name, colon, value; no space before the colon.");
    return false;
  }
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = TrimOws(line.substr(colon + 1));
  if (!All(value, kValue)) {
    Fail(400, "MALFORMED_HEADER", "A header value holds a control character.");
    return false;
  }
  if (++fields_ > limits_.max_header_fields) {
    Fail(431, "TOO_MANY_HEADERS", "The request has more header fields than this server reads.");
    return false;
  }
  if (!ParseFraming(name, value)) return false;
  request_->headers.Add(std::string(name), std::string(value));
  return true;
}

// The fields that decide where this request ends and whom it is for.
bool RequestParser::ParseFraming(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 4:
      if (!Is(name, "host")) return true;
      ++hosts_;
      if (hosts_ == 1 && IsHost(value)) return true;
      Fail(400, "MALFORMED_HOST", "The request must have exactly one Host header with a host and an optional port.");
      return false;
    case 6:
      if (!Is(name, "expect")) return true;
      if (Is(value, "100-continue")) {
        expects_continue_ = true;
        return true;
      }
      Fail(417, "EXPECTATION_FAILED", "The only expectation this server meets is 100-continue.");
      return false;
    case 10:
      if (!Is(name, "connection")) return true;
      for (const std::string_view part : base::Split(value, ',')) {
        if (Is(TrimOws(part), "close")) close_asked_ = true;
        if (Is(TrimOws(part), "keep-alive")) keep_alive_asked_ = true;
      }
      return true;
    case 14:
      return !Is(name, "content-length") || ParseContentLength(value);
    case 17:
      if (!Is(name, "transfer-encoding")) return true;
      if (!chunked_ && Is(value, "chunked")) {
        chunked_ = true;
        return true;
      }
      Fail(400, "UNSUPPORTED_TRANSFER_ENCODING", "Transfer-Encoding must be exactly 'chunked', once.");
      return false;
    default:
      return true;
  }
}

bool RequestParser::ParseContentLength(std::string_view value) {
  uint64_t length = 0;
  bool good = !value.empty() && value.size() <= 18;  // 18 digits cannot overflow, and no body is that large
  for (const char c : value) {
    good = good && c >= '0' && c <= '9';
    if (good) length = length * 10 + static_cast<uint64_t>(c - '0');
  }
  if (!good || (has_length_ && length != content_length_)) {
    Fail(400, "MALFORMED_CONTENT_LENGTH", "Content-Length must be one decimal number.");
    return false;
  }
  has_length_ = true;
  content_length_ = length;
  return true;
}

bool RequestParser::FinishHead() {
  if (hosts_ != 1) {
    Fail(400, "MALFORMED_HOST", "The request must have exactly one Host header with a host and an optional port.");
    return false;
  }
  if (chunked_ && (http_1_0_ || has_length_)) {
    Fail(400, "CONFLICTING_LENGTH", "Transfer-Encoding must not come with Content-Length or in HTTP/1.0.");
    return false;
  }
  if (http_1_0_) expects_continue_ = false;  // RFC 9110 10.1.1: ignored there
  keep_alive_ = !close_asked_ && (!http_1_0_ || keep_alive_asked_);
  phase_ = Phase::kHeadDone;
  return true;
}

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
  const bool good = colon != 0 && colon != std::string_view::npos && All(line.substr(0, colon), kToken) &&
                    All(line.substr(colon + 1), kValue) && !IsForbiddenInTrailer(line.substr(0, colon)) &&
                    ++fields_ <= limits_.max_header_fields;
  if (!good) Fail(400, "MALFORMED_TRAILER", "A trailer field is malformed or not allowed after a body.");
  return good;
}

}  // namespace opsmesh::http_server
