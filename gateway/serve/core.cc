#include "gateway/serve/core.h"

#include <algorithm>
#include <array>
#include <map>

#include "fmt/format.h"
#include "gateway/document/openapi.h"
#include "gateway/serve/http_error.h"
#include "gateway/transcode/scalar_text.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/telemetry/trace.h"

namespace opsmesh::gateway {
namespace {

// Headers a webhook's service never needs, or must never get: the caller's credentials and what
// only we may say.
constexpr std::array<std::string_view, 12> kNotForwarded = {
    "authorization", "cookie", "connection", "content-length",      "transfer-encoding", "host",
    "keep-alive",    "te",     "trailer",    "proxy-authorization", "upgrade",           "expect"};
constexpr size_t kMaxForwardedBytes = 12 << 10;

std::vector<std::string> Labels(const RouteTable& routes) {
  std::vector<std::string> labels;
  for (const auto& route : routes.routes()) labels.push_back(route->label);
  return labels;
}

bool MayForward(const std::string& name, std::string_view value) {
  if (name.starts_with("impersonate-") || name.starts_with("x-opsmesh-") ||
      name.starts_with("x-http-") || name.ends_with("-bin") ||
      std::find(kNotForwarded.begin(), kNotForwarded.end(), name) != kNotForwarded.end()) {
    return false;
  }
  // gRPC metadata takes fewer characters than HTTP.
  const bool plain_name =
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string::npos;
  return plain_name &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

std::map<std::string, std::string> ForwardedHeaders(const http_server::Headers& headers) {
  std::map<std::string, std::string> forwarded;
  size_t bytes = 0;
  for (const auto& [name, value] : headers.fields()) {
    std::string key = base::AsciiLower(name);
    bytes += key.size() + value.size();
    if (bytes <= kMaxForwardedBytes && MayForward(key, value))
      forwarded.emplace(std::move(key), value);
  }
  return forwarded;
}

// "2.5" or "2.5s" in seconds, "300ms".
absl::StatusOr<absl::Duration> ParseTimeout(std::string_view text) {
  absl::Duration unit = absl::Seconds(1);
  std::string_view number = text;
  if (text.ends_with("ms")) {
    unit = absl::Milliseconds(1);
    number.remove_suffix(2);
  } else if (text.ends_with("s")) {
    number.remove_suffix(1);
  }
  const auto value = DoubleFromText(number);
  if (!value || !(*value > 0) || *value > 1e6) {
    return base::InvalidArgument("", "REQUEST_TIMEOUT",
                                 "The X-Request-Timeout header is not a time.")
        .Hint("Send seconds, for instance 2.5, or milliseconds, for instance 300ms.");
  }
  return *value * unit;
}

}  // namespace

void StreamSet::Add(const std::shared_ptr<Interruptible>& stream) {
  const std::lock_guard lock(mutex_);
  streams_.emplace(stream.get(), stream);
}

void StreamSet::Remove(Interruptible* stream) {
  const std::lock_guard lock(mutex_);
  streams_.erase(stream);
}

void StreamSet::InterruptAll() {
  std::vector<std::shared_ptr<Interruptible>> open;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [raw, weak] : streams_) {
      if (auto stream = weak.lock()) open.push_back(std::move(stream));
    }
  }
  for (const auto& stream : open) stream->Interrupt();
}

Core::Core(Options options_in, const Parts& parts, std::unique_ptr<Contract> contract_in,
           std::unique_ptr<RouteTable> routes_in)
    : options(std::move(options_in)),
      clock(*parts.clock),
      ids(*parts.ids),
      registry(*parts.registry),
      logger(*parts.logger),
      contract(std::move(contract_in)),
      routes(std::move(routes_in)),
      backend(MakeGrpcBackend(*parts.channels)),
      auth(options.auth_keys),
      origins(options.allowed_origins),
      limiter({.per_second = options.requests_per_second, .burst = options.request_burst}, clock),
      admission({.max_in_flight = options.max_in_flight, .max_queued = options.max_queued}),
      metrics(registry, Labels(*routes)) {}

void AddCommonHeaders(const Core& core, const RequestState& state, http_server::Headers* headers) {
  headers->Add("X-Request-Id", state.request_id);
  if (!headers->Has("Content-Security-Policy")) AddSecurityHeaders(headers);
  core.origins.Decorate(state.http(), headers);
}

void Answer(Core& core, const RequestState& state, http_server::Response response) {
  AddCommonHeaders(core, state, &response.headers);
  core.metrics.Observe(state.route == nullptr ? core.metrics.other() : state.route->index,
                       response.status, core.clock.Steady() - state.arrived);
  state.exchange->Respond(std::move(response));
}

void LogFault(const Core& core, const RequestState& state, const absl::Status& status) {
  const int code = HttpStatusOf(status);
  if (code < 500 || code == 501) return;
  log::Fields fields = log::ErrorFields(status);
  fields.emplace_back("request_id", state.request_id);
  fields.emplace_back("route", state.route == nullptr ? "" : state.route->label);
  fields.emplace_back("code", code);
  core.logger.Warn("request failed", fields);
}

void AnswerError(Core& core, const RequestState& state, const absl::Status& status) {
  LogFault(core, state, status);
  Answer(core, state, ErrorResponse(status, state.style(), state.request_id));
}

absl::StatusOr<CallSpec> MakeCallSpec(const Core& core, const RequestState& state) {
  const http_server::Headers& headers = state.http().headers;
  const Rpc& rpc = *state.route->rpc;
  absl::Duration timeout = rpc.timeout;
  if (const std::string_view asked = headers.Get("X-Request-Timeout"); !asked.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(const absl::Duration own, ParseTimeout(asked));
    timeout = std::min(timeout, own);
  }
  auto trace = telemetry::ParseTraceparent(headers.Get("Traceparent"));
  CallSpec spec{&rpc,
                base::Context::Background(core.clock)
                    .WithTimeout(timeout)
                    .WithPrincipal(state.principal)
                    .WithRequestId(state.request_id)
                    .WithTrace(trace ? *std::move(trace) : telemetry::NewTrace(core.ids)),
                {}};
  spec.options.language = headers.Get("Accept-Language").substr(0, 100);
  if (rpc.signed_webhook) spec.options.http_headers = ForwardedHeaders(headers);
  return spec;
}

}  // namespace opsmesh::gateway
