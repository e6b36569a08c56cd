// Who calls a service: proved by a certificate or the mesh's token, or, from outside, by an API key
// or a loopback address.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/principal.h"
#include "libs/base/secret.h"

namespace opsmesh::rpc {

/// What a call brought along to be judged. Views live as long as the call.
struct Credentials {
  std::string_view mesh_token;
  std::string_view caller;                    // claimed service name
  std::string_view principal;                 // claimed
  std::string_view role;                      // claimed
  std::string_view authorization;             // "Bearer ..."
  bool peer_is_loopback = false;              // 127.0.0.0/8, ::1, a UNIX socket, or this process
  bool in_process = false;                    // came over an in-process channel
  std::vector<std::string> certificate_uris;  // URI names of a verified client certificate
};

/// Who it is.
struct Caller {
  std::string service;  // mesh service, "" = from outside
  base::Principal principal;
};

/// An API key of the configuration (auth.keys): only the hash is kept.
struct ApiKey {
  std::string name;
  base::Role role = base::Role::kViewer;
  std::string sha256;  // lower-case hex
};

struct AuthenticatorOptions {
  /// Shared token of the mesh; empty = none accepted.
  base::Secret mesh_token;
  /// Trust domain of certificates: spiffe://<trust_domain>/<service>.
  std::string trust_domain = "opsmesh.internal";
  /// True = being of the mesh needs a certificate; the token is then accepted only between services
  /// of one process.
  bool require_certificate = false;
  /// Keys of callers from outside the mesh.
  std::vector<ApiKey> keys;
  /// False = a caller from outside without credentials is refused. Where true, loopback is admin,
  /// others are viewer; keys, once configured, end that.
  bool allow_anonymous = true;
};

/// Judges credentials. Immutable, thread-safe.
class Authenticator {
 public:
  explicit Authenticator(AuthenticatorOptions options);
  /// Of the mesh: the named service with the principal it speaks for (its own "service:<name>",
  /// viewer, when it names none). From outside: the API key's name and role; without keys
  /// configured, loopback is admin, others are viewer. UNAUTHENTICATED (MESH_TOKEN, MESH_CALLER,
  /// PRINCIPAL, API_KEY, CLIENT_CERTIFICATE, CREDENTIALS_MISSING) otherwise.
  absl::StatusOr<Caller> Authenticate(const Credentials& credentials) const;
  /// Only the part for callers from outside the mesh, for edges (gateway).
  absl::StatusOr<Caller> FromOutside(const Credentials& credentials) const;
  const AuthenticatorOptions& options() const { return options_; }

 private:
  absl::StatusOr<Caller> FromKey(std::string_view authorization) const;

  const AuthenticatorOptions options_;
};

/// Which mesh service may call what (T16). Rules are "<service>" -> full method names or
/// "pkg.Service/*". A caller from outside the mesh ("") is bound by its role only. Immutable,
/// thread-safe.
class AllowList {
 public:
  /// Everything allowed: for tests and for processes of one service.
  AllowList() = default;
  explicit AllowList(std::map<std::string, std::vector<std::string>> rules);
  bool Allows(std::string_view caller, std::string_view method) const;

 private:
  bool restricted_ = false;
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> rules_;
};

/// The mesh's own rules: the gateway and the CLI may call everything; `llm` reads, proposes and
/// never approves; ...
AllowList DefaultAllowList();

/// Constant-time comparison.
bool SecretEquals(std::string_view a, std::string_view b);
/// Lower-case hex SHA-256.
std::string Sha256Hex(std::string_view bytes);

}  // namespace opsmesh::rpc
