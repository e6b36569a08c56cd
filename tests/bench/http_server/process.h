// Child processes of the benchmark and what they use.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace opsmesh::bench {

/// A running program; killed and waited for at the end of its scope.
class Process {
 public:
  /// Starts `command` (looked up on PATH). Its standard output's first line is read when
  /// `read_port`, as a port.
  Process(const std::vector<std::string>& command, bool read_port);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  uint16_t port() const { return port_; }

 private:
  pid_t pid_ = -1;
  uint16_t port_ = 0;
};

/// CPU time of the process and its direct children so far, in microseconds (scheduler statistics,
/// so not in ticks).
double CpuMicroseconds(pid_t pid);
/// Resident anonymous memory (RssAnon) in KiB.
double AnonymousKib(pid_t pid);

}  // namespace opsmesh::bench
