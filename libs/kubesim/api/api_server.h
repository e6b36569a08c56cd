// The simulated kube-apiserver behind any HTTP door: authentication, authorization, routing,
// answers.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "libs/http_server/http_server.h"
#include "libs/kubesim/api/authentication.h"
#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/pod_exec.h"
#include "libs/kubesim/api/pod_ports.h"
#include "libs/kubesim/api/reply.h"
#include "libs/kubesim/api/streams.h"

namespace opsmesh::kubesim {

/// Thread-safe; Handle() does not block on anything but the store's lock.
class ApiServer {
 public:
  struct Options {
    /// Callers without credentials are cluster administrators (plain loopback door).
    bool open_door = true;
    /// Answers paths that no real apiserver has (the simulator's own controls); nothing for all
    /// others. Only administrators (whoever may do anything on any non-resource path) get that far.
    /// Null = there are none.
    std::function<std::optional<Reply>(const Call& call)> own_paths = nullptr;
    /// Runs commands of pods/exec. Null = nothing runs in the pods.
    RunInPod exec = nullptr;
    /// Asks what serves in the pods (pods/portforward, pods/proxy, services/proxy). Null = nothing.
    AskPod ask = nullptr;
  };
  ApiServer(Cluster cluster, TokenTable& tokens, Options options);

  void Handle(const std::shared_ptr<http_server::Exchange>& exchange);
  /// Ends watches and followed logs.
  void EndStreams() { streams_.EndAll(); }

 private:
  std::optional<Reply> Dispatch(Call& call, const std::shared_ptr<http_server::Exchange>& exchange,
                                const http_server::Headers& common);
  std::optional<Reply> Resource(Call& call, const std::shared_ptr<http_server::Exchange>& exchange,
                                const http_server::Headers& common);
  http_server::Headers CommonHeaders(bool flow_controlled) const;

  const Cluster cluster_;
  TokenTable& tokens_;
  const Options options_;
  Streams streams_;
};

/// The answer the HTTP layer itself makes (too large, malformed ...) as a Status.
http_server::Response DoorError(int status, std::string_view reason, std::string_view message);

}  // namespace opsmesh::kubesim
