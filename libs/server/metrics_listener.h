// A small HTTP door for scrapers and probes: /metrics, /livez, /readyz. Internal to libs/server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/telemetry/metrics.h"

namespace opsmesh::http_server {
class Server;
}

namespace opsmesh::server {

/// Listens until destroyed. Thread-safe.
class MetricsListener {
 public:
  /// `address` is "host:port". INVALID_ARGUMENT (METRICS_LISTEN) when it is not, UNAVAILABLE when
  /// it cannot be bound.
  static absl::StatusOr<std::unique_ptr<MetricsListener>> Start(
      const std::string& address, const telemetry::Registry& metrics,
      std::function<absl::Status()> ready);
  ~MetricsListener();
  uint16_t port() const;

 private:
  explicit MetricsListener(std::unique_ptr<http_server::Server> server);
  std::unique_ptr<http_server::Server> server_;
};

}  // namespace opsmesh::server
