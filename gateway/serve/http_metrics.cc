#include "gateway/serve/http_metrics.h"

#include <algorithm>

namespace opsmesh::gateway {
namespace {

std::vector<std::string> WithOther(std::vector<std::string> labels) {
  labels.push_back("other");
  return labels;
}

}  // namespace

HttpMetrics::HttpMetrics(telemetry::Registry& registry, const std::vector<std::string>& routes)
    : labels_(WithOther(routes)),
      requests_(
          registry.AddCounter({.name = "opsmesh_http_requests_total",
                               .help = "HTTP requests answered, by route template and status code.",
                               .labels = {"route", "code"},
                               .max_series = 4000})),
      shed_(registry.AddCounter({.name = "opsmesh_shed_total",
                                 .help = "Requests refused to protect the service, by reason.",
                                 .labels = {"reason"}})),
      streams_(
          registry
              .AddGauge(
                  {.name = "opsmesh_sse_streams", .help = "Event streams open now.", .labels = {}})
              .Get()),
      counters_(std::make_unique<Row[]>(labels_.size())) {
  auto& seconds = registry.AddHistogram(
      {.name = "opsmesh_http_request_seconds",
       .help = "Time from the request's arrival to its answer, streams to their end.",
       .labels = {"route"},
       .max_series = 1000});
  for (const std::string& label : labels_) seconds_.push_back(&seconds.With({label}));
}

void HttpMetrics::Observe(size_t route, int code, absl::Duration took) {
  seconds_[route]->Observe(absl::ToDoubleSeconds(took));
  const size_t column =
      static_cast<size_t>(std::find(kCodes.begin(), kCodes.end() - 1, code) - kCodes.begin());
  std::atomic<telemetry::Counter*>& slot = counters_[route][column];
  telemetry::Counter* counter = slot.load(std::memory_order_acquire);
  if (counter == nullptr) {
    counter =
        &requests_.With({labels_[route], kCodes[column] == 0 ? "other" : std::to_string(code)});
    slot.store(counter, std::memory_order_release);
  }
  counter->Increment();
}

}  // namespace opsmesh::gateway
