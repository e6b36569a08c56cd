#include "libs/kube/api_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/json_compact.h"
#include "libs/kube/json_ref.h"
#include "libs/kube/small_json.h"

namespace opsmesh::kube {
namespace {

using absl::StatusCode;

constexpr size_t kBodyExcerpt = 512;
constexpr size_t kMaxMessage = 2048;
constexpr char kContinue[] = "continue";

struct Outcome {
  StatusCode code;
  std::string_view reason;
};

Outcome OutcomeFor(int http_code) {
  switch (http_code) {
    case 400:
      return {StatusCode::kInvalidArgument, "BAD_REQUEST"};
    case 401:
      return {StatusCode::kUnauthenticated, "UNAUTHORIZED"};
    case 403:
      return {StatusCode::kPermissionDenied, "FORBIDDEN"};
    case 404:
      return {StatusCode::kNotFound, "NOT_FOUND"};
    case 405:
      return {StatusCode::kUnimplemented, "METHOD_NOT_ALLOWED"};
    case 406:
      return {StatusCode::kUnimplemented, "NOT_ACCEPTABLE"};
    case 408:
      return {StatusCode::kUnavailable, "TIMEOUT"};
    case 409:
      return {StatusCode::kAborted, "CONFLICT"};
    case 410:
      return {StatusCode::kAborted, "EXPIRED"};
    case 413:
      return {StatusCode::kResourceExhausted, "REQUEST_ENTITY_TOO_LARGE"};
    case 415:
      return {StatusCode::kInvalidArgument, "UNSUPPORTED_MEDIA_TYPE"};
    case 422:
      return {StatusCode::kInvalidArgument, "INVALID"};
    case 429:
      return {StatusCode::kResourceExhausted, "TOO_MANY_REQUESTS"};
    case 500:
      return {StatusCode::kUnavailable, "INTERNAL_ERROR"};
    case 502:
      return {StatusCode::kUnavailable, "BAD_GATEWAY"};
    case 503:
      return {StatusCode::kUnavailable, "SERVICE_UNAVAILABLE"};
    case 504:
      return {StatusCode::kUnavailable, "TIMEOUT"};
    default:
      if (http_code >= 500) return {StatusCode::kUnavailable, "SERVER_ERROR"};
      return {StatusCode::kFailedPrecondition, "UNEXPECTED_STATUS"};
  }
}

/// "AlreadyExists" -> "ALREADY_EXISTS"; "" for anything that is not a CamelCase word.
std::string SnakeCase(std::string_view camel) {
  std::string out;
  for (const char c : camel) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!upper && !plain) return "";
    if (upper && !out.empty()) out += '_';
    out += upper || (c >= '0' && c <= '9') ? c : static_cast<char>(c - 'a' + 'A');
  }
  return out.size() <= 63 ? out : "";
}

/// The fields of a Status that are of use.
struct StatusBody {
  int code = 0;
  std::string reason;
  std::string message;
  std::string continue_token;
  std::optional<int64_t> retry_after_seconds;
  std::vector<std::string> causes;  // "spec.replicas: must be >= 0"
  bool disruption_budget = false;
};

std::optional<StatusBody> ReadStatus(std::string_view json) {
  std::string repaired;
  if (!base::IsValidUtf8(json)) json = repaired = base::SanitizeUtf8(json);
  JsonScanner scanner(json);
  std::string compact;
  if (!scanner.Copy(&compact) || !scanner.AtEnd()) return std::nullopt;
  const JsonRef root(compact);
  if (root["kind"].RawString() != "Status") return std::nullopt;
  StatusBody status;
  status.code = static_cast<int>(root["code"].Int().value_or(0));
  status.reason = root["reason"].String();
  status.message = root["message"].String();
  status.continue_token = root["metadata"]["continue"].String();
  status.retry_after_seconds = root["details"]["retryAfterSeconds"].Int();
  root["details"]["causes"].ForEachElement([&](JsonRef cause) {
    if (cause["reason"].RawString() == "DisruptionBudget") status.disruption_budget = true;
    std::string text = cause["message"].String();
    if (const std::string field = cause["field"].String(); !field.empty())
      text = field + ": " + text;
    status.causes.push_back(std::move(text));
    return status.causes.size() < 16;
  });
  return status;
}

std::string RbacHint(const ApiCall& call) {
  if (call.resource.empty()) {
    return fmt::format(
        "Allow it with a ClusterRole rule: nonResourceURLs: [\"{}\"], verbs: [\"get\"].",
        call.path);
  }
  const std::string resource =
      call.subresource.empty() ? call.resource : call.resource + "/" + call.subresource;
  const std::string where =
      call.ns.empty() ? "a ClusterRole" : fmt::format("a Role in namespace '{}'", call.ns);
  return fmt::format(
      "Allow it by a rule in {} bound to this user: apiGroups: [\"{}\"], resources: [\"{}\"], "
      "verbs: [\"{}\"].",
      where, call.group, resource, call.verb);
}

std::string HintFor(const ApiCall& call, int http_code, const std::string& reason) {
  switch (http_code) {
    case 401:
      return "The server does not accept the credentials: renew the token or certificate in the "
             "kubeconfig. The user then "
             "needs this right. " +
             RbacHint(call);
    case 403:
      return RbacHint(call);
    case 404:
      return call.name.empty()
                 ? "The cluster does not serve this kind in this version; see the kinds it serves."
                 : "Check the spelling of the name and the namespace.";
    case 409:
      return reason == "ALREADY_EXISTS"
                 ? "Choose another name, or change the object that is there."
                 : "Read the object again and repeat the change on its present state.";
    case 410:
      return "List again: the state asked for is no longer kept.";
    case 422:
      return "Correct the named fields.";
    case 429:
      return "Wait as long as the server says, then try again.";
    case 500:
    case 502:
    case 503:
    case 504:
      return "Try again in a moment; when it goes on, look at the API server's log.";
    default:
      return "";
  }
}

std::optional<absl::Duration> RetryAfter(const http_client::Response* response,
                                         const StatusBody& status) {
  if (status.retry_after_seconds && *status.retry_after_seconds >= 0) {
    return absl::Seconds(std::min<int64_t>(*status.retry_after_seconds, 3600));
  }
  if (response == nullptr) return std::nullopt;
  const std::string text(response->Get("Retry-After"));
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return absl::Seconds(std::min(std::strtoll(text.c_str(), nullptr, 10), 3600LL));
}

/// The user as the API server knows it, from its sentence about a 403: `User "alice" cannot list`.
std::string UserOf(std::string_view message) {
  constexpr std::string_view kBefore = "User \"";
  const size_t at = message.find(kBefore);
  if (at == std::string_view::npos) return "";
  message.remove_prefix(at + kBefore.size());
  const size_t end = message.find("\" cannot ");
  return end == std::string_view::npos ? "" : std::string(message.substr(0, end));
}

absl::Status Make(const ApiCall& call, std::string_view cluster, int http_code,
                  const StatusBody& status, const http_client::Response* response) {
  Outcome outcome = OutcomeFor(http_code);
  std::string reason = SnakeCase(status.reason);
  if (reason == "GONE") reason = "EXPIRED";
  if (reason.empty()) reason = std::string(outcome.reason);
  if (reason == "ALREADY_EXISTS") outcome.code = StatusCode::kAlreadyExists;
  if (http_code == 429 && status.disruption_budget) reason = "DISRUPTION_BUDGET";
  std::string message = base::SanitizeUtf8(status.message);
  if (message.empty()) message = fmt::format("The API server answered {}", http_code);
  message = std::string(base::Utf8Prefix(message, kMaxMessage));
  if (!message.ends_with('.') && !message.ends_with('!')) message += '.';
  base::Error error(outcome.code, reason,
                    fmt::format("Cannot {} {}: {}", call.verb, call.what(), message));
  std::move(error)
      .Hint(HintFor(call, http_code, reason))
      .With("http_status", std::to_string(http_code));
  if (http_code == 403) {
    if (const std::string user = UserOf(message); !user.empty())
      std::move(error).With("user", user);
  }
  if (const auto delay = RetryAfter(response, status)) std::move(error).RetryAfter(*delay);
  if (!status.causes.empty())
    std::move(error).With("causes", base::Utf8Prefix(base::Join(status.causes, "; "), kMaxMessage));
  if (!status.continue_token.empty()) std::move(error).With(kContinue, status.continue_token);
  return NameCall(error, call, cluster);
}

}  // namespace

std::string ApiCall::what() const {
  if (resource.empty()) return path;
  std::string text = resource;
  if (!group.empty()) text += "." + group;
  if (!subresource.empty()) text += "/" + subresource;
  if (!name.empty()) text += fmt::format(" '{}'", name);
  if (!ns.empty()) text += fmt::format(" in namespace '{}'", ns);
  return text;
}

std::string ApiCall::Target() const {
  std::string target = path;
  char separator = '?';
  for (const auto& [key, value] : query) {
    target += separator;
    target += base::PercentEncode(key);
    target += '=';
    target += base::PercentEncode(value);
    separator = '&';
  }
  return target;
}

ApiCall CallOn(std::string_view verb, std::string_view method, const ResourceType& type,
               std::string_view ns, std::string_view name, std::string_view subresource) {
  ApiCall call;
  call.verb = verb;
  call.method = method;
  call.group = type.group;
  call.resource = type.plural;
  call.subresource = subresource;
  call.ns = type.namespaced ? ns : std::string_view();
  call.name = name;
  call.path = type.group.empty() ? "/api/" : "/apis/" + base::PercentEncode(type.group) + "/";
  call.path += base::PercentEncode(type.version);
  if (!call.ns.empty()) call.path += "/namespaces/" + base::PercentEncode(call.ns);
  call.path += "/" + base::PercentEncode(type.plural);
  if (!name.empty()) call.path += "/" + base::PercentEncode(name);
  if (!subresource.empty()) call.path += "/" + base::PercentEncode(subresource);
  return call;
}

ApiCall SelfReview(std::string_view group, std::string_view kind, std::string_view spec) {
  ResourceType type;
  type.group = group;
  type.version = "v1";
  type.kind = kind;
  type.plural = base::AsciiLower(kind) + "s";
  type.namespaced = false;
  ApiCall call = CallOn("create", "POST", type, "", "");
  JsonObject body;
  body.Add("kind", kind).Add("apiVersion", type.api_version());
  if (!spec.empty()) body.AddRaw("spec", spec);
  call.body = body.Take();
  return call;
}

absl::Status NameCall(const absl::Status& status, const ApiCall& call, std::string_view cluster) {
  constexpr std::string_view kNotReached = "The API server was not reached";
  base::ErrorDetail detail = base::DetailOf(status);
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) detail.metadata[key] = value;
  };
  put("verb", call.verb);
  put("resource",
      call.subresource.empty() ? call.resource : call.resource + "/" + call.subresource);
  put("group", call.group);
  put("namespace", call.ns);
  put("name", call.name);
  put("cluster", std::string(cluster));
  const bool not_reached = detail.reason == "CONNECT_FAILED" || detail.reason == "CONNECT_TIMEOUT";
  if (!not_reached || base::ToStd(status.message()).starts_with(kNotReached))
    return base::WithDetail(status, detail);
  return base::WithDetail(absl::Status(status.code(), fmt::format("{}: {}", kNotReached,
                                                                  base::ToStd(status.message()))),
                          detail);
}

absl::Status NotKubernetes(const ApiCall& call, std::string_view cluster, int code,
                           std::string_view content_type, std::string_view body) {
  const std::string excerpt =
      call.holds_secrets() ? "(not shown, it may hold values of Secrets)"
                           : std::string(base::Utf8Prefix(
                                 base::SanitizeUtf8(body.substr(0, kBodyExcerpt)), kBodyExcerpt));
  const Outcome outcome = code >= 400 ? OutcomeFor(code) : Outcome{StatusCode::kUnavailable, ""};
  return NameCall(
      base::Error(
          outcome.code, "NOT_KUBERNETES",
          fmt::format(
              "Cannot {} {}: the answer (status {}, type '{}') is not from a Kubernetes API "
              "server. It begins: {}",
              call.verb, call.what(), code, base::SanitizeUtf8(content_type), excerpt))
          .Hint(
              "Check the server address in the kubeconfig and any proxy or login page in between.")
          .With("http_status", std::to_string(code))
          .With("body", excerpt),
      call, cluster);
}

absl::Status ErrorFromResponse(const ApiCall& call, std::string_view cluster,
                               const http_client::Response& response) {
  if (const auto status = ReadStatus(response.body)) {
    return Make(call, cluster, response.status >= 400 ? response.status : status->code, *status,
                &response);
  }
  const std::string_view type = response.Get("Content-Type");
  // Plain "404 page not found" comes from the API server itself, for a group it does not know.
  if (response.status >= 400 && (type.starts_with("text/plain") || response.body.empty())) {
    StatusBody plain;
    plain.message =
        std::string(base::Trim(base::Utf8Prefix(base::SanitizeUtf8(response.body), kBodyExcerpt)));
    return Make(call, cluster, response.status, plain, &response);
  }
  return NotKubernetes(call, cluster, response.status, type, response.body);
}

absl::Status ErrorFromStatusJson(const ApiCall& call, std::string_view cluster,
                                 std::string_view json) {
  const auto status = ReadStatus(json);
  if (!status) return NotKubernetes(call, cluster, 200, "application/json", json);
  return Make(call, cluster, status->code, *status, nullptr);
}

std::string ContinueOfStatus(const absl::Status& status) {
  const base::ErrorDetail detail = base::DetailOf(status);
  const auto found = detail.metadata.find(kContinue);
  return found == detail.metadata.end() ? "" : found->second;
}

}  // namespace opsmesh::kube
