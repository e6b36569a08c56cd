#include "cli/gateway_client.h"

#include <utility>

#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "libs/http_client/sse_reader.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxRefusalBytes = 64 << 10;

std::string Text(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

absl::StatusCode CodeOf(int http_status) {
  switch (http_status) {
    case 400:
      return absl::StatusCode::kInvalidArgument;
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 429:
      return absl::StatusCode::kResourceExhausted;
    case 501:
      return absl::StatusCode::kUnimplemented;
    case 504:
      return absl::StatusCode::kDeadlineExceeded;
    default:
      return http_status >= 502 ? absl::StatusCode::kUnavailable : absl::StatusCode::kUnknown;
  }
}

http_client::Request RequestTo(const Server& server, const std::string& target, const json* body) {
  http_client::Request request;
  request.url = server.url + target;
  if (body != nullptr) {
    request.method = "POST";
    request.headers = {{"Content-Type", "application/json"}};
    request.body = base::DumpJson(*body);
  }
  request.max_response_bytes = 64 << 20;
  AddIdentity(server, &request);
  return request;
}

}  // namespace

std::string NormalUrl(std::string_view address) {
  std::string url(base::Trim(address));
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url.find("://") == std::string::npos ? "http://" + url : url;
}

absl::Status RefusalOf(int http_status, const std::string& body) {
  const auto parsed = base::ParseJson(body);
  const json error =
      parsed.ok() && parsed->is_object() ? parsed->value("error", json::object()) : json::object();
  const std::string message = error.is_object() ? Text(error, "message") : "";
  if (message.empty()) {
    return base::Error(absl::StatusCode::kUnknown, "NOT_OPSMESH",
                       fmt::format("The server answered {} without a reason.", http_status))
        .Hint("Is this an OpsMesh server? Check --server.");
  }
  const std::string reason = Text(error, "reason");
  return base::Error(CodeOf(http_status), reason.empty() ? "REFUSED" : reason, message)
      .Hint(Text(error, "hint"));
}

absl::Status ExplainTransport(const absl::Status& status, const std::string& url) {
  const std::string reason = base::DetailOf(status).reason;
  if (reason != "CONNECT_FAILED" && reason != "NAME_NOT_RESOLVED" && reason != "CONNECT_TIMEOUT")
    return status;
  return base::Unavailable("NO_SERVER", fmt::format("No OpsMesh answers at {}: {}", url,
                                                    base::ToStd(status.message())))
      .Hint("Start one with `opsmesh up`, or name another with --server.");
}

void AddIdentity(const Server& server, http_client::Request* request) {
  if (!server.language.empty()) request->headers.emplace_back("Accept-Language", server.language);
  if (!server.api_key.empty()) {
    request->secret_headers.emplace_back("Authorization",
                                         base::Secret("Bearer " + server.api_key.Reveal()));
  }
}

absl::StatusOr<json> CallGateway(const base::Context& ctx, http_client::Client& client,
                                 const Server& server, const std::string& target,
                                 const json* body) {
  auto answered = client.Fetch(ctx, RequestTo(server, target, body));
  if (!answered.ok()) return ExplainTransport(answered.status(), server.url);
  if (answered->status != 200) return RefusalOf(answered->status, answered->body);
  auto parsed = base::ParseJson(answered->body, {.max_bytes = 64 << 20});
  if (!parsed.ok()) return RefusalOf(answered->status, "");
  return parsed;
}

absl::Status FollowGateway(const base::Context& ctx, http_client::Client& client,
                           const Server& server, const std::string& target,
                           const std::function<absl::Status(const json&)>& on_event) {
  int status = 0;
  std::string refusal;
  absl::Status refused;
  http_client::SseReader events([&](std::string_view, std::string_view data) -> absl::Status {
    OPSMESH_ASSIGN_OR_RETURN(const json event, base::ParseJson(data));
    if (event.is_object() && event.contains("error")) {
      const json& error = event["error"];
      const std::string reason = Text(event, "reason");
      refused = error.is_object()
                    ? RefusalOf(event["error"].value("code", 500), base::DumpJson(event))
                    : absl::Status(base::Error(absl::StatusCode::kUnknown,
                                               reason.empty() ? "STREAM_FAILED" : reason,
                                               Text(event, "error")));
      return refused;
    }
    return on_event(event);
  });
  http_client::Request request = RequestTo(server, target, nullptr);
  request.headers.emplace_back("Accept", "text/event-stream");
  const absl::Status ended = client.Stream(
      ctx, std::move(request),
      [&status](const http_client::ResponseHead& head) {
        status = head.status;
        return absl::OkStatus();
      },
      [&](std::string_view bytes) {
        if (status == 200) return events.Feed(bytes);
        if (refusal.size() < kMaxRefusalBytes) refusal += bytes;
        return absl::OkStatus();
      });
  if (!refused.ok()) return refused;
  if (!ended.ok()) return ExplainTransport(ended, server.url);
  return status == 200 ? absl::OkStatus() : RefusalOf(status, refusal);
}

}  // namespace opsmesh::cli
