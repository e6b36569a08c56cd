// The one channel factory: in-process, TCP with the mesh's token, mTLS; keepalive and limits of
// design/trust.md section 3.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/base/secret.h"

namespace grpc {
class Channel;
class ClientContext;
class Server;
}  // namespace grpc

namespace opsmesh::rpc {

/// PEM texts for mTLS between services.
struct TlsFiles {
  std::string ca;                 // who signs the mesh's certificates
  std::string certificate_chain;  // ours
  base::Secret private_key;
  bool empty() const { return ca.empty(); }
};

/// Who we are to the services we call. Immutable; shared by all calls.
struct CallIdentity {
  std::string
      service;  // "gateway", "chat" ...; "" = a caller from outside the mesh (CLI with a key)
  base::Secret mesh_token;  // may be empty (mTLS, outside)
  base::Secret api_key;     // from outside only
};

/// A way to a service, with our identity. Services of one process may ask for their channels before
/// the server that connects them exists; the way is there once all of them are built. Cheap to
/// copy, thread-safe.
class Channel {
 public:
  using Resolve = std::function<std::shared_ptr<grpc::Channel>()>;
  Channel(std::shared_ptr<grpc::Channel> channel, std::shared_ptr<const CallIdentity> identity);
  /// `resolve` returns null as long as the way is not there yet; called until it returns one.
  Channel(Resolve resolve, std::shared_ptr<const CallIdentity> identity);

  /// The channel, or null while the process is still being put together (until Service::Start()).
  std::shared_ptr<grpc::Channel> Get() const;
  const CallIdentity& identity() const { return *identity_; }

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::shared_ptr<const CallIdentity> identity_;
};

struct ChannelOptions {
  /// "127.0.0.1:50051", "dns:///opsmesh-k8s:50051", "unix:/run/opsmesh/k8s.sock".
  std::string target;
  TlsFiles tls = {};  // empty = plain text
  /// Name in the server's certificate; empty = from the target.
  std::string server_name = "";
  int64_t max_receive_bytes = 16 << 20;
  absl::Duration keepalive = absl::Seconds(30);
};

/// Opens a channel; connects when first used. INVALID_ARGUMENT (CHANNEL_TARGET) for an empty
/// target, and for plain text to an address that is not loopback unless the identity is from
/// outside or `allow_plaintext`.
absl::StatusOr<Channel> MakeChannel(const ChannelOptions& options,
                                    std::shared_ptr<const CallIdentity> identity,
                                    bool allow_plaintext = false);
/// A channel into a server of this process; no socket, no serialisation of the connection.
Channel InProcessChannel(grpc::Server& server, std::shared_ptr<const CallIdentity> identity);

/// What a call sends beside its message.
struct CallOptions {
  /// Our own limit; the call's deadline is the earlier of this and the context's.
  absl::Duration timeout = absl::InfiniteDuration();
  /// accept-language for the service. Empty = the context's.
  std::string language;
  /// HTTP headers for the service by lower-case name, without prefix (gateway only).
  std::map<std::string, std::string> http_headers;
};

/// Fills a fresh client context: deadline = min(context, own), identity, principal, request id,
/// trace, language. For callers that drive the call themselves (the gateway's generic call); others
/// use call.h.
void Prepare(const base::Context& context, const CallIdentity& identity, const CallOptions& options,
             grpc::ClientContext* client_context);

/// Finds the channel to the service that serves "opsmesh.k8s.v1.K8sService". Thread-safe.
class ChannelSource {
 public:
  virtual ~ChannelSource() = default;
  /// NOT_FOUND (SERVICE_UNKNOWN) when the configuration names no address for it.
  virtual absl::StatusOr<Channel> For(std::string_view service_full_name) const = 0;
};

}  // namespace opsmesh::rpc
