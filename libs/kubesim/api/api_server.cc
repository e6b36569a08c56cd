#include "libs/kubesim/api/api_server.h"

#include <fmt/format.h>

#include <set>

#include "absl/time/time.h"
#include "libs/base/ids.h"
#include "libs/base/strings.h"
#include "libs/kubesim/api/authorization.h"
#include "libs/kubesim/api/discovery.h"
#include "libs/kubesim/api/metrics.h"
#include "libs/kubesim/api/pod_exec.h"
#include "libs/kubesim/api/pod_logs.h"
#include "libs/kubesim/api/pod_ports.h"
#include "libs/kubesim/api/reads.h"
#include "libs/kubesim/api/warning_headers.h"
#include "libs/kubesim/api/writes.h"
#include "libs/kubesim/objects/schema.h"
#include "libs/kubesim/store/json_path.h"
#include "nlohmann/json.hpp"

namespace opsmesh::kubesim {
namespace {

http_server::Response ToResponse(Reply reply, const http_server::Headers& common) {
  http_server::Response response{reply.code, common, std::move(reply.body)};
  if (!reply.content_type.empty()) response.headers.Set("Content-Type", reply.content_type);
  for (auto& [name, value] : reply.headers) {
    if (name == "Cache-Control")
      response.headers.Set(name, value);  // in place of the usual one
    else
      response.headers.Add(std::move(name), std::move(value));
  }
  return response;
}

AccessQuestion QuestionOf(const RequestInfo& info) {
  AccessQuestion question;
  question.verb = info.verb;
  if (!info.is_resource) {
    question.non_resource_path = info.path;
    return question;
  }
  question.group = info.group;
  question.resource =
      info.subresource.empty() ? info.resource : info.resource + "/" + info.subresource;
  question.ns = info.ns;
  question.name = info.name;
  return question;
}

ApiStatus Forbidden(const User& user, const AccessQuestion& question, const std::string& reason) {
  ApiStatus status{.code = 403, .reason = "Forbidden", .has_details = true};
  if (!question.non_resource_path.empty()) {
    status.message = fmt::format("forbidden: User \"{}\" cannot {} path \"{}\"", user.name,
                                 question.verb, question.non_resource_path);
    if (!reason.empty()) status.message += ": " + reason;
    return status;
  }
  const std::string plural = question.resource.substr(0, question.resource.find('/'));
  const std::string qualified = question.group.empty() ? plural : plural + "." + question.group;
  const std::string scope = question.ns.empty()
                                ? "at the cluster scope"
                                : fmt::format("in the namespace \"{}\"", question.ns);
  const std::string subject =
      question.name.empty() ? qualified : fmt::format("{} \"{}\"", qualified, question.name);
  status.message =
      fmt::format("{} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {}",
                  subject, user.name, question.verb, question.resource, question.group, scope);
  if (!reason.empty()) status.message += ": " + reason;
  status.name = question.name;
  status.group = question.group;
  status.kind = plural;
  return status;
}

MaybeStatus MayImpersonate(const Cluster& cluster, const User& real,
                           const Impersonation& impersonation) {
  const User& wanted = impersonation.user;
  auto ask = [&](const char* resource, const std::string& ns, const std::string& name,
                 const char* group = "") -> MaybeStatus {
    const AccessQuestion question{"impersonate", group, resource, ns, name, ""};
    const AccessAnswer answer = Authorize(cluster, real, question);
    if (answer.allowed) return std::nullopt;
    return Forbidden(real, question, answer.reason);
  };
  if (wanted.name.starts_with("system:serviceaccount:")) {
    const std::string rest = wanted.name.substr(22);
    const size_t colon = rest.find(':');
    const std::string ns = rest.substr(0, colon);
    if (auto no =
            ask("serviceaccounts", ns, colon == std::string::npos ? "" : rest.substr(colon + 1)))
      return no;
  } else if (auto no = ask("users", "", wanted.name)) {
    return no;
  }
  for (const std::string& group : impersonation.asked_groups) {
    if (auto no = ask("groups", "", group)) return no;
  }
  if (!wanted.uid.empty()) {
    if (auto no = ask("uids", "", wanted.uid, "authentication.k8s.io")) return no;
  }
  for (const auto& [key, values] : wanted.extra) {
    for (const std::string& value : values) {
      if (auto no = ask(("userextras/" + key).c_str(), "", value, "authentication.k8s.io"))
        return no;
    }
  }
  return std::nullopt;
}

// The ?timeout= of a request: 400 when it is no duration. No time passes here while a request is
// served.
MaybeStatus CheckTimeout(const Query& query) {
  const std::string& text = query.Get("timeout");
  if (text.empty()) return std::nullopt;
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration)) return std::nullopt;
  const bool number = text.find_first_not_of("0123456789.") == std::string::npos;
  return BadRequestStatus(
      fmt::format("invalid timeout specified in the request URL - time: {} \"{}\"",
                  number ? "missing unit in duration" : "invalid duration", text));
}

// Kinds that the scheme holds besides those of resources.
bool IsOfEveryVersion(std::string_view api_version, std::string_view kind) {
  static const std::set<std::string_view> core = {"List",         "Status",   "APIVersions",
                                                  "APIGroupList", "APIGroup", "APIResourceList"};
  static const std::set<std::string_view> all = {"WatchEvent",    "ListOptions",   "GetOptions",
                                                 "DeleteOptions", "CreateOptions", "UpdateOptions",
                                                 "PatchOptions"};
  return (api_version == "v1" && core.contains(kind)) || all.contains(kind);
}

}  // namespace

namespace {
// A group of the server's own knows its paths and refuses others as an API; what nobody serves is a
// page that was not found, and so are paths of custom resources.
Reply NoSuchPath(const ResourceCatalog& catalog, std::string_view group) {
  const auto types = catalog.All();
  const bool own = std::any_of(types.begin(), types.end(), [&](const ResourceType* type) {
    return type->group == group && !type->custom;
  });
  return own ? StatusReply(UnknownResourceStatus()) : TextReply("404 page not found\n", 404);
}

ApiStatus Unsupported(const ResourceType& type, std::string_view verb) {
  ApiStatus status = MethodNotAllowedStatus();
  status.message =
      fmt::format("{} is not supported on resources of kind \"{}\"", verb, type.QualifiedName());
  status.group = type.group;
  status.kind = type.plural;
  status.has_details = true;
  return status;
}
}  // namespace

http_server::Response DoorError(int status, std::string_view reason, std::string_view message) {
  if (reason == "METHOD_NOT_ALLOWED" && status == 405)
    return ToResponse(StatusReply(MethodNotAllowedStatus()), {});
  if (status == 413) message = "Request entity too large: limit is 3145728";
  const ApiStatus failure{.code = status,
                          .reason = status == 413   ? "RequestEntityTooLarge"
                                    : status == 429 ? "TooManyRequests"
                                    : status < 500  ? "BadRequest"
                                                    : "",
                          .message = std::string(message)};
  return ToResponse(StatusReply(failure), {});
}

ApiServer::ApiServer(Cluster cluster, TokenTable& tokens, Options options)
    : cluster_(cluster), tokens_(tokens), options_(std::move(options)), streams_(cluster) {}

http_server::Headers ApiServer::CommonHeaders(bool flow_controlled) const {
  http_server::Headers headers;
  headers.Add("Audit-Id", base::SystemIds().NewUuid());
  headers.Add("Cache-Control", "no-cache, private");
  if (!flow_controlled) return headers;
  // Fixed ids of the simulated flow schema and priority level.
  headers.Add("X-Kubernetes-Pf-Flowschema-Uid", "5d1d6f0e-6b1a-4f6e-9d57-6d2f3a7c1e01");
  headers.Add("X-Kubernetes-Pf-Prioritylevel-Uid", "5d1d6f0e-6b1a-4f6e-9d57-6d2f3a7c1e02");
  return headers;
}

void ApiServer::Handle(const std::shared_ptr<http_server::Exchange>& exchange) {
  const http_server::Request& request = exchange->request();
  Call call{.http = request,
            .info = {},
            .query = Query(request.raw_query),
            .user = {},
            .accepted = {},
            .type = nullptr,
            .warnings = {}};
  call.info = ParseRequestInfo(request.method, request.path, call.query);
  call.known_kind = [this](std::string_view api_version, std::string_view kind) {
    return cluster_.store.catalog().FindKind(api_version, kind) != nullptr ||
           SchemaOf(api_version, kind) != nullptr || IsOfEveryVersion(api_version, kind);
  };
  // What runs long is not queued by fairness.
  const std::string& sub = call.info.subresource;
  const bool long_running =
      sub == "log" || sub == "exec" || sub == "attach" || sub == "portforward" || sub == "proxy";
  http_server::Headers common = CommonHeaders(!long_running);
  std::optional<Reply> reply;
  try {
    reply = Dispatch(call, exchange, common);
  } catch (const Json::exception& error) {
    // A shape that no check foresaw: the client's object is at fault, the server goes on.
    reply = StatusReply(
        BadRequestStatus(fmt::format("the object provided cannot be handled: {}", error.what())));
  } catch (const std::exception& error) {
    // Memory that there is not, or a fault of ours: it is this request's end, not the server's.
    reply = StatusReply({.code = 500,
                         .reason = "InternalError",
                         .message = fmt::format("Internal error occurred: {}", error.what())});
  }
  if (!reply) return;
  if (reply->code == 401 || call.unqueued) common = CommonHeaders(false);
  AddWarnings(call.warnings, &common);
  // A Status is no Table: who asks for a Table in YAML is told in JSON what went wrong.
  if (reply->code >= 400 && call.accepted.yaml && call.accepted.form == Form::kObject &&
      reply->content_type == "application/json")
    AsYaml(*reply);
  if (request.method == "HEAD") reply->body.clear();
  exchange->Respond(ToResponse(*std::move(reply), common));
}

std::optional<Reply> ApiServer::Dispatch(Call& call,
                                         const std::shared_ptr<http_server::Exchange>& exchange,
                                         const http_server::Headers& common) {
  Authentication caller = Authenticate(cluster_, call.http, tokens_, options_.open_door);
  call.warnings = std::move(caller.warnings);
  if (!caller.user)
    return StatusReply({.code = 401, .reason = "Unauthorized", .message = "Unauthorized"});
  call.user = *std::move(caller.user);
  if (const std::string asked = IncompleteImpersonation(call.http); !asked.empty()) {
    call.unqueued = true;
    const std::string uri =
        call.http.path + (call.http.raw_query.empty() ? "" : "?" + call.http.raw_query);
    return TextReply(fmt::format("Internal Server Error: \"{}\": requested {} without "
                                 "impersonating a user\n",
                                 base::ReplaceAll(uri, "&", "&amp;"), asked),
                     500);
  }
  if (auto wanted = ImpersonationOf(call.http)) {
    if (auto refused = MayImpersonate(cluster_, call.user, *wanted)) return StatusReply(*refused);
    call.user = std::move(wanted->user);
  }
  AccessQuestion question = QuestionOf(call.info);
  // A list or watch of one name is, to the authorizer, about that object.
  if (question.name.empty() &&
      (question.verb == "list" || question.verb == "watch" || question.verb == "deletecollection"))
    question.name = SelectedName(call.query);
  question.field_selector = call.query.Get("fieldSelector");
  if (const AccessAnswer answer = Authorize(cluster_, call.user, question); !answer.allowed) {
    Reply refused = StatusReply(Forbidden(call.user, question, answer.reason));
    refused.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return refused;
  }
  if (call.info.is_resource) return Resource(call, exchange, common);
  if (options_.own_paths) {
    if (auto reply = options_.own_paths(call)) return reply;
  }

  // Some documents are served whatever the method is; routes of the API are not, and know no HEAD.
  const std::string& path = call.http.path;
  if (path.starts_with("//")) return TextReply("404 page not found\n", 404);  // nobody's
  const bool any_method = path == "/apis" || path.starts_with("/openapi/") || path == "/healthz" ||
                          path == "/livez" || path == "/readyz" || path == "/";
  if (call.http.method != "GET" && !any_method) return StatusReply(MethodNotAllowedStatus());
  auto reply = HandleTokenIssuer(tokens_.signer(), call);
  if (!reply) reply = HandleDiscovery(cluster_, call);
  if (reply) return std::move(*reply);
  const auto parts = base::Split(path, '/');  // the first is empty
  if (parts.size() > 1 && parts[1] == "api") return NoSuchPath(cluster_.store.catalog(), "");
  if (parts.size() > 2 && parts[1] == "apis") return NoSuchPath(cluster_.store.catalog(), parts[2]);
  return TextReply("404 page not found\n", 404);
}

std::optional<Reply> ApiServer::Resource(Call& call,
                                         const std::shared_ptr<http_server::Exchange>& exchange,
                                         const http_server::Headers& common) {
  const RequestInfo& info = call.info;
  const ResourceCatalog& catalog = cluster_.store.catalog();
  call.type = catalog.Find(info.group, info.version, info.resource);
  if (call.type == nullptr) return NoSuchPath(catalog, info.group);
  if (info.path.find("//") != std::string::npos) return NoSuchPath(catalog, info.group);
  const ResourceType& type = *call.type;
  const bool reads = info.verb == "get" || info.verb == "list" || info.verb == "watch";
  // The collection of all namespaces is only read; another method is not allowed there. Bindings
  // are not even read.
  if (type.namespaced && info.ns.empty() && (!info.name.empty() || !reads)) {
    const bool collection = info.name.empty() && type.Allows("list") && !type.custom;
    return collection ? StatusReply(MethodNotAllowedStatus()) : NoSuchPath(catalog, info.group);
  }
  if (type.namespaced && info.ns.empty() && !type.Allows("list"))
    return NoSuchPath(catalog, info.group);
  if (!type.namespaced && !info.ns.empty() &&
      !(type.group.empty() && type.plural == "namespaces")) {
    return NoSuchPath(catalog, info.group);
  }
  const bool is_log = type.storage_key == "/pods" && info.subresource == "log";
  auto accepted =
      Negotiate(call.http.headers.Get("Accept"), call.query, !type.custom, info.verb == "list");
  if (!accepted.ok() && !is_log) return StatusReply(accepted.status());
  if (accepted.ok()) call.accepted = *accepted;
  if (info.verb != "watch" && !is_log) {
    if (auto refused = CheckTimeout(call.query)) {
      call.unqueued = true;
      return StatusReply(*refused);
    }
  }
  if (type.group.empty() && type.plural == "componentstatuses")
    call.warnings.push_back("v1 ComponentStatus is deprecated in v1.19+");
  if (type.custom && type.definition && BoolAt(*type.definition, {"deprecated"})) {
    const std::string own = TextAt(*type.definition, "deprecationWarning");
    call.warnings.push_back(
        own.empty() ? fmt::format("{} {} is deprecated", type.ApiVersion(), type.kind) : own);
  }

  if (!info.subresource.empty()) {
    // A kind of the server's own has no paths below those of its subresources; that of a custom one
    // is served whatever follows.
    if (!info.rest.empty() && info.subresource != "proxy" && !type.custom)
      return NoSuchPath(catalog, info.group);
    const Subresource* sub = type.FindSubresource(info.subresource);
    if (sub == nullptr)
      return StatusReply(type.custom ? NotFoundStatus(type, info.name) : UnknownResourceStatus());
    const std::string verb = info.verb == "list" ? "get" : info.verb;
    if (std::find(sub->verbs.begin(), sub->verbs.end(), verb) == sub->verbs.end())
      return StatusReply(type.custom ? Unsupported(type, verb) : MethodNotAllowedStatus());
    if (is_log) return HandlePodLog(cluster_, call, streams_, exchange, common);
    if (info.subresource == "exec")
      return HandlePodExec(cluster_, call, options_.exec, streams_, exchange);
    if (info.subresource == "attach")
      return HandlePodAttach(cluster_, call, options_.exec, streams_, exchange);
    if (info.subresource == "portforward")
      return HandlePortForward(cluster_, call, options_.ask, exchange);
    if (info.subresource == "proxy") return HandleProxy(cluster_, call, options_.ask);
    return HandleSubresource(cluster_, call, tokens_);
  }
  // Objects are made at the collection and changed at their own path; HEAD is nothing that
  // resources know.
  const bool named = !info.name.empty();
  const std::string& method = call.http.method;
  if (method == "HEAD" || (method == "POST" && named) ||
      ((method == "PUT" || method == "PATCH") && !named))
    return StatusReply(MethodNotAllowedStatus());
  if (!type.Allows(info.verb)) return StatusReply(MethodNotAllowedStatus());
  if (named && info.name.find('%') != std::string::npos && info.verb != "update")
    return StatusReply(BadRequestStatus(
        fmt::format("Name parameter invalid: \"{}\": may not contain '%'", info.name)));
  if (type.group == "metrics.k8s.io") return HandleMetrics(cluster_, call);
  if (info.verb == "get") return HandleGet(cluster_, call);
  if (info.verb == "list") return HandleList(cluster_, call);
  if (info.verb == "watch") {
    http_server::Headers headers = common;
    AddWarnings(call.warnings, &headers);
    streams_.ServeWatch(call, exchange, headers);
    return std::nullopt;
  }
  return HandleWrite(cluster_, call, tokens_);
}

}  // namespace opsmesh::kubesim
