// The streams between a client of pods/exec or pods/attach and what runs in the container: standard
// input, output and error, and how it ended. Carried by a WebSocket (v4, v5.channel.k8s.io:
// kubectl 1.31 and later, python3-kubernetes, @kubernetes/client-node) or by SPDY/3.1
// (v4.channel.k8s.io: every kubectl).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libs/http_server/http_server.h"
#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/streams.h"
#include "libs/kubesim/store/api_status.h"

namespace opsmesh::kubesim {

/// Thread-safe towards the client; what the client sends comes from one thread at a time.
class PodChannels {
 public:
  struct Asked {  // what the request says of streams
    bool input = false, output = false, errors = false, terminal = false;
  };
  struct Events {
    std::function<void()> ready;                        // all streams are there; once
    std::function<void(std::string_view bytes)> input;  // of standard input
    std::function<void()> input_ended;                  // no more of it; at most once
  };

  virtual ~PodChannels() = default;
  virtual void Output(std::string_view bytes) = 0;
  virtual void Error(std::string_view bytes) = 0;
  /// The last word: how it ended, as a Status. Ends the connection.
  virtual void End(const Json& status) = 0;

  /// Why the request cannot be served by either protocol; nothing when Open() may be called.
  static MaybeStatus Check(const Call& call);
  /// Changes the protocol of the exchange. `streams` outlives the connection.
  static std::shared_ptr<PodChannels> Open(const Call& call, Asked asked,
                                           const std::shared_ptr<http_server::Exchange>& exchange,
                                           Streams& streams);
  /// Begins to read. Call once. `owner` is what the events speak to: it is kept until the
  /// connection is over.
  virtual void Read(Events events, std::shared_ptr<void> owner) = 0;
};

/// The head of the answer 101 to a request for SPDY/3.1 with the first of the client's protocols
/// that is `protocol`; nothing when it asks for something else.
std::optional<http_server::Response> SpdyHead(const http_server::Request& request,
                                              std::string_view protocol);

}  // namespace opsmesh::kubesim
