#include "libs/http_server/request_parser.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "libs/base/strings.h"
#include "libs/http_server/http_chars.h"

namespace opsmesh::http_server {
namespace {

bool IsServedMethod(std::string_view m) {
  return m == "GET" || m == "POST" || m == "HEAD" || m == "PUT" || m == "PATCH" || m == "DELETE" ||
         m == "OPTIONS";
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
      if (!isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.' && c != '_' && c != '~')
        return false;
    }
    s.remove_prefix(end);
  }
  if (s.empty()) return true;
  if (s.front() != ':' || s.size() > 6) return false;
  return std::all_of(s.begin() + 1, s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

void RequestParser::Reset(Request* request) {
  *this = RequestParser(limits_);
  request_ = request;
}

RequestParser::Result RequestParser::Fail(int status, std::string_view reason,
                                          std::string_view message) {
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

// The next line of `data` without its CRLF. False when it is not complete (phase unchanged) or ends
// with a bare LF.
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
    Fail(400, "BARE_CARRIAGE_RETURN",
         "A line holds a CR without LF; every line must end with CRLF.");
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
  if (const size_t cr = pending.find('\r');
      cr != std::string_view::npos && cr + 1 < pending.size()) {
    Fail(400, "BARE_CARRIAGE_RETURN",
         "A line holds a CR without LF; every line must end with CRLF.");
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
      if (line.empty() &&
          !skipped_empty_line_) {  // RFC 9112 2.2: one empty line before a request is forgiven
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
  const size_t target_end =
      method_end == std::string_view::npos ? method_end : line.find(' ', method_end + 1);
  if (target_end == std::string_view::npos) {
    Fail(400, "MALFORMED_REQUEST_LINE",
         "The request line must be: method, space, target, space, HTTP version.");
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
         "The method must be one of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS, in upper "
         "case.");
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
    Fail(400, "MALFORMED_TARGET",
         "The request target must be a path that starts with '/', without control characters.");
    return false;
  }
  const size_t question = std::min(target.find('?'), target.size());
  request_->raw_path = target.substr(0, question);
  if (question < target.size()) request_->raw_query = target.substr(question + 1);
  if (!DecodePath(request_->raw_path, &request_->path) || !base::IsValidUtf8(request_->raw_query)) {
    Fail(400, "FORBIDDEN_PATH",
         "The path is refused: broken or double escapes, '..', '\\', an encoded '/', control "
         "characters or bad UTF-8.");
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
    Fail(400, "MALFORMED_HEADER",
         "A header line must be: name, colon, value; no space before the colon.");
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
      Fail(400, "MALFORMED_HOST",
           "The request must have exactly one Host header with a host and an optional port.");
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
      Fail(400, "UNSUPPORTED_TRANSFER_ENCODING",
           "Transfer-Encoding must be exactly 'chunked', once.");
      return false;
    default:
      return true;
  }
}

bool RequestParser::ParseContentLength(std::string_view value) {
  uint64_t length = 0;
  bool good =
      !value.empty() && value.size() <= 18;  // 18 digits cannot overflow, and no body is that large
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
    Fail(400, "MALFORMED_HOST",
         "The request must have exactly one Host header with a host and an optional port.");
    return false;
  }
  if (chunked_ && (http_1_0_ || has_length_)) {
    Fail(400, "CONFLICTING_LENGTH",
         "Transfer-Encoding must not come with Content-Length or in HTTP/1.0.");
    return false;
  }
  if (http_1_0_) expects_continue_ = false;  // RFC 9110 10.1.1: ignored there
  keep_alive_ = !close_asked_ && (!http_1_0_ || keep_alive_asked_);
  phase_ = Phase::kHeadDone;
  return true;
}

}  // namespace opsmesh::http_server
