// The key of service account tokens: JSON Web Tokens signed with RSASSA-PKCS1-v1_5 and SHA-256
// (RFC 7515, RFC 7518 section 3.3), as a kube-apiserver signs them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libs/kubesim/store/json.h"

namespace opsmesh::kubesim {

/// Thread-safe. The key (RSA, 2048 bits) is made at the first use, in some hundred milliseconds.
class TokenSigner {
 public:
  /// Without a `seed` the key comes from the kernel's generator; with one the same seed makes the
  /// same key, so that signatures are the same bytes in every run: for clusters in virtual time.
  /// Whoever knows the seed can sign.
  explicit TokenSigner(std::optional<uint64_t> seed = std::nullopt);
  ~TokenSigner();

  /// The compact form of `claims`; "" when OpenSSL refuses.
  std::string Sign(const Json& claims) const;
  /// The claims of a token as they stand there, unverified; nothing when it is no JSON Web Token.
  static std::optional<Json> Claims(std::string_view token);
  /// Whether the token is signed by this key: RS256 and nothing else.
  bool Verify(std::string_view token) const;

  /// The public key as a JSON Web Key Set (RFC 7517), for relying parties.
  Json KeySet() const;

 private:
  struct Key;
  const Key& key() const;

  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace opsmesh::kubesim
