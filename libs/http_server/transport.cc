#include "libs/http_server/transport.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "fmt/format.h"
#include "libs/base/error.h"

namespace opsmesh::http_server {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

std::string LastTlsError() {
  char text[256] = "no detail";
  if (const unsigned long code = ERR_get_error(); code != 0)
    ERR_error_string_n(code, text, sizeof(text));
  ERR_clear_error();
  return text;
}

absl::Status TlsError(std::string_view field, std::string_view reason, std::string_view what) {
  return base::InvalidArgument(field, reason, fmt::format("{}: {}.", what, LastTlsError()))
      .Hint("Check that the files are PEM, and that the private key belongs to the certificate.");
}

Owned<BIO> Pem(const std::string& text) {
  return Owned<BIO>(
      BIO_new_mem_buf(text.data(), static_cast<int>(std::min<size_t>(text.size(), INT_MAX))));
}

absl::Status UseCertificate(SSL_CTX* context, const TlsOptions& options) {
  const Owned<BIO> chain = Pem(options.certificate_chain);
  const Owned<X509> leaf(PEM_read_bio_X509_AUX(chain.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return TlsError("tls.certificate_chain", "TLS_CERTIFICATE",
                    "The server certificate could not be read");
  }
  while (X509* issuer = PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)) {
    SSL_CTX_add0_chain_cert(context, issuer);
  }
  ERR_clear_error();  // the end of the file counts as an error there
  const Owned<BIO> key_text = Pem(options.private_key.Reveal());
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return TlsError("tls.private_key", "TLS_KEY", "The private key could not be used");
  }
  return absl::OkStatus();
}

absl::Status UseClientCa(SSL_CTX* context, const TlsOptions& options) {
  if (options.client_ca.empty() && !options.require_client) return absl::OkStatus();
  const Owned<BIO> text = Pem(options.client_ca);
  int count = 0;
  while (X509* raw = PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)) {
    const Owned<X509> ca(raw);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get());
    SSL_CTX_add_client_CA(context, ca.get());
    ++count;
  }
  if (count == 0)
    return TlsError("tls.client_ca", "TLS_CLIENT_CA",
                    "The CA of client certificates could not be read");
  ERR_clear_error();
  SSL_CTX_set_verify(
      context, SSL_VERIFY_PEER | (options.require_client ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
      nullptr);
  return absl::OkStatus();
}

// We speak HTTP/1.1 only; a client that offers something else too must be told.
int SelectProtocol(SSL*, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, kOurs, sizeof(kOurs) - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

std::vector<std::string> SubjectEntries(const SSL* ssl, int nid) {
  std::vector<std::string> values;
  const Owned<X509> certificate(SSL_get1_peer_certificate(ssl));
  if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK) return values;
  const X509_NAME* subject = X509_get_subject_name(certificate.get());
  for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, nid, i)) >= 0;) {
    unsigned char* utf8 = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
    if (size < 0) continue;
    values.emplace_back(reinterpret_cast<char*>(utf8), static_cast<size_t>(size));
    OPENSSL_free(utf8);
  }
  return values;
}

}  // namespace

void SslDeleter::operator()(ssl_st* ssl) const { SSL_free(ssl); }
void SslDeleter::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

absl::StatusOr<SslContextPtr> MakeTlsContext(const TlsOptions& options) {
  SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return TlsError("tls", "TLS_CONTEXT", "TLS could not be set up");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Idle sessions give their buffers back; writes may go out in parts from a buffer that moved in
  // between.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  static constexpr unsigned char kSessionContext[] = "opsmesh";
  SSL_CTX_set_session_id_context(context.get(), kSessionContext, sizeof(kSessionContext) - 1);
  SSL_CTX_set_alpn_select_cb(context.get(), SelectProtocol, nullptr);
  OPSMESH_RETURN_IF_ERROR(UseCertificate(context.get(), options));
  OPSMESH_RETURN_IF_ERROR(UseClientCa(context.get(), options));
  return context;
}

SslPtr MakeTlsSession(ssl_ctx_st& context, int fd) {
  SslPtr session(SSL_new(&context));
  if (session && SSL_set_fd(session.get(), fd) != 1) session.reset();
  if (session) SSL_set_accept_state(session.get());
  return session;
}

Transport::Handshake Transport::ContinueHandshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(tls_.get());
  if (result == 1) {
    wants_write_ = false;
    return Handshake::kDone;
  }
  return TlsResult(result) == kWouldBlock ? Handshake::kWouldBlock : Handshake::kFailed;
}

std::string Transport::ClientCommonName() const {
  const auto names = SubjectEntries(tls_.get(), NID_commonName);
  return names.empty() ? std::string() : names.back();
}

std::vector<std::string> Transport::ClientOrganizations() const {
  return SubjectEntries(tls_.get(), NID_organizationName);
}

ssize_t Transport::TlsResult(int result) {
  const int error = SSL_get_error(tls_.get(), result);
  wants_write_ = error == SSL_ERROR_WANT_WRITE;
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return kWouldBlock;
  ERR_clear_error();
  return error == SSL_ERROR_ZERO_RETURN ? 0 : kBroken;
}

ssize_t Transport::Read(char* buffer, size_t size) {
  if (tls_) {
    ERR_clear_error();
    const int n = SSL_read(tls_.get(), buffer, static_cast<int>(std::min<size_t>(size, INT_MAX)));
    if (n <= 0) return TlsResult(n);
    wants_write_ = false;
    return n;
  }
  while (true) {
    const ssize_t n = ::recv(fd_.get(), buffer, size, 0);
    if (n >= 0) return n;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return kWouldBlock;
    if (errno != EINTR) return kBroken;
  }
}

ssize_t Transport::Write(const iovec* parts, int count) {
  if (tls_) {
    ssize_t total = 0;
    for (int i = 0; i < count; ++i) {
      if (parts[i].iov_len == 0) continue;
      ERR_clear_error();
      const int want = static_cast<int>(std::min<size_t>(parts[i].iov_len, INT_MAX));
      const int n = SSL_write(tls_.get(), parts[i].iov_base, want);
      if (n <= 0) {
        const ssize_t code = TlsResult(n);
        if (code == kWouldBlock) return total > 0 ? total : kWouldBlock;
        return kBroken;
      }
      wants_write_ = false;
      total += n;
      if (n < want) return total;
    }
    return total;
  }
  while (count > 0 && parts[count - 1].iov_len == 0) --count;
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = static_cast<size_t>(count);
  while (true) {
    // send() spares the kernel the copying of a message header, for the answers that matter most.
    const ssize_t n = count == 1
                          ? ::send(fd_.get(), parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL)
                          : ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (n >= 0) return n;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return kWouldBlock;
    if (errno != EINTR) return kBroken;
  }
}

void Transport::ShutdownWrite(bool orderly) {
  if (tls_ && orderly && SSL_is_init_finished(tls_.get())) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());
    ERR_clear_error();
  }
  ::shutdown(fd_.get(), SHUT_WR);
}

}  // namespace opsmesh::http_server
