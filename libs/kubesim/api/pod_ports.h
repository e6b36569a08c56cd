// Ports of pods as clients reach them through the apiserver: pods/portforward (SPDY/3.1 as every
// kubectl speaks it, the same inside a WebSocket as kubectl 1.31 and later, v4.channel.k8s.io as
// python3-kubernetes and @kubernetes/client-node), pods/proxy and services/proxy.
//
// What answers is the simulated process: HTTP where the image serves HTTP. Another port takes the
// connection and ends it with the first bytes, since there is no protocol behind it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libs/http_server/http_server.h"
#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/reply.h"

namespace opsmesh::kubesim {

struct PodRequest {
  std::string ns, pod;
  int port = 0;
  std::string method = "GET", path = "/";
};

struct PodPage {
  bool listens = false;  // false: connection refused
  bool http = false;
  int status = 0;
  std::string content_type, body;
};

/// Any thread; takes no time.
using AskPod = std::function<PodPage(const PodRequest& request)>;

/// One connection to a port: bytes of HTTP/1.1 in, answers out. Not thread-safe.
class ForwardedPort {
 public:
  struct Events {
    std::function<void(std::string_view bytes)> answer;
    std::function<void(std::string_view error)> over;  // once; "" = an orderly end
  };
  ForwardedPort(PodRequest target, AskPod ask, Events events);
  /// Refused connections are over at once.
  void Begin();
  void Take(std::string_view bytes);
  void End();

 private:
  bool TakeRequest();
  void Over(std::string_view error);

  PodRequest target_;
  const AskPod ask_;
  const Events events_;
  std::string pending_;
  bool http_ = false, over_ = false;
};

std::optional<Reply> HandlePortForward(const Cluster& cluster, const Call& call, const AskPod& ask,
                                       const std::shared_ptr<http_server::Exchange>& exchange);

/// pods/NAME[:PORT]/proxy/PATH, services/[SCHEME:]NAME[:PORT]/proxy/PATH and
/// nodes/NAME[:PORT]/proxy/PATH. Only the first two need processes.
Reply HandleProxy(const Cluster& cluster, const Call& call, const AskPod& ask);

}  // namespace opsmesh::kubesim
