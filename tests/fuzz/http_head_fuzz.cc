// Fuzzes the request parser: no crash, no verdict that depends on how the bytes are cut, and no
// accepted request that breaks what libs/http_server/http_server.h promises of a Request.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libs/base/strings.h"
#include "libs/http_server/request_parser.h"

namespace {

using opsmesh::http_server::Request;
using opsmesh::http_server::RequestParser;

constexpr size_t kMaxBody = 4096;

void Require(bool promise, const char* what) {
  if (promise) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

void CheckPath(const std::string& path) {
  Require(!path.empty() && path.front() == '/', "a path starts with '/'");
  Require(opsmesh::base::IsValidUtf8(path), "a path is well-formed UTF-8");
  for (const char c : path) {
    Require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f && c != '\\',
            "a path has no control character or '\\'");
  }
  const std::string framed = path + "/";
  Require(framed.find("/../") == std::string::npos && framed.find("/./") == std::string::npos,
          "no dot segments");
}

void CheckAccepted(const Request& request, const RequestParser& parser) {
  CheckPath(request.path);
  Require(request.body.size() <= kMaxBody, "the body keeps its limit");
  Require(request.headers.fields().size() <= 100, "the number of fields keeps its limit");
  Require(!request.headers.Get("Host").empty(), "there is a Host");
  Require(!(request.headers.Has("Content-Length") && request.headers.Has("Transfer-Encoding")),
          "one kind of length");
  for (const auto& [name, value] : request.headers.fields()) {
    Require(!name.empty() && name.find_first_of(" \t\r\n:") == std::string::npos,
            "a field name is a token");
    Require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
            "a value has no line end or NUL");
  }
  Require(parser.error().status == 0, "no error with an accepted request");
}

// What came of the bytes, when they come in pieces of `piece` bytes.
std::string Outcome(std::string_view bytes, size_t piece) {
  std::string outcome;
  std::string buffer;
  Request request;
  RequestParser parser(RequestParser::HeadLimits{});
  parser.Reset(&request);
  while (!bytes.empty()) {
    const std::string_view next = bytes.substr(0, piece);
    bytes.remove_prefix(next.size());
    buffer += next;
    while (true) {
      size_t used = 0;
      const auto result = parser.Consume(buffer, &used);
      Require(used <= buffer.size(), "no more is consumed than there is");
      buffer.erase(0, used);
      if (result == RequestParser::Result::kNeedMore) break;
      if (result == RequestParser::Result::kHeadDone &&
          parser.SetMaxBody(kMaxBody) != RequestParser::Result::kError) {
        continue;
      }
      if (result == RequestParser::Result::kDone) {
        CheckAccepted(request, parser);
        outcome += request.method + " " + request.raw_path + " " + request.body + "\n";
        request = {};
        parser.Reset(&request);
        continue;
      }
      Require(parser.error().status >= 400 && parser.error().status < 500, "a refusal is a 4xx");
      return outcome + std::to_string(parser.error().status);
    }
    Require(buffer.size() <= (17u << 10), "what waits to be parsed is bounded");
  }
  return outcome + "end";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // The first byte chooses the cut, the rest is the connection.
  const size_t piece = 1 + data[0] % 64;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = Outcome(bytes, bytes.size() + 1);
  const std::string pieces = Outcome(bytes, piece);
  // Limits on what is not complete yet may strike earlier in pieces, and then with another 4xx;
  // acceptance may not differ.
  Require(whole.substr(0, whole.rfind('\n') + 1) == pieces.substr(0, pieces.rfind('\n') + 1),
          "same requests accepted");
  Require(whole.ends_with("end") == pieces.ends_with("end"), "same verdict on the rest");
  return 0;
}
