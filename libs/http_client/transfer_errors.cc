#include "libs/http_client/transfer_errors.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cstring>
#include <string_view>

#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::http_client {
namespace {

std::string Detail(const Failure& failure) {
  if (failure.os_errno != 0)
    return base::AsciiLower(std::strerror(static_cast<int>(failure.os_errno)));
  if (!failure.curl_text.empty()) return base::SanitizeUtf8(failure.curl_text);
  return curl_easy_strerror(static_cast<CURLcode>(failure.curl_code));
}

absl::Status Make(base::Error error, const Failure& failure, std::string_view hint) {
  return std::move(error).Hint(hint).With("host", failure.authority);
}

/// In TLS 1.3 a server judges the client's certificate after the handshake: its alert comes with
/// the first read.
bool CertificateRefused(const Failure& failure) {
  for (const std::string_view alert : {"alert unknown ca", "alert bad certificate",
                                       "alert certificate", "alert unsupported certificate"}) {
    if (failure.curl_text.find(alert) != std::string::npos) return true;
  }
  return false;
}

absl::Status TlsError(const Failure& failure) {
  std::string detail = failure.curl_text.empty()
                           ? curl_easy_strerror(static_cast<CURLcode>(failure.curl_code))
                           : base::SanitizeUtf8(failure.curl_text);
  std::string_view hint =
      "Check the certificate authority, the client certificate and the server's name.";
  if (failure.curl_code == CURLE_PEER_FAILED_VERIFICATION) {
    hint =
        "Give the certificate authority that signed the server's certificate, or the name it is "
        "made out to.";
  } else if (CertificateRefused(failure)) {
    hint =
        "The server refuses the client certificate: it may have expired, or another authority "
        "signed it.";
  } else if (failure.curl_code == CURLE_SSL_CERTPROBLEM) {
    hint =
        "The client certificate or its key cannot be used; check that both are PEM and belong "
        "together.";
  }
  return Make(base::Unavailable("TLS_FAILED", fmt::format("The TLS connection to {} failed: {}.",
                                                          failure.authority, detail)),
              failure, hint);
}

}  // namespace

absl::Status ToError(const Failure& failure) {
  const std::string& host = failure.authority;
  switch (failure.curl_code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return Make(base::Unavailable("NAME_NOT_RESOLVED",
                                    fmt::format("The host name of {} is not known.", host)),
                  failure, "Check the spelling of the host, or the DNS of this machine.");
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
      return Make(
          base::Unavailable("PROXY_FAILED", fmt::format("The proxy on the way to {} failed: {}.",
                                                        host, Detail(failure))),
          failure, "Check the proxy's address and that it lets this host through.");
    case CURLE_COULDNT_CONNECT:
      return Make(base::Unavailable("CONNECT_FAILED",
                                    fmt::format("No connection to {}{}: {}.", host,
                                                failure.through_proxy ? " through the proxy" : "",
                                                Detail(failure))),
                  failure, "Check that the server runs and that address and port are right.");
    case CURLE_OPERATION_TIMEDOUT:
      return Make(
          base::DeadlineExceeded("CONNECT_TIMEOUT",
                                 fmt::format("{} did not accept a connection in time.", host)),
          failure, "Check the network and any firewall between here and there.");
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
      return TlsError(failure);
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return Make(base::Unavailable("MALFORMED_RESPONSE",
                                    fmt::format("{} answered with something that is not HTTP: {}.",
                                                host, Detail(failure))),
                  failure, "Check that the port speaks this protocol (http or https).");
    default:
      break;
  }
  if (CertificateRefused(failure)) return TlsError(failure);
  // RECV_ERROR before the connection stood with a proxy in between is the proxy's refusal of
  // CONNECT.
  if (failure.through_proxy && !failure.connected) {
    return Make(
        base::Unavailable("PROXY_FAILED", fmt::format("The proxy did not open a way to {}: {}.",
                                                      host, Detail(failure))),
        failure, "Check the proxy's credentials and that it lets this host through.");
  }
  return Make(
      base::Unavailable("CONNECTION_LOST",
                        fmt::format("The connection to {} broke off: {}.", host, Detail(failure))),
      failure, "Try again; when it happens again look at the server's log.");
}

}  // namespace opsmesh::http_client
