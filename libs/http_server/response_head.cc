#include "libs/http_server/response_head.h"

#include <charconv>
#include <ctime>
#include <string>

#include "libs/base/strings.h"

namespace opsmesh::http_server {
namespace {

void AppendNumber(uint64_t value, std::string* out) {
  char digits[24];
  out->append(digits, std::to_chars(digits, digits + sizeof(digits), value).ptr);
}

// "Sun, 06 Nov 1994 08:49:37 GMT", written once a second a thread.
std::string_view HttpDate(const base::Clock& clock) {
  thread_local time_t shown = -1;
  thread_local char text[48];
  const time_t now = absl::ToTimeT(clock.Now());
  if (now != shown) {
    static constexpr char kDays[] = "SunMonTueWedThuFriSat";
    static constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    tm utc{};
    gmtime_r(&now, &utc);
    snprintf(text, sizeof(text), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", kDays + 3 * utc.tm_wday,
             utc.tm_mday % 100, kMonths + 3 * utc.tm_mon, (utc.tm_year + 1900) % 10000,
             utc.tm_hour % 100, utc.tm_min % 100, utc.tm_sec % 100);
    shown = now;
  }
  return {text, 29};
}

bool IsOurs(std::string_view name, bool has_server) {
  const auto is = [&](std::string_view other) { return base::EqualsIgnoreAsciiCase(name, other); };
  switch (name.size()) {
    case 4:
      return is("date");
    case 6:
      return has_server && is("server");
    case 10:
      return is("connection") || is("keep-alive");
    case 14:
      return is("content-length");
    case 17:
      return is("transfer-encoding");
    default:
      return name.empty();
  }
}

void AppendValue(std::string_view value, std::string* out) {
  const size_t start = out->size();
  out->append(value);
  for (size_t i = start; i < out->size(); ++i) {
    char& c = (*out)[i];
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  }
}

}  // namespace

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 499:
      return "Client Closed Request";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

void AppendHead(const HeadSpec& spec, const base::Clock& clock, std::string* out) {
  out->append("HTTP/1.1 ");
  AppendNumber(static_cast<uint64_t>(spec.status), out);
  out->push_back(' ');
  out->append(ReasonPhrase(spec.status));
  out->append("\r\nDate: ");
  out->append(HttpDate(clock));
  if (!spec.server_name.empty()) {
    out->append("\r\nServer: ");
    out->append(spec.server_name);
  }
  if (spec.framing == Framing::kLength) {
    out->append("\r\nContent-Length: ");
    AppendNumber(spec.length, out);
  } else if (spec.framing == Framing::kChunked) {
    out->append("\r\nTransfer-Encoding: chunked");
  }
  if (spec.status == 101) {
    out->append("\r\nConnection: Upgrade");
  } else if (!spec.keep_alive) {
    out->append("\r\nConnection: close");
  } else if (spec.http_1_0) {
    out->append("\r\nConnection: keep-alive");
  }
  out->append("\r\n");
  if (spec.headers != nullptr) {
    for (const auto& [name, value] : spec.headers->fields()) {
      if (IsOurs(name, !spec.server_name.empty())) continue;
      AppendValue(name, out);
      out->append(": ");
      AppendValue(value, out);
      out->append("\r\n");
    }
  }
  out->append("\r\n");
}

}  // namespace opsmesh::http_server
