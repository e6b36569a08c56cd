// The gateway: HTTP/1.1 and JSON in front of the gRPC services, from descriptors alone.
//
// It knows no service by name. Routes, roles, limits, deadlines and documents come from the
// `google.api.http` and `opsmesh.type.v1.rpc` options of a descriptor set; an RPC with an http rule
// is a REST endpoint, an OpenAPI operation and a metric without a line here. Used in process by
// `opsmesh up` and by main.cc of `opsmesh-gateway`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/ids.h"
#include "libs/rpc/authenticator.h"

namespace opsmesh::log {
class Logger;
}
namespace opsmesh::rpc {
class ChannelSource;
}
namespace opsmesh::telemetry {
class Registry;
}

namespace opsmesh::gateway {

/// An address to listen at. Port 0 = a free one, see Gateway::port().
struct Listener {
  std::string address = "127.0.0.1";
  uint16_t port = 0;
};

struct Options {
  /// At least one. The documents name several ports for the same product; each may be a listener.
  std::vector<Listener> listeners = {{}};
  /// Threads of each listener, >= 1.
  int threads = 1;

  /// Empty = no authentication: callers from loopback with a loopback Host have every role, all
  /// others are viewers.
  std::vector<rpc::ApiKey> auth_keys;
  /// Origins ("https://ops.example.org") that may call from a browser. Empty = only the gateway's
  /// own pages.
  std::vector<std::string> allowed_origins;
  /// Textual IP addresses of proxies in front; not counted against the connection cap of an
  /// address.
  std::vector<std::string> trusted_proxies;

  /// Unary calls running and waiting; beyond both the answer is 503 with Retry-After. Streams do
  /// not count.
  size_t max_in_flight = 64;
  size_t max_queued = 512;
  /// Token bucket of each key or address; loopback callers without a key are not limited. 0 = off.
  double requests_per_second = 100;
  double request_burst = 400;

  /// Between two comments on an idle event stream.
  absl::Duration ping_interval = absl::Seconds(15);
  /// Reading from the backend pauses while more than this waits for a slow client, in bytes.
  size_t stream_high_water = 64 << 10;

  /// Shown in documents and pages.
  std::string version = "dev";
};

/// What the gateway uses and does not own; all outlive it.
struct Parts {
  /// A serialized FileDescriptorSet with imports and source info.
  std::string_view descriptor_set;
  /// The ways to the services. A route whose service it does not know answers 503.
  const rpc::ChannelSource* channels = nullptr;
  telemetry::Registry* registry = nullptr;
  const log::Logger* logger = nullptr;
  const base::Clock* clock = &base::SystemClock();
  base::IdSource* ids = &base::SystemIds();
};

/// Serves from Start() to Stop(). Thread-safe after Start().
class Gateway {
 public:
  /// Compiles the contract and listens. FAILED_PRECONDITION with a sentence when the contract is in
  /// doubt (two routes that conflict, a field that does not exist, an RPC without a policy),
  /// UNAVAILABLE when an address cannot be bound.
  static absl::StatusOr<std::unique_ptr<Gateway>> Start(Options options, Parts parts);
  virtual ~Gateway() = default;

  /// Port of a listener, in the order of Options::listeners.
  virtual uint16_t port(size_t listener = 0) const = 0;
  /// Sentences an operator should read, for instance that no authentication is configured. Empty
  /// when all is well.
  virtual std::vector<std::string> notices() const = 0;
  /// Refuses new work with 503 and ends streams with an event that says "interrupted"; returns at
  /// once.
  virtual void Drain() = 0;
  /// Drains, stops accepting, and waits at most `grace` for what runs. Idempotent; the destructor
  /// calls it with no grace.
  virtual void Stop(absl::Duration grace) = 0;
};

/// The descriptor set of OpsMesh's own contract, built into the library.
std::string_view OwnDescriptorSet();

}  // namespace opsmesh::gateway
