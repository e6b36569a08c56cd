// Calling services by name and bytes, without knowing their types. One interface, so that a faster
// client can stand behind it later.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/contract/contract.h"
#include "libs/base/context.h"
#include "libs/rpc/channel.h"

namespace opsmesh::gateway {

/// What goes with a call beside its message. The context's deadline is the call's.
struct CallSpec {
  const Rpc* rpc = nullptr;
  base::Context context;
  rpc::CallOptions options;
};

/// A running call. Dropping it lets it run on.
class BackendCall {
 public:
  virtual ~BackendCall() = default;
  /// Ends it as CANCELLED, soon. Any thread, any number of times.
  virtual void Cancel() = 0;
};

class BackendStream : public BackendCall {
 public:
  /// Goes on reading after OnMessage() returned false. Once for each time it did.
  virtual void Resume() = 0;
};

/// Takes what a stream brings; called by one thread at a time, never again after OnDone().
class StreamReader {
 public:
  virtual ~StreamReader() = default;
  /// The bytes live until it returns. False pauses reading until BackendStream::Resume().
  virtual bool OnMessage(std::string_view wire) = 0;
  virtual void OnDone(absl::Status status) = 0;
};

/// The answer's bytes, which live until the callback returns, or why there is none.
using UnaryCallback = std::function<void(absl::StatusOr<std::string_view>)>;

/// Thread-safe. Callbacks come from threads of the client library, or from the calling thread when
/// the call cannot even start. Errors are as rpc::FromGrpc makes them.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::shared_ptr<BackendCall> Call(const CallSpec& spec, std::string wire,
                                            UnaryCallback done) = 0;
  virtual std::shared_ptr<BackendStream> Open(const CallSpec& spec, std::string wire,
                                              std::shared_ptr<StreamReader> reader) = 0;
};

/// Over gRPC: unary calls through a queue with a thread of its own, streams by callbacks.
/// `channels` outlives it.
std::unique_ptr<Backend> MakeGrpcBackend(const rpc::ChannelSource& channels);

}  // namespace opsmesh::gateway
