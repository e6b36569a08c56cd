#include "gateway/serve/front.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"
#include "gateway/pages/pages.h"
#include "gateway/route/request_binder.h"
#include "gateway/serve/http_error.h"
#include "gateway/serve/stream_exchange.h"
#include "gateway/serve/unary_exchange.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::gateway {
namespace {

constexpr char kPagePolicy[] =
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action "
    "'self'; "
    "frame-ancestors 'none'";

// The caller's id when it is 1-128 visible ASCII characters, else one of ours.
std::string RequestId(Core& core, std::string_view given) {
  const bool usable =
      !given.empty() && given.size() <= 128 &&
      std::all_of(given.begin(), given.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return usable ? std::string(given) : core.ids.NewId("req_");
}

bool IsRead(std::string_view method) { return method == "GET" || method == "HEAD"; }

// Whether `Accept` names HTML before (or without) JSON: browsers do, programs do not.
bool PrefersHtml(std::string_view accept) {
  const size_t html = accept.find("text/html");
  return html != std::string_view::npos && html < accept.find("application/json");
}

// Who is limited together: the holder of a key, else the address.
std::string LimitKey(const RequestState& state) {
  return state.principal.id.starts_with("key:") ? state.principal.id
                                                : "addr:" + state.http().remote_address;
}

void AnswerBytes(Core& core, const RequestState& state, std::string_view type,
                 std::string_view bytes, bool page) {
  http_server::Response response;
  response.headers.Add("Content-Type", std::string(type));
  if (page) {
    response.headers.Add("Content-Security-Policy", kPagePolicy);
    response.headers.Add("X-Content-Type-Options", "nosniff");
    response.headers.Add("Referrer-Policy", "no-referrer");
    response.headers.Add("Cache-Control", "no-cache");
    response.headers.Add("Vary", "Accept");
  }
  response.body = bytes;
  Answer(core, state, std::move(response));
}

// Metrics tell which paths are used how much: with keys configured they need one, except from the
// machine itself.
void AnswerMetrics(Core& core, const RequestState& state) {
  if (!core.auth.open() && !IsLocalCaller(state.http())) {
    const auto principal = core.auth.Authenticate(state.http());
    if (!principal.ok()) return AnswerError(core, state, principal.status());
  }
  AnswerBytes(core, state, "text/plain; version=0.0.4; charset=utf-8", core.registry.Text(), false);
}

// Answers what is not an RPC. False when it is one, or nothing.
bool AnswerOwn(Core& core, const RequestState& state) {
  const http_server::Request& http = state.http();
  if (http.method == "OPTIONS" && OriginPolicy::IsPreflight(http)) {
    Answer(core, state, core.origins.Preflight(http));
    return true;
  }
  if (!IsRead(http.method)) return false;
  if (http.path == "/metrics") {
    AnswerMetrics(core, state);
    return true;
  }
  if (http.path == "/api/v1/openapi.json") {
    AnswerBytes(core, state, "application/json", core.openapi, false);
    return true;
  }
  if (http.path == "/" && !PrefersHtml(http.headers.Get("Accept"))) return false;
  const auto page = FindPage(http.path);
  if (!page) return false;
  AnswerBytes(core, state, page->content_type, page->bytes, true);
  return true;
}

void AnswerNoRoute(Core& core, const RequestState& state) {
  const http_server::Request& http = state.http();
  std::vector<std::string> methods = core.routes->matcher().MethodsAt(http.path);
  if (!methods.empty()) {
    if (std::binary_search(methods.begin(), methods.end(), "GET")) methods.push_back("HEAD");
    methods.push_back("OPTIONS");
    const std::string allow = base::Join(methods, ", ");
    if (http.method == "OPTIONS") {
      http_server::Response response;
      response.status = 204;
      response.headers.Add("Allow", allow);
      return Answer(core, state, std::move(response));
    }
    return AnswerError(core, state,
                       base::Unimplemented("METHOD_NOT_ALLOWED",
                                           fmt::format("{} is not possible at {}.", http.method,
                                                       base::Utf8Prefix(http.path, 200)))
                           .Hint(fmt::format("Use {}.", allow))
                           .With("allow", allow));
  }
  const std::string near = core.routes->matcher().Nearest(http.path);
  AnswerError(
      core, state,
      base::NotFound("ROUTE_NOT_FOUND",
                     fmt::format("There is nothing at {}.", base::Utf8Prefix(http.path, 200)))
          .Hint(near.empty()
                    ? "All addresses are listed at /docs and /api/v1/openapi.json."
                    : fmt::format("Did you mean {}? All addresses are listed at /docs.", near)));
}

// Identity, role and rate; the principal is put into `state`.
absl::Status Admit(Core& core, RequestState* state) {
  const Rpc& rpc = *state->route->rpc;
  OPSMESH_RETURN_IF_ERROR(core.origins.Check(state->http()));
  if (rpc.signed_webhook) {
    state->principal = {"webhook",
                        base::Role::kViewer};  // the service finds out who it is by the signature
  } else {
    OPSMESH_ASSIGN_OR_RETURN(state->principal, core.auth.Authenticate(state->http()));
    OPSMESH_RETURN_IF_ERROR(core.auth.Authorize(state->principal, rpc));
  }
  if (state->principal.id == "loopback") return absl::OkStatus();
  const absl::Duration wait = core.limiter.Take(LimitKey(*state));
  if (wait == absl::ZeroDuration()) return absl::OkStatus();
  core.metrics.CountShed("rate");
  return base::ResourceExhausted("RATE_LIMITED", "This caller sends more requests than it may.")
      .Hint("Wait for the time in Retry-After and send fewer requests a second.")
      .RetryAfter(wait);
}

void Serve(Core& core, RequestState state, const PathMatcher::Match& match) {
  if (const absl::Status admitted = Admit(core, &state); !admitted.ok())
    return AnswerError(core, state, admitted);
  if (core.draining) {
    return AnswerError(core, state,
                       base::Unavailable("SHUTTING_DOWN", "OpsMesh is being restarted.")
                           .Hint("Try again in a moment.")
                           .RetryAfter(absl::Seconds(2)));
  }
  const http_server::Request& http = state.http();
  const RequestParts parts{.raw_query = http.raw_query,
                           .content_type = http.headers.Get("Content-Type"),
                           .body = http.body,
                           .idempotency_key = http.headers.Get("Idempotency-Key")};
  auto wire = BindRequest(core.routes->schemas(), *state.route, match, parts);
  if (!wire.ok()) return AnswerError(core, state, wire.status());
  auto spec = MakeCallSpec(core, state);
  if (!spec.ok()) return AnswerError(core, state, spec.status());
  if (!state.route->rpc->server_streaming) {
    return ServeUnary(core, std::move(state), *std::move(spec), *std::move(wire));
  }
  if (http.method == "HEAD") return AnswerBytes(core, state, "text/event-stream", {}, false);
  ServeStream(core, std::move(state), *std::move(spec), *std::move(wire));
}

}  // namespace

void Handle(Core& core, std::shared_ptr<http_server::Exchange> exchange) {
  RequestState state;
  state.exchange = std::move(exchange);
  state.arrived = core.clock.Steady();
  const http_server::Request& http = state.http();
  state.request_id = RequestId(core, http.headers.Get("X-Request-Id"));
  PathMatcher::Match match;
  state.route = core.routes->Find(http.method, http.path, &match);
  const bool may_be_own = state.route == nullptr || http.path == "/";
  if (may_be_own && AnswerOwn(core, state)) return;
  if (state.route == nullptr) return AnswerNoRoute(core, state);
  Serve(core, std::move(state), match);
}

http_server::Limits LimitsOf(const Core& core, const http_server::Request& head) {
  http_server::Limits limits;
  PathMatcher::Match match;
  const Route* route = core.routes->Find(head.method, head.path, &match);
  if (route != nullptr) limits.max_body_bytes = route->rpc->max_request_bytes;
  return limits;
}

}  // namespace opsmesh::gateway
