#include "libs/kube/exec_helper/plugin_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "libs/base/clock.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::kube {
namespace {

constexpr size_t kKeptError = 4 << 10;
constexpr int kLookEvery = 20;  // ms, for the program's end while it prints nothing

/// A pipe that no child inherits but through a file action. The reading end does not block.
class Pipe {
 public:
  Pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) == 0) fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    CloseWriter();
    if (ends_[0] >= 0) close(ends_[0]);
  }
  bool ok() const { return ends_[0] >= 0; }
  int reader() const { return ends_[0]; }
  int writer() const { return ends_[1]; }
  void CloseWriter() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  /// Appends what is there; false at the end of the stream.
  bool ReadInto(std::string* text) const {
    char buffer[16 << 10];
    while (true) {
      const ssize_t got = read(ends_[0], buffer, sizeof buffer);
      if (got > 0) {
        text->append(buffer, static_cast<size_t>(got));
        if (text->size() > (4 << 20)) return true;  // let the caller look at it
      } else if (got == 0) {
        return false;
      } else if (errno != EINTR) {
        return errno == EAGAIN;
      }
    }
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

absl::StatusOr<pid_t> Spawn(const ProcessSpec& spec, const Pipe& out, const Pipe& err) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out.writer(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err.writer(), STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> arguments{spec.program};
  arguments.insert(arguments.end(), spec.args.begin(), spec.args.end());
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, spec.program.c_str(), &files, &attributes,
                                 Pointers(arguments).data(), Pointers(spec.environment).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error == 0) return pid;
  const std::string why = base::AsciiLower(std::strerror(error));
  if (error == ENOENT || error == ENOTDIR)
    return base::NotFound("PROGRAM_NOT_FOUND", fmt::format("{}: {}", spec.program, why));
  return base::FailedPrecondition("PROGRAM_NOT_EXECUTABLE",
                                  fmt::format("{}: {}", spec.program, why));
}

/// The process, if it has ended.
bool Ended(pid_t pid, int* exit_code) {
  int status = 0;
  pid_t got;
  do {
    got = waitpid(pid, &status, WNOHANG);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return false;
  *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return true;
}

/// Nothing of the group outlives the answer: a grandchild that holds the pipe would hold us, too.
void KillGroup(pid_t pid, bool reap) {
  kill(-pid, SIGKILL);
  int ignored = 0;
  while (reap && waitpid(pid, &ignored, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

absl::StatusOr<ProcessOutput> RunProcess(const ProcessSpec& spec) {
  Pipe out, err;
  if (!out.ok() || !err.ok())
    return base::ResourceExhausted("NO_PIPE", base::AsciiLower(std::strerror(errno)));
  OPSMESH_ASSIGN_OR_RETURN(const pid_t pid, Spawn(spec, out, err));
  out.CloseWriter();
  err.CloseWriter();
  const absl::Duration end = base::SystemClock().Steady() + spec.timeout;
  ProcessOutput output;
  bool ended = false;
  std::array<pollfd, 2> ends{pollfd{out.reader(), POLLIN, 0}, pollfd{err.reader(), POLLIN, 0}};
  while (true) {
    // What was printed before the end is read after it was seen.
    ended = Ended(pid, &output.exit_code);
    if (ends[0].fd >= 0 && !out.ReadInto(&output.out)) ends[0].fd = -1;
    if (ends[1].fd >= 0 && !err.ReadInto(&output.err)) ends[1].fd = -1;
    if (output.err.size() > kKeptError) output.err.erase(0, output.err.size() - kKeptError);
    if (ended) break;
    if (output.out.size() > spec.max_output_bytes || base::SystemClock().Steady() >= end) break;
    if (spec.stop != nullptr && *spec.stop) break;
    poll(ends.data(), ends.size(), kLookEvery);
  }
  KillGroup(pid, !ended);
  if (output.out.size() > spec.max_output_bytes) {
    return base::ResourceExhausted(
        "PROGRAM_OUTPUT_TOO_LARGE",
        fmt::format("it printed more than {} bytes", spec.max_output_bytes));
  }
  if (!ended)
    return base::DeadlineExceeded(
        "PROGRAM_TIMEOUT",
        fmt::format("it did not end within {} s", absl::ToInt64Seconds(spec.timeout)));
  return output;
}

}  // namespace opsmesh::kube
