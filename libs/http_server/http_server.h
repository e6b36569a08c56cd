// The one HTTP/1.1 server of OpsMesh: hardened parsing (design T14), keep-alive, whole and streamed
// answers, limits.
//
// Serves the gateway, the simulated apiserver, the demo Prometheus and the fakes of the tests.
// Handlers are asynchronous: they get an Exchange and may answer it later from any thread. One
// io_context and one SO_REUSEPORT listener a thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"
#include "libs/base/secret.h"
#include "libs/base/worker_pool.h"

namespace opsmesh::http_server {

/// Header fields in the order received. Names compare without case.
class Headers {
 public:
  void Add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  /// Replaces every field of that name by one.
  void Set(std::string_view name, std::string value);
  /// First value, or "" when absent.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }
  void Reserve(size_t fields) { fields_.reserve(fields); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// A request whose head was accepted. `path` is decoded once and free of "..", NUL, "\", encoded
/// slashes and ill-formed UTF-8; `raw_path` is as sent.
struct Request {
  std::string method;    // upper case, one of GET HEAD POST PUT PATCH DELETE OPTIONS
  std::string raw_path;  // without the query
  std::string path;
  std::string raw_query;  // without "?", undecoded
  Headers headers;
  std::string body;            // whole, at most Limits::max_body_bytes
  std::string remote_address;  // textual IP address of the peer
  bool remote_is_loopback = false;
  bool tls = false;
  std::string tls_client_subject;  // common name of a verified client certificate, or ""
  std::vector<std::string> tls_client_organizations;
};

/// A whole answer. Content-Length, Date, Server and Connection are added by the server.
struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};

/// Limits of one request, chosen after its head was read. Defaults are those of design/trust.md
/// section 3.
struct Limits {
  size_t max_body_bytes = 1 << 20;
};

/// One request and its answer. Every method may be called from any thread; the object lives as long
/// as someone holds it. Exactly one of Respond() or Start() is called; an Exchange that is dropped
/// unanswered answers 500.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Request& request() const = 0;

  /// Sends a whole answer.
  virtual void Respond(Response response) = 0;

  /// Begins a streamed answer (chunked; `head.body` is ignored). Each Write() is one chunk and one
  /// write to the socket.
  virtual void Start(Response head) = 0;
  /// Queues a chunk. False when the client is gone or more than the buffer limit is waiting (the
  /// stream is then cut).
  virtual bool Write(std::string chunk) = 0;
  /// Ends a streamed answer.
  virtual void Finish() = 0;
  /// Ends the connection at once without a proper end: a fault for tests, and the honest end of a
  /// broken stream.
  virtual void Abort() = 0;

  /// Calls back once, from any thread, when the client leaves before the answer is over or the
  /// write stalls.
  virtual void OnClientGone(std::function<void()> callback) = 0;
  /// For answers that change the protocol (Start() with 101): hands over what the client sends from
  /// then on, in order, from one thread at a time; it must not block for long. Set it once, after
  /// Start(). Without it such bytes are not read.
  virtual void OnBytes(std::function<void(std::string_view)>) {}
  /// Bytes accepted by Write() and not yet handed to the kernel.
  virtual size_t BufferedBytes() const = 0;
};

using Handler = std::function<void(std::shared_ptr<Exchange>)>;

/// Certificates in PEM. Client certificates are asked for when `client_ca` is set, and demanded
/// with `require_client`.
struct TlsOptions {
  std::string certificate_chain;
  base::Secret private_key;
  std::string client_ca;
  bool require_client = false;
};

struct Options {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0 = a free one, see Server::port()
  int threads = 1;    // io threads, each with its own listener
  std::optional<TlsOptions> tls;

  size_t max_header_bytes = 16 << 10;
  size_t max_header_fields = 100;
  size_t max_target_bytes = 8 << 10;
  absl::Duration header_timeout = absl::Seconds(10);
  absl::Duration idle_timeout = absl::Seconds(60);
  /// Least body rate, checked after the grace period.
  size_t min_body_bytes_per_second = 1 << 10;
  absl::Duration body_grace = absl::Seconds(5);
  absl::Duration write_stall_timeout = absl::Seconds(30);
  size_t stream_buffer_limit = 256 << 10;
  /// Bytes of all request bodies that are being received or handled at one time; beyond it 503 with
  /// Retry-After.
  size_t max_body_bytes_in_flight = 256 << 20;
  size_t max_connections = 12000;
  /// Per client address; loopback and trusted proxies are not counted.
  size_t max_connections_per_address = 256;
  std::vector<std::string> trusted_proxies;  // textual IP addresses

  /// Chooses the limits of a request from its head (body still empty). Null = defaults.
  std::function<Limits(const Request& head)> limits;
  /// Writes the body of an answer the server makes itself (400, 408, 413, 431, 503 ...). Null = one
  /// line of text.
  std::function<Response(int status, std::string_view reason, std::string_view message)>
      error_response;
  /// Value of the Server header; empty = none.
  std::string server_name = "opsmesh";
  /// For the Date header and every time limit. Limits are waited for in real time, so a test's
  /// clock must run.
  const base::Clock* clock = &base::SystemClock();
};

/// Figures since start, for metrics.
struct Counters {
  uint64_t connections_open = 0;
  uint64_t connections_total = 0;
  uint64_t requests_total = 0;
  uint64_t rejected_heads_total = 0;
  uint64_t streams_open = 0;
};

/// Listens from Start() to Stop(). Thread-safe after Start().
class Server {
 public:
  /// Binds and serves. UNAVAILABLE (ADDRESS_IN_USE, ADDRESS) with the address and the next step
  /// when it cannot.
  static absl::StatusOr<std::unique_ptr<Server>> Start(Options options, Handler handler);
  virtual ~Server() = default;

  virtual uint16_t port() const = 0;
  virtual Counters counters() const = 0;
  /// Stops accepting, closes idle connections, lets running exchanges end for at most `grace`, then
  /// cuts them.
  virtual void Stop(absl::Duration grace) = 0;
};

/// Runs a blocking handler on a pool, with a Context that is cancelled when the client leaves; a
/// full pool answers 503 with Retry-After. For fakes and the simulator. The pool must outlive the
/// server.
using BlockingHandler = std::function<void(const base::Context&, Exchange&)>;
Handler OnPool(base::WorkerPool& pool, absl::Duration timeout, BlockingHandler handler);

/// One server-sent event: "data: " before each line of `data`, an empty line after. `event` is left
/// out when empty.
std::string FormatSse(std::string_view data, std::string_view event = {});

}  // namespace opsmesh::http_server
