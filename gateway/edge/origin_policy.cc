#include "gateway/edge/origin_policy.h"

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::gateway {
namespace {

bool IsSafe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

// "https://host:port" -> "host:port".
std::string_view HostOf(std::string_view origin) {
  const size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ? std::string_view() : origin.substr(scheme + 3);
}

}  // namespace

absl::Status OriginPolicy::Check(const http_server::Request& request) const {
  if (IsSafe(request.method)) return absl::OkStatus();
  const std::string_view origin = request.headers.Get("Origin");
  const std::string_view host = request.headers.Get("Host");
  const bool same = !origin.empty() && base::EqualsIgnoreAsciiCase(HostOf(origin), host);
  const bool cross_site = origin.empty() && request.headers.Get("Sec-Fetch-Site") == "cross-site";
  if ((origin.empty() || same || Allows(origin)) && !cross_site) return absl::OkStatus();
  return base::PermissionDenied(
             "CROSS_ORIGIN",
             fmt::format("A page of another origin ({}) may not change anything here.",
                         origin.empty() ? "unknown" : base::Utf8Prefix(origin, 200)))
      .Hint("Add the origin to gateway.allowed_origins if its pages are yours.");
}

bool OriginPolicy::IsPreflight(const http_server::Request& request) {
  return request.method == "OPTIONS" && request.headers.Has("Origin") &&
         request.headers.Has("Access-Control-Request-Method");
}

http_server::Response OriginPolicy::Preflight(const http_server::Request& request) const {
  http_server::Response response;
  const bool allowed = Allows(request.headers.Get("Origin"));
  response.status = allowed ? 204 : 403;
  response.headers.Add("Vary", "Origin");
  if (!allowed) return response;
  Decorate(request, &response.headers);
  response.headers.Add("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
  response.headers.Add(
      "Access-Control-Allow-Headers",
      "Authorization, Content-Type, Idempotency-Key, X-Request-Id, X-Request-Timeout, Traceparent");
  response.headers.Add("Access-Control-Max-Age", "600");
  return response;
}

void OriginPolicy::Decorate(const http_server::Request& request,
                            http_server::Headers* headers) const {
  if (allowed_.empty()) return;
  const std::string_view origin = request.headers.Get("Origin");
  headers->Set("Vary", "Origin");
  if (origin.empty() || !Allows(origin)) return;
  headers->Set("Access-Control-Allow-Origin", std::string(origin));
  headers->Set("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
}

}  // namespace opsmesh::gateway
