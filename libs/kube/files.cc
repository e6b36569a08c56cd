#include "libs/kube/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::kube {
namespace {

constexpr int kPipeMilliseconds = 5000;

/// Waits until there is something to read, or the other end is gone.
bool Readable(int fd) {
  pollfd wait{fd, POLLIN, 0};
  return poll(&wait, 1, kPipeMilliseconds) > 0;
}

}  // namespace

absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t max_bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC |
                                        O_NONBLOCK);  // a pipe in the file's place must not block
  if (fd < 0) {
    const std::string why = base::AsciiLower(std::strerror(errno));
    if (errno == ENOENT || errno == ENOTDIR) return base::NotFound("FILE_NOT_FOUND", why);
    return base::FailedPrecondition("FILE_UNREADABLE", why);
  }
  std::string text;
  char buffer[16 << 10];
  ssize_t got = 0;
  while (text.size() <= max_bytes) {
    got = read(fd, buffer, sizeof buffer);
    // A pipe whose other end is still at work: --kubeconfig <(program).
    if (got < 0 && (errno == EINTR || (errno == EAGAIN && Readable(fd)))) continue;
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  const int error = got < 0 ? errno : 0;
  close(fd);
  if (error != 0)
    return base::FailedPrecondition("FILE_UNREADABLE", base::AsciiLower(std::strerror(error)));
  if (text.size() > max_bytes) {
    return base::FailedPrecondition("FILE_TOO_LARGE",
                                    fmt::format("it is larger than {} bytes", max_bytes));
  }
  return text;
}

bool FileExists(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace opsmesh::kube
