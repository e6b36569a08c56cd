// A certificate authority of the simulator's own, for its TLS door.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/secret.h"

namespace opsmesh::kubesim {

/// A certificate and its key, PEM.
struct KeyPair {
  std::string certificate;
  base::Secret key;
};

/// EC P-256 throughout. Thread-safe after Create().
class CertificateAuthority {
 public:
  /// INTERNAL (CRYPTO_FAILED) when OpenSSL refuses.
  static absl::StatusOr<std::unique_ptr<CertificateAuthority>> Create(absl::Time now);
  virtual ~CertificateAuthority() = default;

  virtual std::string certificate() const = 0;
  /// For a server reached under these names ("DNS:localhost", "IP:127.0.0.1").
  virtual absl::StatusOr<KeyPair> IssueServer(const std::vector<std::string>& names) const = 0;
  /// For a user: CN = name, O = groups.
  virtual absl::StatusOr<KeyPair> IssueClient(std::string_view user,
                                              const std::vector<std::string>& groups) const = 0;
};

}  // namespace opsmesh::kubesim
