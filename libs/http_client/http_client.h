// The one HTTP client of OpsMesh: for the apiserver, Prometheus, LLM providers, chat platforms and
// MCP servers.
//
// One background thread drives every transfer (libcurl multi), connections are kept and reused, and
// every call ends within about 50 ms of its Context's deadline or cancellation, whatever the peer
// does. Redirects are not followed unless asked for, proxies of the environment are not used unless
// handed over, and no error text holds credentials.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/base/secret.h"

namespace opsmesh::http_client {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

/// How the peer is reached and who it must be. Shared by many requests; immutable once used.
struct Connection {
  /// PEM of the certificate authorities to trust; empty = the system's.
  std::string ca_pem;
  /// PEM of the client certificate chain and its key; both or none.
  std::string client_cert_pem;
  base::Secret client_key_pem;
  /// Name in SNI and in the certificate, when it is not the host of the URL.
  std::string tls_server_name;
  /// Accepts any certificate. Only for a cluster whose owner wrote so.
  bool insecure_skip_tls_verify = false;
  /// "http://", "https://", "socks5://" or "socks5h://" URL; credentials in it are allowed. Empty =
  /// direct.
  std::string proxy_url;
  /// Comma-separated hosts, domains and CIDR ranges that are reached directly in spite of the
  /// proxy.
  std::string no_proxy;
  /// Judges every address before a byte is sent to it, on new and on reused connections (SSRF pin).
  /// `ip` is textual. A status that is not OK is what the call returns. Null = every address. Must
  /// be thread-safe and must not block.
  std::function<absl::Status(std::string_view ip, int port)> address_policy;
};

struct Request {
  std::string method = "GET";
  /// http or https, absolute. User info in it is refused: pass credentials as a header.
  std::string url;
  HeaderList headers;
  /// Headers whose values are secret ("Authorization").
  std::vector<std::pair<std::string, base::Secret>> secret_headers;
  std::string body;
  /// Null = system trust, no proxy.
  std::shared_ptr<const Connection> connection;

  absl::Duration connect_timeout = absl::Seconds(10);
  /// Longest time to the first byte of the answer's head after the request was sent; infinite = the
  /// context decides.
  absl::Duration head_timeout = absl::InfiniteDuration();
  /// Longest silence while the body arrives.
  absl::Duration idle_timeout = absl::Seconds(60);
  /// Larger answers fail with RESPONSE_TOO_LARGE. Counted after decompression.
  size_t max_response_bytes = 16 << 20;
  /// Ask for gzip; an answer that inflates beyond 100 times fails with DECOMPRESSION_BOMB.
  bool accept_gzip = false;
  /// 0 = a redirect is an answer like any other. Followed ones stay on http/https and never carry
  /// secret_headers to another origin.
  int max_redirects = 0;
  /// The answer holds what must not stay in memory (values of Secrets): every buffer of this
  /// process that held a piece of it is overwritten after use: TLS's, libcurl's, ours,
  /// Response::body, and the request's body. Never compressed. What callbacks keep is theirs to
  /// overwrite (wiping.h).
  bool wipe_answer = false;
  /// Opens a connection of its own, so that the request is never sent twice behind the caller's
  /// back (a kept connection that the peer closed makes libcurl send again). For writes.
  bool send_once = false;
};

struct ResponseHead {
  int status = 0;
  HeaderList headers;
  /// First value of a header, name without regard to case, or "".
  std::string_view Get(std::string_view name) const;
};

struct Response : ResponseHead {
  std::string body;
  /// As asked for with Request::wipe_answer: the body is overwritten when this goes.
  bool wipe = false;

  Response() = default;
  Response(Response&&) = default;
  Response& operator=(Response&&) = default;
  Response(const Response&) = default;
  Response& operator=(const Response&) = default;
  ~Response();
};

/// A transfer under way, for callers that do not want a thread to wait. Thread-safe.
class Call {
 public:
  virtual ~Call() = default;
  /// Ends the transfer; on_done still comes (CANCELLED, CALLER_LEFT) unless it came before.
  virtual void Cancel() = 0;
  /// Continues a transfer whose on_data returned false.
  virtual void Resume() = 0;
};

/// Callbacks of an asynchronous transfer, on the client's thread: they must return at once and must
/// not throw.
struct Observer {
  /// The connection stands (TLS too) and not a byte of the request has left: the last moment to
  /// write down that it will. A status that is not OK ends the transfer with it, unsent. May be
  /// null. Unlike the others it may block for the few milliseconds of a local commit; every
  /// transfer of the client waits meanwhile.
  std::function<absl::Status()> before_send;
  /// The final head (no 1xx, no followed redirect). May be null.
  std::function<void(const ResponseHead&)> on_head;
  /// A piece of the body. False = "not now": the same piece comes again after Call::Resume().
  std::function<bool(std::string_view)> on_data;
  /// Exactly once, last. OK = the answer arrived whole, whatever its status code.
  std::function<void(const absl::Status&)> on_done;
};

struct ClientOptions {
  std::string user_agent = "opsmesh";
  /// Calls at a time; more fail at once with RESOURCE_EXHAUSTED (TOO_MANY_CALLS).
  size_t max_calls = 1024;
  /// Idle connections kept.
  size_t max_idle_connections = 64;
};

/// Errors of every call: INVALID_ARGUMENT (INVALID_URL, INVALID_HEADER), UNAVAILABLE
/// (NAME_NOT_RESOLVED, CONNECT_FAILED, TLS_FAILED, PROXY_FAILED, CONNECTION_LOST,
/// MALFORMED_RESPONSE, TOO_MANY_REDIRECTS), DEADLINE_EXCEEDED (CONNECT_TIMEOUT, HEAD_TIMEOUT,
/// IDLE_TIMEOUT, DEADLINE), CANCELLED (CALLER_LEFT), RESOURCE_EXHAUSTED (RESPONSE_TOO_LARGE,
/// DECOMPRESSION_BOMB, TOO_MANY_CALLS), or what the address policy said. The metadata "host" names
/// the peer. Thread-safe. The destructor cancels what is under way.
class Client {
 public:
  static std::unique_ptr<Client> Create(ClientOptions options = {});
  virtual ~Client() = default;

  /// Sends and waits for the whole answer. Any status code is OK here.
  virtual absl::StatusOr<Response> Fetch(const base::Context& ctx, Request request) = 0;

  /// Sends and hands over the body as it comes, on the calling thread; a slow `on_data` slows the
  /// peer. A callback that returns an error ends the call with it. `on_head` may be null.
  virtual absl::Status Stream(const base::Context& ctx, Request request,
                              const std::function<absl::Status(const ResponseHead&)>& on_head,
                              const std::function<absl::Status(std::string_view)>& on_data) = 0;

  /// Starts a transfer without waiting. `ctx` is held until it is done.
  virtual std::shared_ptr<Call> Start(const base::Context& ctx, Request request,
                                      Observer observer) = 0;

  /// Transfers under way, for metrics.
  virtual size_t calls() const = 0;
};

}  // namespace opsmesh::http_client
