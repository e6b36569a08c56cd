// The demo's Prometheus: its HTTP API over the metrics of a simulated cluster (decision 33).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/kubesim/store/disturbance.h"

namespace opsmesh::kubesim {
class Store;
}

namespace opsmesh::kubesim::prometheus {

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;                   // 0 = a free one
  const base::Clock* clock = nullptr;  // null = the store's
  uint64_t seed = 1;
  DisturbanceSource disturbances = {};  // Faults::Disturbances of a live cluster
  /// Off only to compare with a Prometheus that was fed through a format without markers.
  bool stale_markers = true;
};

/// Listens until it is destroyed. Answers callers on loopback only: it has no authentication.
/// Thread-safe.
class Server {
 public:
  /// `store` must outlive the server. UNAVAILABLE (ADDRESS_IN_USE, ADDRESS) when it cannot listen.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Store& store,
                                                       const ServerOptions& options);
  virtual ~Server() = default;
  /// "http://127.0.0.1:41235"
  virtual std::string url() const = 0;
};

}  // namespace opsmesh::kubesim::prometheus
