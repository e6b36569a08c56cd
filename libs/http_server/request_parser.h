// A strict, incremental parser of HTTP/1.x requests (RFC 9112 with the policy of design T14). No
// I/O, no allocation beyond the request it fills, so that it can be fuzzed and tested with plain
// strings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/http_server/http_server.h"

namespace opsmesh::http_server {

/// Why a request was refused. The views point to literals. `status` is 4xx; the connection must be
/// closed after it.
struct ParseError {
  int status = 0;
  std::string_view reason;
  std::string_view message;
};

/// Fills one Request from bytes as they come. Usage: Reset(), then Consume() until kHeadDone,
/// set_max_body(), then Consume() until kDone. Not thread-safe.
class RequestParser {
 public:
  struct HeadLimits {
    size_t max_header_bytes =
        16 << 10;  // request line, fields and their line ends; trailers count again on their own
    size_t max_header_fields = 100;
    size_t max_target_bytes = 8 << 10;
  };
  enum class Result { kNeedMore, kHeadDone, kDone, kError };

  explicit RequestParser(const HeadLimits& limits) : limits_(limits) {}

  /// Starts a new request, written to `*request`, which must be empty and outlive the parsing.
  void Reset(Request* request);
  /// Takes a prefix of `data`; `*consumed` says how much. The caller offers the rest again, with
  /// more behind it. Returns kHeadDone once, when the head is complete; kError is final (see
  /// error()).
  Result Consume(std::string_view data, size_t* consumed);
  /// Largest body to accept, to be called at kHeadDone. kError when Content-Length already exceeds
  /// it.
  Result SetMaxBody(size_t bytes);

  const ParseError& error() const { return error_; }
  /// True when any byte of the request (a leading empty line apart) was consumed.
  bool started() const { return phase_ != Phase::kRequestLine; }
  // Valid from kHeadDone on.
  bool keep_alive() const { return keep_alive_; }
  bool http_1_0() const { return http_1_0_; }
  bool expects_continue() const { return expects_continue_; }
  bool has_body() const { return chunked_ || content_length_ > 0; }

 private:
  enum class Phase : uint8_t {
    kRequestLine,
    kFields,
    kHeadDone,
    kFixedBody,
    kChunkSize,
    kChunkData,
    kChunkEnd,
    kTrailers,
    kDone,
    kError
  };

  Result Fail(int status, std::string_view reason, std::string_view message);
  Result ConsumeHead(std::string_view data, size_t* consumed);
  Result ConsumeBody(std::string_view data, size_t* consumed);
  Result ConsumeTrailers(std::string_view data, size_t* consumed);
  bool ConsumeChunkSize(std::string_view data, size_t* consumed);
  bool ConsumeChunkEnd(std::string_view data, size_t* consumed);
  void ConsumeBytes(std::string_view data, size_t* consumed, Phase after);
  bool CheckPending(std::string_view pending);
  bool TakeLine(std::string_view data, size_t* consumed, std::string_view* line);

  bool ParseRequestLine(std::string_view line);
  bool ParseTarget(std::string_view target);
  bool ParseField(std::string_view line);
  bool ParseFraming(std::string_view name, std::string_view value);
  bool ParseContentLength(std::string_view value);
  bool ParseChunkSizeLine(std::string_view line);
  bool ParseTrailer(std::string_view line);
  bool FinishHead();

  HeadLimits limits_;
  Request* request_ = nullptr;
  ParseError error_;
  Phase phase_ = Phase::kRequestLine;
  bool skipped_empty_line_ = false;
  bool http_1_0_ = false;
  bool keep_alive_ = false;
  bool close_asked_ = false;
  bool keep_alive_asked_ = false;
  bool expects_continue_ = false;
  bool has_length_ = false;
  bool chunked_ = false;
  uint8_t hosts_ = 0;
  size_t head_bytes_ = 0;
  size_t fields_ = 0;
  size_t extension_bytes_ = 0;
  uint64_t content_length_ = 0;
  uint64_t remaining_ = 0;  // of the fixed body or the current chunk
  uint64_t max_body_ = 0;
};

/// Decodes `raw` once into `*path`; false when it is not a path we serve: broken escapes, control
/// characters, `\`, encoded `/`, NUL, ill-formed UTF-8, "." or ".." segments, or an escape that is
/// left after decoding.
bool DecodePath(std::string_view raw, std::string* path);

}  // namespace opsmesh::http_server
