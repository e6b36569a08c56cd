// A client for tests that sends bytes as they are and reads answers strictly. Blocking, every wait
// ends after 10 s.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/http_server/unique_fd.h"

namespace opsmesh::http_server {

/// One answer as read from the wire.
struct RawAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string Header(std::string_view lower_name) const;
};

class RawClient {
 public:
  /// Connects to 127.0.0.1:`port`. `receive_buffer` > 0 sets SO_RCVBUF, for tests of readers that
  /// stall.
  explicit RawClient(uint16_t port, int receive_buffer = 0);

  bool Send(std::string_view bytes);
  /// Half-closes: no more will be sent.
  void ShutdownWrite();
  /// Closes; with `reset` by RST.
  void Close(bool reset = false);
  /// Reads the next answer (1xx included); nothing when the connection ends or is silent first.
  std::optional<RawAnswer> ReadAnswer(bool head_request = false);
  /// Reads an answer's head only (for streams).
  std::optional<RawAnswer> ReadHead();
  /// Reads the next chunk of a stream; "" is the last one; nothing when the connection ends before
  /// it.
  std::optional<std::string> ReadChunk();
  /// Reads until the end of the connection, and says whether it came (false: silence for 10 s).
  bool ReadToEnd(std::string* rest = nullptr);
  int fd() const { return fd_.get(); }

 private:
  bool Fill();
  std::optional<std::string> ReadLine();
  std::optional<std::string> ReadBytes(size_t count);

  UniqueFd fd_;
  std::string buffer_;
  bool ended_ = false;
};

}  // namespace opsmesh::http_server
