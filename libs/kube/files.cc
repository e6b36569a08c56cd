#include "libs/kube/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::kube {

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
  ssize_t got;
  while ((got = read(fd, buffer, sizeof buffer)) > 0 && text.size() <= max_bytes)
    text.append(buffer, static_cast<size_t>(got));
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
