// Who we are to an API server, kept fresh: fixed credentials, a token file that rotates, an exec
// plugin.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"
#include "libs/base/secret.h"
#include "libs/http_client/http_client.h"
#include "libs/kube/config.h"
#include "libs/kube/exec_plugin.h"

namespace opsmesh::kube {

/// The bearer token, read again from its file at least every 60 s. Thread-safe.
class TokenSource {
 public:
  TokenSource(const ClusterConfig& config, const base::Clock& clock)
      : fixed_(config.token), file_(config.token_file), clock_(clock) {}
  /// FAILED_PRECONDITION (TOKEN_UNREADABLE) when there is a file that cannot be read.
  absl::StatusOr<base::Secret> Get();
  /// After a 401: read the file again on the next Get. False when there is no file, so that trying
  /// again is useless.
  bool Renew();

 private:
  const base::Secret fixed_;
  const std::string file_;
  const base::Clock& clock_;
  std::mutex mutex_;
  base::Secret cached_;
  absl::Duration read_at_ = -absl::InfiniteDuration();
};

/// What an exec plugin said, kept until shortly before it expires (a fifth of its life, two minutes
/// at most). One caller asks at a time, the others wait inside their contexts, or go on with what
/// is still valid. A failure holds for two seconds, so that many callers do not start many
/// programs. Thread-safe.
class ExecSource {
 public:
  using Ask = std::function<absl::StatusOr<ExecCredential>(const base::Context&)>;
  ExecSource(Ask ask, const base::Clock& clock) : ask_(std::move(ask)), clock_(clock) {}
  absl::StatusOr<std::shared_ptr<const ExecCredential>> Get(const base::Context& ctx);
  /// After a 401: asks anew on the next Get, unless what it has is younger than five seconds.
  void Renew();

 private:
  bool Fresh() const;
  const Ask ask_;
  const base::Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool asking_ = false;
  std::shared_ptr<const ExecCredential> held_;
  absl::Time refresh_at_ = absl::InfinitePast();  // wall time, as expirations are
  absl::Duration asked_at_ = -absl::InfiniteDuration();
  absl::Status failure_;
  absl::Duration failed_at_ = -absl::InfiniteDuration();
};

/// How the server is reached and who it must be, read again from the files it came from: at least
/// every 60 s, and when told to. Thread-safe.
class CertificateFiles {
 public:
  CertificateFiles(const ClusterConfig& config, const base::Clock& clock);
  std::shared_ptr<const http_client::Connection> Get();
  /// After a refusal: reads now. True when what there is now is not what was `used`, so that trying
  /// again makes sense.
  bool Renew(const http_client::Connection* used);

 private:
  void Read();  // under the mutex
  const std::string ca_file_;
  const std::string cert_file_;
  const std::string key_file_;
  const base::Clock& clock_;
  std::mutex mutex_;
  std::shared_ptr<const http_client::Connection> connection_;
  absl::Duration read_at_;
};

/// What goes with one request.
struct Credential {
  base::Secret token;  // empty = none
  std::shared_ptr<const http_client::Connection> connection;
};

/// All of the above behind one question. Thread-safe.
class Credentials {
 public:
  Credentials(const ClusterConfig& config, const base::Clock& clock);
  absl::StatusOr<Credential> Get(const base::Context& ctx);
  /// After a 401 over `used`. False when nothing else can come of asking again.
  bool Renew(const http_client::Connection* used);
  /// After a failure of TLS over `used`. True when there are other certificates now.
  bool RenewCertificates(const http_client::Connection* used) { return certificates_.Renew(used); }

 private:
  std::shared_ptr<const http_client::Connection> ConnectionFor(
      const std::shared_ptr<const ExecCredential>& credential);
  CertificateFiles certificates_;
  TokenSource tokens_;
  std::unique_ptr<ExecSource> exec_;
  std::mutex mutex_;
  std::shared_ptr<const ExecCredential> connected_as_;  // of exec_connection_, as is the next
  std::shared_ptr<const http_client::Connection> connected_by_;
  std::shared_ptr<const http_client::Connection> exec_connection_;
};

}  // namespace opsmesh::kube
