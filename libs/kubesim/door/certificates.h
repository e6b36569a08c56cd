// A certificate authority of the simulator's own, for its TLS door.
#pragma once

#include <memory>
#include <optional>
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

/// What a signed certificate may be used for, in the words of certificates.k8s.io.
struct CertificateUse {
  std::vector<std::string> usages;  // "digital signature", "client auth" ...
  absl::Duration validity = absl::Hours(24 * 365);
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
  /// A certificate for the key and subject of a request (PKCS #10, PEM), valid from five minutes
  /// before `now` (the machine's clock counts, as peers check against it) for `validity`.
  /// INVALID_ARGUMENT (REQUEST_INVALID) when it is none, or not signed by its own key.
  virtual absl::StatusOr<std::string> SignRequest(const std::string& pem,
                                                  const CertificateUse& use) const = 0;
};

/// What a certificate request says of itself; nothing when it is none or not signed by its key.
struct RequestSubject {
  std::string common_name;
  std::vector<std::string> organizations;
  std::vector<std::string> dns_names, addresses;  // alternative names; addresses in text form
  bool other_names = false;                       // mail addresses or URIs too
};
std::optional<RequestSubject> ReadRequest(const std::string& pem);

}  // namespace opsmesh::kubesim
