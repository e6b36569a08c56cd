// Feeds raw bytes to a server over a socket and puts what happened into one line, for tables of
// hostile requests.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libs/http_server/http_server.h"

namespace opsmesh::http_server {

/// A server that answers 200 to everything and counts. Its time limits are far away, so that no
/// answer of theirs can be taken for an answer to the bytes.
class JudgingServer {
 public:
  JudgingServer();

  /// How many requests reached the handler, and how the connection ended:
  ///   "2 keep"                   two were served, the connection would have lived on
  ///   "1 close"                  one was served, and its answer said Connection: close
  ///   "0 400 BARE_LINE_FEED"     refused, with the answer's status and reason, and closed
  ///   "0 incomplete"             more bytes were needed when the client stopped sending
  ///   "... silent"               no end within 10 s: always wrong
  /// A refusal is checked a second time without the client's end of sending: it must come from the
  /// bytes alone.
  std::string Judge(std::string_view bytes);

 private:
  std::string JudgeOnce(std::string_view bytes, bool half_close);

  std::atomic<int> handled_{0};
  std::unique_ptr<Server> server_;
};

}  // namespace opsmesh::http_server
