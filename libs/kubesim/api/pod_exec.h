// GET .../pods/{name}/exec: a command in a running container, over a WebSocket (v4 and
// v5.channel.k8s.io, as kubectl 1.31 and later, python3-kubernetes and @kubernetes/client-node
// speak it). Output and exit code go to the client; its input is not read.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/http_server/http_server.h"
#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"

namespace opsmesh::kubesim {

struct PodCommand {
  std::string ns, pod, container;
  std::vector<std::string> argv;  // at least one word
};

struct CommandResult {
  enum class End {
    kExited,       // with `code`
    kNotRunning,   // the container does not run
    kCannotStart,  // there is no such program; `output` says so
    kInteractive,  // a shell without a script waits for input
    kNeverEnds,    // it would go on for ever, or for hours
  };
  End end = End::kExited;
  int code = 0;
  std::string output;
};

/// Runs a command to its end; takes no time. Any thread.
using RunInPod = std::function<CommandResult(const PodCommand& command)>;

/// Answers, or speaks to the client over `exchange`; then the reply is nothing. `run` may be null:
/// the cluster has no processes.
std::optional<Reply> HandlePodExec(const Cluster& cluster, const Call& call, const RunInPod& run,
                                   const std::shared_ptr<http_server::Exchange>& exchange);

}  // namespace opsmesh::kubesim
