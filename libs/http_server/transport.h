// A connected socket, plain or with TLS. Non-blocking throughout.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/http_server/http_server.h"
#include "libs/http_server/unique_fd.h"

struct ssl_st;
struct ssl_ctx_st;

namespace opsmesh::http_server {

struct SslDeleter {
  void operator()(ssl_st* ssl) const;
  void operator()(ssl_ctx_st* context) const;
};
using SslPtr = std::unique_ptr<ssl_st, SslDeleter>;
using SslContextPtr = std::unique_ptr<ssl_ctx_st, SslDeleter>;

/// INVALID_ARGUMENT (TLS_CERTIFICATE, TLS_KEY, TLS_CLIENT_CA) with OpenSSL's sentence when the PEM
/// texts do not fit.
absl::StatusOr<SslContextPtr> MakeTlsContext(const TlsOptions& options);
/// A server session on `fd`, or null when memory is short.
SslPtr MakeTlsSession(ssl_ctx_st& context, int fd);

/// Plain transports may be written to from any thread (the caller serialises writers); TLS only
/// from the loop's.
class Transport {
 public:
  // Results below 0 of Read() and Write().
  static constexpr ssize_t kWouldBlock = -1;
  static constexpr ssize_t kBroken = -2;

  Transport(UniqueFd fd, SslPtr tls) : fd_(std::move(fd)), tls_(std::move(tls)) {}

  int fd() const { return fd_.get(); }
  bool is_tls() const { return tls_ != nullptr; }

  enum class Handshake { kDone, kWouldBlock, kFailed };
  Handshake ContinueHandshake();
  /// Name of the verified client certificate; empty without one.
  std::string ClientCommonName() const;
  std::vector<std::string> ClientOrganizations() const;

  /// Bytes read, 0 at the end of the stream, or a code above.
  ssize_t Read(char* buffer, size_t size);
  /// Bytes written (may be fewer), or a code above.
  ssize_t Write(const iovec* parts, int count);
  /// TLS needs the socket writable before it can read on (or before the handshake goes on).
  bool wants_write() const { return wants_write_; }
  /// Tells the peer that nothing more will come. `orderly` is false for a cut: no TLS farewell
  /// then.
  void ShutdownWrite(bool orderly);

 private:
  ssize_t TlsResult(int result);

  UniqueFd fd_;
  SslPtr tls_;
  bool wants_write_ = false;
};

}  // namespace opsmesh::http_server
