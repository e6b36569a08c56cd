// RED metrics of the HTTP face.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/telemetry/metrics.h"

namespace opsmesh::gateway {

/// Routes are labelled by their templates, so that no path grows the registry. Thread-safe.
class HttpMetrics {
 public:
  /// `routes`: the label of each route by index; one more, "other", is added for what has none.
  HttpMetrics(telemetry::Registry& registry, const std::vector<std::string>& routes);

  size_t other() const { return labels_.size() - 1; }
  void Observe(size_t route, int code, absl::Duration took);
  void CountShed(std::string_view reason) { shed_.With({reason}).Increment(); }
  void AddStreams(int by) { streams_.Add(by); }

 private:
  static constexpr std::array kCodes = {200, 204, 304, 400, 401, 403, 404, 405, 409, 413,
                                        415, 422, 429, 499, 500, 501, 503, 504, 0};
  using Row = std::array<std::atomic<telemetry::Counter*>, kCodes.size()>;

  const std::vector<std::string> labels_;
  telemetry::Family<telemetry::Counter>& requests_;
  telemetry::Family<telemetry::Counter>& shed_;
  telemetry::Gauge& streams_;
  std::vector<telemetry::Histogram*> seconds_;  // by route
  std::unique_ptr<Row[]> counters_;             // by route and code; filled when first used
};

}  // namespace opsmesh::gateway
