// What a gateway is started with: its settings, and the parts of the process it works with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

}  // namespace opsmesh::gateway
