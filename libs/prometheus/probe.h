// Where Prometheus is, and whether it answers: what status pages show before any query is sent.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "libs/config/source.h"
#include "libs/http_client/http_client.h"
#include "opsmesh/type/v1/common.pb.h"

namespace opsmesh::prometheus {

/// The section `prometheus` of the configuration.
struct Settings {
  /// Base URL without a trailing slash (prometheus.url, PROMETHEUS_HOST); empty = none configured.
  std::string base_url;
  /// It is the demo's, with made-up metrics (prometheus.simulated, set by `opsmesh up`).
  bool simulated = false;
  /// Longest wait when its status is asked for.
  absl::Duration status_timeout = absl::Seconds(1);
};

/// INVALID_ARGUMENT (CONFIG) with every problem of the section.
absl::StatusOr<Settings> LoadSettings(const config::Source& source);

/// The base URL meant by `address`: "127.0.0.1:9090" and "prom:9090/prometheus" get "http://" in
/// front, a trailing slash goes. INVALID_ARGUMENT (PROMETHEUS_ADDRESS) for another scheme, user
/// info, a query or white space. "" stays "".
absl::StatusOr<std::string> BaseUrl(std::string_view address);

/// OK when the server says it is ready (GET /-/ready answers 200) within settings.status_timeout;
/// else UNAVAILABLE (PROMETHEUS) with the address and what was seen. Blocks; thread-safe.
absl::Status CheckReady(const base::Context& ctx, http_client::Client& client,
                        const Settings& settings);

/// Its line on status pages: asks it now when one is configured. Blocks at most
/// settings.status_timeout; thread-safe.
type::v1::ComponentStatus Component(const base::Context& ctx, http_client::Client& client,
                                    const Settings& settings);

}  // namespace opsmesh::prometheus
