// Data handed over on standard input: `kubectl get pods | opsmesh ask "analyze these"`.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace opsmesh::cli {

struct StdinData {
  std::string bytes;       // at most the limit, cut at a character, ill-formed UTF-8 replaced
  bool truncated = false;  // there was more
};

/// Reads `fd` to its end when it is a pipe or a file; a terminal, a device and a closed descriptor
/// give nothing. A pipe that stays silent for `patience` is DEADLINE_EXCEEDED (STDIN_SILENT): every
/// wait has an end.
absl::StatusOr<StdinData> ReadStdin(int fd, size_t max_bytes, absl::Duration patience);

}  // namespace opsmesh::cli
