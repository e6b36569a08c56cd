// A small load generator on one thread: connections in a closed loop, or streams that are only
// read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace opsmesh::bench {

/// Sends `total` requests for `path` over `connections` keep-alive connections, each waiting for
/// its answer. Seconds it took; negative when an answer was missing or not 200. Answers must all
/// have the length of the first one.
double RunClosedLoop(uint16_t port, const std::string& path, int connections, int total);

/// Open streams, read and thrown away.
class Streams {
 public:
  Streams() = default;
  ~Streams();
  /// Opens `count` more, each up to the end of its response head. False when one fails.
  bool Open(uint16_t port, const std::string& path, int count);
  /// Reads until `bytes` have come on all streams together. False after 10 s of silence.
  bool Drain(size_t bytes);
  int count() const { return static_cast<int>(fds_.size()); }

 private:
  int epoll_ = -1;
  std::vector<int> fds_;
};

}  // namespace opsmesh::bench
