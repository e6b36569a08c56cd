// What libcurl is told of a request before it starts: method, headers, TLS, proxy, limits.
#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/http_client/transfer.h"

namespace opsmesh::http_client {
namespace {

constexpr long kReadBuffer = 256 << 10;

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

curl_blob Blob(const std::string& bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_COPY};
}

/// OpenSSL overwrites what it has decrypted once it is read. Connections are shared by calls, so
/// this is for all.
CURLcode CleansePlaintext(CURL*, void* context, void*) {
  SSL_CTX_set_options(static_cast<SSL_CTX*>(context), SSL_OP_CLEANSE_PLAINTEXT);
  return CURLE_OK;
}

bool TlsIsOpenSsl() {
  static const bool yes = [] {
    const char* const version = curl_version_info(CURLVERSION_NOW)->ssl_version;
    return version != nullptr && std::string_view(version).find("OpenSSL") != std::string::npos;
  }();
  return yes;
}

}  // namespace

absl::Status Transfer::Prepare(const std::string& user_agent) {
  user_agent_ = user_agent;
  OPSMESH_ASSIGN_OR_RETURN(url_, SplitUrl(request_.url));
  if (easy_ == nullptr) easy_ = curl_easy_init();
  if (easy_ == nullptr)
    return base::ResourceExhausted("OUT_OF_MEMORY", "No memory for another HTTP call.");
  curl_easy_setopt(easy_, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy_, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_text_);
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &HeaderCallback);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &WriteCallback);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  SetConnection();
  SetLimits();
  OPSMESH_RETURN_IF_ERROR(SetHeaders());
  return SetMethodAndBody();
}

absl::Status Transfer::SetMethodAndBody() {
  const std::string& method = request_.method;
  if (method.empty() ||
      !std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return base::InvalidArgument("method", "INVALID_METHOD",
                                 "The HTTP method is not a word of capital letters.");
  }
  if (method == "HEAD") {
    curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
    return absl::OkStatus();
  }
  const bool has_body =
      !request_.body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
  if (has_body) {
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, request_.body.data());
  } else {
    curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);
  }
  curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, method.c_str());
  return absl::OkStatus();
}

absl::Status Transfer::SetHeaders() {
  curl_slist_free_all(headers_);
  headers_ = curl_slist_append(nullptr, "Expect:");  // no waiting for 100-continue
  bool content_type = false;
  bool agent = false;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (name.empty() || HasControl(name) || HasControl(value) ||
        name.find_first_of(": \t") != std::string_view::npos) {
      return false;
    }
    content_type |= base::EqualsIgnoreAsciiCase(name, "Content-Type");
    agent |= base::EqualsIgnoreAsciiCase(name, "User-Agent");
    // libcurl writes a header without a value only in this form.
    const std::string line =
        value.empty() ? fmt::format("{};", name) : fmt::format("{}: {}", name, value);
    headers_ = curl_slist_append(headers_, line.c_str());
    return true;
  };
  bool valid = true;
  for (const auto& [name, value] : request_.headers) valid &= add(name, value);
  for (const auto& [name, value] : request_.secret_headers) valid &= add(name, value.Reveal());
  if (!valid) {
    return base::InvalidArgument(
        "headers", "INVALID_HEADER",
        "A header of the request holds a line break or another control character.");
  }
  if (!content_type) headers_ = curl_slist_append(headers_, "Content-Type:");
  if (!agent) valid &= add("User-Agent", user_agent_);
  if (request_.connection != nullptr && !request_.connection->tls_server_name.empty()) {
    headers_ = curl_slist_append(headers_, fmt::format("Host: {}", url_.authority()).c_str());
  }
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
  return absl::OkStatus();
}

void Transfer::SetConnection() {
  static const Connection kPlain;
  const Connection& connection = request_.connection != nullptr ? *request_.connection : kPlain;
  curl_easy_setopt(easy_, CURLOPT_PROXY,
                   connection.proxy_url.c_str());  // "" = none, not even the environment's
  curl_easy_setopt(easy_, CURLOPT_NOPROXY, connection.no_proxy.c_str());
  if (!connection.ca_pem.empty()) {
    curl_blob blob = Blob(connection.ca_pem);
    curl_easy_setopt(easy_, CURLOPT_CAINFO_BLOB, &blob);
  }
  if (!connection.client_cert_pem.empty()) {
    curl_blob cert = Blob(connection.client_cert_pem);
    curl_blob key = Blob(connection.client_key_pem.Reveal());
    curl_easy_setopt(easy_, CURLOPT_SSLCERTTYPE, "PEM");
    curl_easy_setopt(easy_, CURLOPT_SSLKEYTYPE, "PEM");
    curl_easy_setopt(easy_, CURLOPT_SSLCERT_BLOB, &cert);
    curl_easy_setopt(easy_, CURLOPT_SSLKEY_BLOB, &key);
  }
  if (connection.insecure_skip_tls_verify) {
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (TlsIsOpenSsl()) curl_easy_setopt(easy_, CURLOPT_SSL_CTX_FUNCTION, &CleansePlaintext);
  curl_easy_setopt(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!connection.tls_server_name.empty() && url_.scheme == "https") {
    // The certificate is checked against the URL's host: put the wanted name there and connect to
    // the real one.
    const std::string named =
        fmt::format("https://{}:{}{}", connection.tls_server_name, url_.port, url_.target);
    curl_easy_setopt(easy_, CURLOPT_URL, named.c_str());
    curl_slist_free_all(connect_to_);
    connect_to_ = curl_slist_append(nullptr, fmt::format("{}:{}:{}:{}", connection.tls_server_name,
                                                         url_.port, url_.host, url_.port)
                                                 .c_str());
    curl_easy_setopt(easy_, CURLOPT_CONNECT_TO, connect_to_);
  }
  if (connection.address_policy) {
    curl_easy_setopt(easy_, CURLOPT_OPENSOCKETFUNCTION, &OpenSocketCallback);
    curl_easy_setopt(easy_, CURLOPT_OPENSOCKETDATA, this);
  }
  curl_easy_setopt(easy_, CURLOPT_PREREQFUNCTION, &BeforeRequestCallback);
  curl_easy_setopt(easy_, CURLOPT_PREREQDATA, this);
}

void Transfer::SetLimits() {
  const absl::Duration connect =
      std::clamp(request_.connect_timeout, absl::Milliseconds(1), absl::Hours(1));
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(connect)));
  curl_easy_setopt(easy_, CURLOPT_BUFFERSIZE, kReadBuffer);
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPIDLE, 30L);
  curl_easy_setopt(easy_, CURLOPT_TCP_KEEPINTVL, 10L);
  curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT,
                   1L);  // a slow resolver must not hold up the other transfers
  if (request_.send_once) curl_easy_setopt(easy_, CURLOPT_FRESH_CONNECT, 1L);
  if (request_.accept_gzip && !request_.wipe_answer)
    curl_easy_setopt(easy_, CURLOPT_ACCEPT_ENCODING, "gzip");
}

}  // namespace opsmesh::http_client
