// pods/exec and pods/attach: commands in a running container, shells that people type into, and
// what a container writes. See pod_channels.h for how clients are spoken to.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/http_server/http_server.h"
#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"
#include "libs/kubesim/api/streams.h"

namespace opsmesh::kubesim {

/// What an interactive shell remembers from one line to the next.
struct ShellMemory {
  std::map<std::string, std::string> variables{};
  std::string directory = "/";
  int status = 0;
  bool begun = false;   // the rest is set by the first line
  bool debian = false;  // bash and dash, not busybox: its prompts differ
};

struct PodCommand {
  std::string ns, pod, container;
  std::vector<std::string> argv;  // at least one word
  /// All of standard input. Nothing: a client may still send some, ask with kWantsInput.
  std::optional<std::string> input = std::string();
  /// Set: the only word of `argv` is a line typed into this shell.
  std::shared_ptr<ShellMemory> memory = nullptr;
  /// The shell is the container's own process: kInteractive when it is one that waits for somebody.
  bool attached = false;
  /// Set: that shell has ended with this code.
  std::optional<int> leaves = std::nullopt;
};

struct CommandResult {
  enum class End {
    kExited,       // with `code`
    kNotRunning,   // the container does not run
    kCannotStart,  // there is no such program; `output` says so
    kInteractive,  // a shell without a script: give it lines
    kWantsInput,   // it reads standard input, which was not given: nothing was done
    kUnreadable,   // the line cannot be read; perhaps it is not complete
    kNeverEnds,    // it would go on for ever, or for hours
  };
  End end = End::kExited;
  int code = 0;
  std::string output;
  std::string errors{};  // standard error
  bool left = false;     // by `exit`: an interactive shell is over
};

/// Runs a command to its end; takes no time. Any thread.
using RunInPod = std::function<CommandResult(const PodCommand& command)>;

/// Answers, or speaks to the client over `exchange`; then the reply is nothing. `run` may be null:
/// the cluster has no processes.
std::optional<Reply> HandlePodExec(const Cluster& cluster, const Call& call, const RunInPod& run,
                                   Streams& streams,
                                   const std::shared_ptr<http_server::Exchange>& exchange);

/// The same for pods/attach: what the container writes from now on, and, when its process is a
/// shell that waits for somebody, that shell.
std::optional<Reply> HandlePodAttach(const Cluster& cluster, const Call& call, const RunInPod& run,
                                     Streams& streams,
                                     const std::shared_ptr<http_server::Exchange>& exchange);

}  // namespace opsmesh::kubesim
