#include "cli/stdin_data.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::cli {

absl::StatusOr<StdinData> ReadStdin(int fd, size_t max_bytes, absl::Duration patience) {
  StdinData data;
  struct stat info {};
  if (fstat(fd, &info) != 0 || !(S_ISFIFO(info.st_mode) || S_ISREG(info.st_mode))) return data;
  std::array<char, 65536> buffer{};
  while (true) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    const int ready = poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(patience)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      return base::DeadlineExceeded("STDIN_SILENT",
                                    "Standard input is a pipe and nothing comes out of it.")
          .Hint("Use --no-stdin (or < /dev/null) when there is no data to hand over.");
    }
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    // The rest is read and dropped, so that the program on the left is not killed by a broken pipe.
    if (data.bytes.size() <= max_bytes)
      data.bytes.append(buffer.data(), static_cast<size_t>(count));
  }
  data.bytes = base::SanitizeUtf8(data.bytes);
  if (data.bytes.size() > max_bytes) {
    data.truncated = true;
    data.bytes = std::string(base::Utf8Prefix(data.bytes, max_bytes));
  }
  return data;
}

}  // namespace opsmesh::cli
