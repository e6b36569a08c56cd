// Data handed over on standard input: `kubectl get pods | opsmesh ask "analyze these"`.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace opsmesh::cli {

struct StdinData {
  std::string bytes;     // at most the limit; ill-formed UTF-8 is replaced
  std::string left_out;  // a sentence, when there was more
};

/// `text` in at most `max_bytes`. Of a JSON list of Kubernetes objects (kubectl get -o json) first
/// goes what is only kept for servers (managedFields and the copy that kubectl apply keeps), then the
/// last objects: what is handed over is a list still. Any other text is cut at a character.
StdinData FitData(std::string text, size_t max_bytes);

/// Reads `fd` to its end when it is a pipe or a file, and fits what it gave into `max_bytes`; a
/// terminal, a device and a closed descriptor give nothing. A pipe that stays silent for `patience`
/// is DEADLINE_EXCEEDED (STDIN_SILENT): every wait has an end.
absl::StatusOr<StdinData> ReadStdin(int fd, size_t max_bytes, absl::Duration patience);

}  // namespace opsmesh::cli
