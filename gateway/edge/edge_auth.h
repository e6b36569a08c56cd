// Who calls, as far as the edge can tell, and whether the role suffices (design decision 25).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/contract/contract.h"
#include "libs/base/principal.h"
#include "libs/http_server/http_server.h"
#include "libs/rpc/authenticator.h"

namespace opsmesh::gateway {

/// Immutable, thread-safe.
class EdgeAuth {
 public:
  /// With no keys there is no authentication: loopback callers with a loopback Host have every
  /// role, all others view.
  explicit EdgeAuth(std::vector<rpc::ApiKey> keys) : keys_(std::move(keys)) {}

  bool open() const { return keys_.empty(); }
  /// Sentences for the status page; empty when keys are configured.
  std::vector<std::string> notices() const;

  /// The principal of a request. UNAUTHENTICATED (CREDENTIALS_MISSING, API_KEY) when keys are
  /// configured and it brings none of them.
  absl::StatusOr<base::Principal> Authenticate(const http_server::Request& request) const;

  /// PERMISSION_DENIED (ROLE_REQUIRED) with the sentence that says how to get the role.
  absl::Status Authorize(const base::Principal& principal, const Rpc& rpc) const;

 private:
  const std::vector<rpc::ApiKey> keys_;
};

/// True when the request came from this machine, to this machine by name, and through no proxy. A
/// proxy on the same machine makes strangers look local, hence the forwarding headers; a foreign
/// Host means a name that was rebound or a tunnel.
bool IsLocalCaller(const http_server::Request& request);

/// "localhost", 127.0.0.0/8 or [::1], with or without a port.
bool IsLoopbackHost(std::string_view host);

}  // namespace opsmesh::gateway
