#include "libs/kube/credentials.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/files.h"

namespace opsmesh::kube {
namespace {

constexpr absl::Duration kTokenLife = absl::Seconds(60);
constexpr absl::Duration kMostLead = absl::Minutes(2);
constexpr absl::Duration kFailureHolds = absl::Seconds(2);
constexpr absl::Duration kTooYoungToRenew = absl::Seconds(5);

http_client::Connection ConnectionOf(const ClusterConfig& config) {
  http_client::Connection connection;
  connection.ca_pem = config.ca_pem;
  connection.client_cert_pem = config.client_cert_pem;
  connection.client_key_pem = config.client_key_pem;
  connection.tls_server_name = config.tls_server_name;
  connection.insecure_skip_tls_verify = config.insecure_skip_tls_verify;
  connection.proxy_url = config.proxy_url;
  connection.no_proxy = config.no_proxy;
  return connection;
}

absl::Status ExpiredAlready() {
  return base::FailedPrecondition(
             "EXEC_PLUGIN_EXPIRED",
             "The credential plugin answered with a credential that has expired already.")
      .Hint("Log in again with the plugin's own tool, and check this machine's clock.");
}

}  // namespace

absl::StatusOr<base::Secret> TokenSource::Get() {
  if (file_.empty()) return fixed_;
  const std::lock_guard lock(mutex_);
  const absl::Duration now = clock_.Steady();
  if (now - read_at_ < kTokenLife) return cached_;
  absl::StatusOr<std::string> text = ReadSmallFile(file_);
  // Without a token the server would take us for nobody, whose refusals mean nothing.
  if (text.ok() && base::Trim(*text).empty())
    text = base::FailedPrecondition("FILE_EMPTY", "it is empty");
  if (!text.ok()) {
    if (!cached_.empty()) return cached_;  // while the file is being replaced
    if (!fixed_.empty()) return fixed_;
    return base::FailedPrecondition("TOKEN_UNREADABLE",
                                    fmt::format("The token file {} cannot be read: {}.", file_,
                                                base::ToStd(text.status().message())))
        .Hint("Check that the file is there and readable by this user.");
  }
  cached_ = base::Secret(std::string(base::Trim(*text)));
  read_at_ = now;
  return cached_;
}

bool TokenSource::Renew() {
  if (file_.empty()) return false;
  const std::lock_guard lock(mutex_);
  read_at_ = -absl::InfiniteDuration();
  return true;
}

bool ExecSource::Fresh() const { return held_ != nullptr && clock_.Now() < refresh_at_; }

absl::StatusOr<std::shared_ptr<const ExecCredential>> ExecSource::Get(const base::Context& ctx) {
  std::unique_lock lock(mutex_);
  while (!Fresh() && asking_) {
    if (held_ != nullptr && clock_.Now() < held_->expires && refresh_at_ != absl::InfinitePast())
      return held_;
    if (const absl::Status over = ctx.Check(); !over.ok()) return over;
    changed_.wait_for(
        lock, absl::ToChronoNanoseconds(std::min(ctx.Remaining(), absl::Milliseconds(100))));
  }
  if (Fresh()) return held_;
  const bool still_valid =
      held_ != nullptr && refresh_at_ != absl::InfinitePast() && clock_.Now() < held_->expires;
  if (!failure_.ok() && clock_.Steady() - failed_at_ < kFailureHolds) {
    if (still_valid) return held_;
    return failure_;
  }
  asking_ = true;
  lock.unlock();
  absl::StatusOr<ExecCredential> answer = ask_(ctx);
  if (answer.ok() && answer->expires <= clock_.Now()) answer = ExpiredAlready();
  lock.lock();
  asking_ = false;
  changed_.notify_all();
  if (!answer.ok()) {
    if (answer.status().code() !=
        absl::StatusCode::kCancelled) {  // a caller that left says nothing about the plugin
      failure_ = answer.status();
      failed_at_ = clock_.Steady();
    }
    if (still_valid) return held_;
    return answer.status();
  }
  failure_ = absl::OkStatus();
  const absl::Time now = clock_.Now();
  held_ = std::make_shared<const ExecCredential>(*std::move(answer));
  refresh_at_ = held_->expires == absl::InfiniteFuture()
                    ? absl::InfiniteFuture()
                    : held_->expires -
                          std::clamp((held_->expires - now) / 5, absl::ZeroDuration(), kMostLead);
  asked_at_ = clock_.Steady();
  return held_;
}

void ExecSource::Renew() {
  const std::lock_guard lock(mutex_);
  if (clock_.Steady() - asked_at_ >= kTooYoungToRenew) refresh_at_ = absl::InfinitePast();
}

CertificateFiles::CertificateFiles(const ClusterConfig& config, const base::Clock& clock)
    : ca_file_(config.ca_file),
      cert_file_(config.client_cert_file),
      key_file_(config.client_key_file),
      clock_(clock),
      connection_(std::make_shared<const http_client::Connection>(ConnectionOf(config))),
      read_at_(clock.Steady()) {}

void CertificateFiles::Read() {
  read_at_ = clock_.Steady();
  http_client::Connection next = *connection_;
  // A file that is just being replaced, or half of a pair, changes nothing yet.
  if (!ca_file_.empty()) {
    if (auto ca = ReadSmallFile(ca_file_); ca.ok() && !ca->empty()) next.ca_pem = *std::move(ca);
  }
  if (!cert_file_.empty() && !key_file_.empty()) {
    auto cert = ReadSmallFile(cert_file_);
    auto key = ReadSmallFile(key_file_);
    if (cert.ok() && key.ok() && !cert->empty() && !key->empty()) {
      next.client_cert_pem = *std::move(cert);
      next.client_key_pem = base::Secret(*std::move(key));
    }
  }
  if (next.ca_pem == connection_->ca_pem && next.client_cert_pem == connection_->client_cert_pem &&
      next.client_key_pem.Reveal() == connection_->client_key_pem.Reveal()) {
    return;
  }
  connection_ = std::make_shared<const http_client::Connection>(std::move(next));
}

std::shared_ptr<const http_client::Connection> CertificateFiles::Get() {
  const std::lock_guard lock(mutex_);
  const bool files = !ca_file_.empty() || !cert_file_.empty();
  if (files && clock_.Steady() - read_at_ >= kTokenLife) Read();
  return connection_;
}

bool CertificateFiles::Renew(const http_client::Connection* used) {
  const std::lock_guard lock(mutex_);
  if (ca_file_.empty() && cert_file_.empty()) return false;
  Read();
  return connection_.get() != used;
}

Credentials::Credentials(const ClusterConfig& config, const base::Clock& clock)
    : certificates_(config, clock), tokens_(config, clock) {
  if (!config.exec) return;
  exec_ = std::make_unique<ExecSource>(
      [plugin = *config.exec](const base::Context& ctx) { return AskExecHelper(ctx, plugin); },
      clock);
}

std::shared_ptr<const http_client::Connection> Credentials::ConnectionFor(
    const std::shared_ptr<const ExecCredential>& credential) {
  const auto plain = certificates_.Get();
  if (credential->client_cert_pem.empty()) return plain;
  const std::lock_guard lock(mutex_);
  if (connected_as_ != credential || connected_by_ != plain) {
    http_client::Connection connection = *plain;
    connection.client_cert_pem = credential->client_cert_pem;
    connection.client_key_pem = credential->client_key_pem;
    exec_connection_ = std::make_shared<const http_client::Connection>(std::move(connection));
    connected_as_ = credential;
    connected_by_ = plain;
  }
  return exec_connection_;
}

absl::StatusOr<Credential> Credentials::Get(const base::Context& ctx) {
  if (exec_ != nullptr) {
    OPSMESH_ASSIGN_OR_RETURN(const std::shared_ptr<const ExecCredential> credential,
                             exec_->Get(ctx));
    return Credential{credential->token, ConnectionFor(credential)};
  }
  OPSMESH_ASSIGN_OR_RETURN(base::Secret token, tokens_.Get());
  return Credential{std::move(token), certificates_.Get()};
}

bool Credentials::Renew(const http_client::Connection* used) {
  const bool changed = certificates_.Renew(used);
  if (exec_ == nullptr) return tokens_.Renew() || changed;
  exec_->Renew();
  return true;
}

}  // namespace opsmesh::kube
