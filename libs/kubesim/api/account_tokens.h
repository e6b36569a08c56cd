// Tokens of service accounts: what a token says, who may still use it. The two kinds a real server
// has: bound tokens (TokenRequest: audiences, expiry, a pod, secret or node they die with) and the
// ones in Secrets of type kubernetes.io/service-account-token, which live as long as the Secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/kubesim/api/call.h"
#include "libs/kubesim/api/token_signer.h"

namespace opsmesh::kubesim {

/// Issuer of bound tokens and the audience of the API server itself.
inline constexpr std::string_view kTokenIssuer = "https://kubernetes.default.svc.cluster.local";
/// Lifetime that the projected volume of a pod asks for; such a token of the API server's own
/// audience lives a year, so that programs that never read the file again go on.
inline constexpr int64_t kProjectedSeconds = 3607;

/// What a bound token is to say.
struct TokenWish {
  std::vector<std::string> audiences;
  int64_t seconds = 3600;
  /// The object it dies with ("pod", "secret" or "node"); null without one.
  std::string bound_kind;
  ObjectPtr bound;
};
std::string SignBoundToken(const Cluster& cluster, const TokenSigner& signer, const Object& account,
                           const TokenWish& wish);
/// The token for `secret`, of type kubernetes.io/service-account-token.
std::string SignSecretToken(const TokenSigner& signer, const Object& account, const Object& secret);

/// Who bears a token, or why nobody does.
struct TokenVerdict {
  std::optional<User> user;
  std::vector<std::string> audiences;  // those it is valid for among the wanted ones
  std::string error;                   // of a token that is a service account's; "" for all others
  ObjectPtr secret;                    // that it was read from; null for bound tokens
};
/// Checks signature, issuer, time (a minute of leeway), audience, and that account and bound object
/// are still there. `audiences`: those that may read it; empty = the API server.
TokenVerdict CheckAccountToken(const Cluster& cluster, const TokenSigner& signer,
                               std::string_view token, const std::vector<std::string>& audiences);

/// /.well-known/openid-configuration of a server whose address is `root` ("https://host:port").
Json IssuerDocument(std::string_view root);

}  // namespace opsmesh::kubesim
