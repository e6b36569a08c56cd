// What every request of the gateway works with. Built once by Gateway::Start(), then shared by
// reference.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "gateway/contract/contract.h"
#include "gateway/edge/admission.h"
#include "gateway/edge/edge_auth.h"
#include "gateway/edge/origin_policy.h"
#include "gateway/edge/rate_limiter.h"
#include "gateway/options.h"
#include "gateway/route/route_table.h"
#include "gateway/serve/backend.h"
#include "gateway/serve/http_metrics.h"
#include "gateway/serve/live_calls.h"
#include "gateway/serve/ticker.h"
#include "libs/http_server/http_server.h"
#include "libs/log/logger.h"

namespace opsmesh::gateway {

/// A stream that a shutdown must end politely.
class Interruptible {
 public:
  virtual ~Interruptible() = default;
  virtual void Interrupt() = 0;
};

/// The open streams. Thread-safe.
class StreamSet {
 public:
  void Add(const std::shared_ptr<Interruptible>& stream);
  void Remove(Interruptible* stream);
  void InterruptAll();

 private:
  std::mutex mutex_;
  absl::flat_hash_map<Interruptible*, std::weak_ptr<Interruptible>> streams_;
};

struct Core {
  Core(Options options_in, const Parts& parts, std::unique_ptr<Contract> contract_in,
       std::unique_ptr<RouteTable> routes_in);

  const Options options;
  const base::Clock& clock;
  base::IdSource& ids;
  telemetry::Registry& registry;
  const log::Logger& logger;

  const std::unique_ptr<Contract> contract;
  const std::unique_ptr<RouteTable> routes;
  const std::unique_ptr<Backend> backend;
  const EdgeAuth auth;
  const OriginPolicy origins;
  RateLimiter limiter;
  Admission admission;
  HttpMetrics metrics;
  StreamSet streams;
  LiveCalls live;
  Ticker ticker;
  std::atomic<bool> draining{false};
  std::string openapi;  // the document
};

/// One request on its way: what is known about it, and how it is answered. Made once a request,
/// moved along.
struct RequestState {
  std::shared_ptr<http_server::Exchange> exchange;
  const Route* route = nullptr;  // null = none
  base::Principal principal;
  std::string request_id;
  absl::Duration arrived;  // of Core::clock, steady

  const http_server::Request& http() const { return exchange->request(); }
  ErrorStyle style() const {
    return route == nullptr ? ErrorStyle::kHouse : route->rpc->error_style;
  }
};

/// Sends a whole answer with the headers every answer has, and counts it.
void Answer(Core& core, const RequestState& state, http_server::Response response);
/// Sends an error in the style of the route, counts it, and logs it when it is a fault of ours.
void AnswerError(Core& core, const RequestState& state, const absl::Status& status);
/// Adds X-Request-Id, security and CORS headers.
void AddCommonHeaders(const Core& core, const RequestState& state, http_server::Headers* headers);
/// One log line about an answer of 500 or above; others are the caller's own.
void LogFault(const Core& core, const RequestState& state, const absl::Status& status);

/// Context and metadata of the call behind a request. INVALID_ARGUMENT (REQUEST_TIMEOUT) for a
/// header that is no time.
absl::StatusOr<CallSpec> MakeCallSpec(const Core& core, const RequestState& state);

}  // namespace opsmesh::gateway
