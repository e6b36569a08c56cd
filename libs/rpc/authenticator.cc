#include "libs/rpc/authenticator.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::rpc {
namespace {

constexpr size_t kMaxName = 256;

// A name that may stand in logs and the audit: printable, no control characters.
bool IsCleanName(std::string_view name) {
  if (name.size() > kMaxName || !base::IsValidUtf8(name)) return false;
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  }
  return true;
}

absl::StatusOr<base::Principal> PrincipalOf(const Credentials& credentials,
                                            const std::string& service) {
  // A service that names nobody works for itself: it may read.
  if (credentials.principal.empty())
    return base::Principal{"service:" + service, base::Role::kViewer};
  const auto role = base::ParseRole(credentials.role);
  if (!role || !IsCleanName(credentials.principal)) {
    return base::Unauthenticated(
               "PRINCIPAL",
               fmt::format("The service '{}' passed on a principal that is not one.", service))
        .Hint(
            "Send x-opsmesh-principal (at most 256 printable bytes) and x-opsmesh-role (viewer ... "
            "admin) together.");
  }
  return base::Principal{std::string(credentials.principal), *role};
}

absl::StatusOr<std::string> ServiceOfCertificate(const std::vector<std::string>& uris,
                                                 const std::string& trust_domain) {
  const std::string prefix = "spiffe://" + trust_domain + "/";
  for (const std::string& uri : uris) {
    if (uri.starts_with(prefix) && uri.size() > prefix.size()) return uri.substr(prefix.size());
  }
  return base::Unauthenticated("CLIENT_CERTIFICATE",
                               "The client certificate names no service of this mesh.")
      .Hint(fmt::format("It needs the URI name {}<service>.", prefix));
}

}  // namespace

bool SecretEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string Sha256Hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return base::HexEncode({reinterpret_cast<const char*>(digest), size});
}

Authenticator::Authenticator(AuthenticatorOptions options) : options_(std::move(options)) {}

absl::StatusOr<Caller> Authenticator::Authenticate(const Credentials& credentials) const {
  Caller caller;
  if (!credentials.certificate_uris.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(
        caller.service, ServiceOfCertificate(credentials.certificate_uris, options_.trust_domain));
    OPSMESH_ASSIGN_OR_RETURN(caller.principal, PrincipalOf(credentials, caller.service));
    return caller;
  }
  if (!credentials.mesh_token.empty()) {
    const bool right = !options_.mesh_token.empty() &&
                       SecretEquals(credentials.mesh_token, options_.mesh_token.Reveal());
    if (!right) {
      return base::Unauthenticated("MESH_TOKEN",
                                   "The mesh token of the call is not the one of this service.")
          .Hint("Give all services the same mesh.token (OPSMESH_MESH_TOKEN).");
    }
    if (options_.require_certificate && !credentials.in_process) {
      return base::Unauthenticated(
                 "CLIENT_CERTIFICATE",
                 "Services of this mesh prove themselves by certificate, not by token.")
          .Hint("Give the calling service mesh.tls.certificate and mesh.tls.key.");
    }
    if (credentials.caller.empty() || !IsCleanName(credentials.caller)) {
      return base::Unauthenticated(
                 "MESH_CALLER",
                 "The call carries the mesh token and does not say which service calls.")
          .Hint("Send x-opsmesh-caller.");
    }
    caller.service = credentials.caller;
    OPSMESH_ASSIGN_OR_RETURN(caller.principal, PrincipalOf(credentials, caller.service));
    return caller;
  }
  return FromOutside(credentials);
}

absl::StatusOr<Caller> Authenticator::FromOutside(const Credentials& credentials) const {
  if (!credentials.authorization.empty()) return FromKey(credentials.authorization);
  if (options_.require_certificate && !credentials.in_process) {
    return base::Unauthenticated(
               "CLIENT_CERTIFICATE",
               "This port belongs to the mesh; the call has no client certificate.")
        .Hint("Call the gateway instead, or send an API key as 'authorization: Bearer <key>'.");
  }
  if (!options_.keys.empty() || !options_.allow_anonymous) {
    return base::Unauthenticated("CREDENTIALS_MISSING", "The call carries no credentials.")
        .Hint("Send an API key of auth.keys as 'authorization: Bearer <key>'.");
  }
  if (credentials.peer_is_loopback) return Caller{"", {"loopback", base::Role::kAdmin}};
  return Caller{"", {"anonymous", base::Role::kViewer}};
}

absl::StatusOr<Caller> Authenticator::FromKey(std::string_view authorization) const {
  std::string_view key = authorization;
  if (key.size() > 7 && base::EqualsIgnoreAsciiCase(key.substr(0, 7), "bearer "))
    key = base::Trim(key.substr(7));
  const std::string hash = Sha256Hex(key);
  const ApiKey* found = nullptr;
  for (const ApiKey& candidate : options_.keys) {
    if (SecretEquals(hash, candidate.sha256)) found = &candidate;
  }
  if (found == nullptr) {
    return base::Unauthenticated("API_KEY", "The API key is not known here.")
        .Hint(
            "Add it to auth.keys as {name, role, sha256}; `printf %s KEY | sha256sum` prints the "
            "hash.");
  }
  return Caller{"", {"key:" + found->name, found->role}};
}

}  // namespace opsmesh::rpc
