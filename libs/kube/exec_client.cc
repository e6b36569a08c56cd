#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/exec_plugin.h"

namespace opsmesh::kube {
namespace {

constexpr absl::Duration kLongestWait = absl::Seconds(90);  // the helper gives a plugin 60 s
constexpr absl::Duration kCancelSeen = absl::Milliseconds(100);

base::Error Unreachable(const ExecPlugin& plugin, std::string_view why) {
  return base::Unavailable(
             "EXEC_HELPER_UNREACHABLE",
             fmt::format("The credential helper on {} cannot be asked: {}.", plugin.socket, why))
      .Hint(
          "Start the program through it (opsmesh-exec-credential -- opsmesh up), or run "
          "opsmesh-exec-credential "
          "--socket PATH beside it and name PATH as k8s.exec_credential_socket.");
}

std::string Why() { return base::AsciiLower(std::strerror(errno)); }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  const int fd_;
};

/// Until the descriptor is ready, or the context ends.
absl::Status WaitFor(const base::Context& ctx, int fd, short events) {
  while (true) {
    if (const absl::Status over = ctx.Check(); !over.ok()) {
      if (over.code() != absl::StatusCode::kDeadlineExceeded) return over;
      return base::DeadlineExceeded("EXEC_PLUGIN_TIMEOUT",
                                    "The credential plugin did not answer in time.")
          .Hint("Run the plugin's command by hand: it may wait for a login.");
    }
    pollfd one{fd, events, 0};
    const auto wait = std::min(ctx.Remaining(), kCancelSeen);
    const int ready = poll(&one, 1, static_cast<int>(absl::ToInt64Milliseconds(wait)) + 1);
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return base::Unavailable("EXEC_HELPER_UNREACHABLE", Why());
  }
}

absl::Status Send(const base::Context& ctx, int fd, std::string_view text,
                  const ExecPlugin& plugin) {
  while (!text.empty()) {
    OPSMESH_RETURN_IF_ERROR(WaitFor(ctx, fd, POLLOUT));
    const ssize_t sent = send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      text.remove_prefix(static_cast<size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return Unreachable(plugin, Why());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReceiveLine(const base::Context& ctx, int fd,
                                        const ExecPlugin& plugin) {
  std::string line;
  char buffer[16 << 10];
  while (line.size() <= kExecMessageBytes) {
    OPSMESH_RETURN_IF_ERROR(WaitFor(ctx, fd, POLLIN));
    const ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got == 0) return Unreachable(plugin, "it hung up");
    if (got < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return Unreachable(plugin, Why());
    }
    line.append(buffer, static_cast<size_t>(got));
    if (const size_t end = line.find('\n'); end != std::string::npos) return line.substr(0, end);
  }
  return Unreachable(plugin, "its answer is too long");
}

}  // namespace

absl::StatusOr<ExecCredential> AskExecHelper(const base::Context& caller,
                                             const ExecPlugin& plugin) {
  const base::Context ctx = caller.WithTimeout(kLongestWait);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (plugin.socket.empty() || plugin.socket.size() >= sizeof address.sun_path)
    return Unreachable(plugin, "that is no socket's path");
  std::memcpy(address.sun_path, plugin.socket.data(), plugin.socket.size());
  const Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0 ||
      connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Unreachable(plugin, Why());
  OPSMESH_RETURN_IF_ERROR(
      Send(ctx, fd.get(), FormatExecRequest({plugin.files, plugin.context}), plugin));
  OPSMESH_ASSIGN_OR_RETURN(const std::string line, ReceiveLine(ctx, fd.get(), plugin));
  return ParseExecAnswer(line);
}

}  // namespace opsmesh::kube
