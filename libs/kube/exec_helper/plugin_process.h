// Runs one program and reads what it prints, within bounds. The only place of OpsMesh that starts
// programs (trust T3).
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace opsmesh::kube {

struct ProcessSpec {
  std::string program;                   // a path, or a name to be found on this process's PATH
  std::vector<std::string> args;         // after the program's name
  std::vector<std::string> environment;  // "NAME=value", the whole of it
  absl::Duration timeout = absl::Seconds(60);
  size_t max_output_bytes = 256 << 10;
  /// True = kill it now. May be null.
  const std::atomic<bool>* stop = nullptr;
};

struct ProcessOutput {
  int exit_code = 0;  // 128 + signal when a signal ended it
  std::string out;
  std::string err;  // its last 4 KiB
};

/// Starts it without a shell, stdin at its end, in a process group of its own, and waits. Whatever
/// is left of the group is killed when the program ends, takes too long, or prints too much.
/// NOT_FOUND (PROGRAM_NOT_FOUND), FAILED_PRECONDITION (PROGRAM_NOT_EXECUTABLE), DEADLINE_EXCEEDED
/// (PROGRAM_TIMEOUT), RESOURCE_EXHAUSTED (PROGRAM_OUTPUT_TOO_LARGE).
absl::StatusOr<ProcessOutput> RunProcess(const ProcessSpec& spec);

}  // namespace opsmesh::kube
