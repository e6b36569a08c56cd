// Reading the small files that configuration consists of.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace opsmesh::kube {

/// The whole file, at most `max_bytes`. NOT_FOUND (FILE_NOT_FOUND), FAILED_PRECONDITION
/// (FILE_UNREADABLE, FILE_TOO_LARGE); the message is the system's word, without the content.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t max_bytes = 1 << 20);
bool FileExists(const std::string& path);

}  // namespace opsmesh::kube
