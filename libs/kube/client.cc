#include "libs/kube/client.h"

#include <fmt/format.h>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/kube/json_ref.h"
#include "libs/kube/quantity.h"
#include "libs/kube/small_json.h"
#include "libs/kube/transport.h"
#include "libs/kube/wire.h"

namespace opsmesh::kube {

absl::StatusOr<std::unique_ptr<Client>> Client::Create(Options options) {
  if (options.http == nullptr)
    return base::Internal("NO_HTTP_CLIENT", "A kube client needs an HTTP client.");
  const std::string& server = options.config.server;
  if (!server.starts_with("https://") && !server.starts_with("http://")) {
    return base::InvalidArgument(
               "server", "MALFORMED_KUBECONFIG",
               fmt::format("The server of cluster '{}' is not an http or https address.",
                           options.config.name))
        .Hint("Write clusters[].cluster.server as https://host:port.");
  }
  if (server.find_first_of("?#") != std::string::npos) {
    return base::InvalidArgument(
               "server", "MALFORMED_KUBECONFIG",
               fmt::format("The server of cluster '{}' has a query or a fragment.",
                           options.config.name))
        .Hint("Write clusters[].cluster.server as https://host:port, with a path at most.");
  }
  for (const char c : options.config.token.Reveal()) {
    if (c > ' ' && c < 0x7f) continue;
    return base::InvalidArgument("token", "MALFORMED_KUBECONFIG",
                                 fmt::format("The token of user '{}' holds white space or other "
                                             "characters that no token has.",
                                             options.config.user))
        .Hint("Write users[].user.token as one word, or name a file as tokenFile.");
  }
  const bool cert = !options.config.client_cert_pem.empty();
  if (cert != !options.config.client_key_pem.empty()) {
    return base::InvalidArgument(
               "client-key", "MALFORMED_KUBECONFIG",
               fmt::format("User '{}' has a client certificate or a key, but not both.",
                           options.config.user))
        .Hint("Give client-certificate(-data) and client-key(-data) together.");
  }
  Impersonation who = options.config.impersonate;
  if (who.user.empty() && !who.empty()) {
    return base::InvalidArgument("as", "MALFORMED_KUBECONFIG",
                                 "Impersonated groups need an impersonated user.");
  }
  while (options.config.server.ends_with('/')) options.config.server.pop_back();
  auto transport = std::make_shared<Transport>(std::move(options));
  return std::unique_ptr<Client>(new Client(std::move(transport), std::move(who)));
}

Client::Client(std::shared_ptr<Transport> transport, Impersonation who)
    : transport_(std::move(transport)), who_(std::move(who)) {}
Client::~Client() = default;

std::unique_ptr<Client> Client::As(Impersonation who) const {
  return std::unique_ptr<Client>(new Client(transport_, std::move(who)));
}

const ClusterConfig& Client::config() const { return transport_->options().config; }

absl::StatusOr<ServerVersion> Client::Version(const base::Context& ctx) {
  ApiCall call;
  call.verb = "get";
  call.path = "/version";
  OPSMESH_ASSIGN_OR_RETURN(const auto response, transport_->Do(ctx, call, who_));
  const SmallJson json(response.body);
  if (!json.valid() || json.root()["gitVersion"].type() != JsonRef::Type::kString) {
    return NotKubernetes(call, transport_->cluster(), response.status, response.Get("Content-Type"),
                         response.body);
  }
  ServerVersion version;
  version.major = std::atoi(json.root()["major"].String().c_str());
  version.minor = std::atoi(json.root()["minor"].String().c_str());  // stops at the '+' of "32+"
  version.git_version = json.root()["gitVersion"].String();
  version.platform = json.root()["platform"].String();
  return version;
}

absl::StatusOr<ObjectPtr> Client::Get(const base::Context& ctx, const ResourceType& type,
                                      std::string_view ns, std::string_view name) {
  OPSMESH_RETURN_IF_ERROR(CheckObjectName("name", name));
  if (type.namespaced) OPSMESH_RETURN_IF_ERROR(CheckNamespace("namespace", ns));
  const ApiCall call = CallOn("get", "GET", type, ns, name);
  OPSMESH_ASSIGN_OR_RETURN(const auto response, transport_->Do(ctx, call, who_));
  auto object = Object::Parse(response.body, type.api_version(), type.kind);
  if (object.ok()) return object;
  if (base::DetailOf(object.status()).reason == "UNPARSEABLE_OBJECT")
    return NameCall(object.status(), call, transport_->cluster());
  return NotKubernetes(call, transport_->cluster(), response.status, response.Get("Content-Type"),
                       response.body);
}

absl::StatusOr<AccessAnswer> Client::CanI(const base::Context& ctx,
                                          const AccessQuestion& question) {
  const std::string attributes = JsonObject()
                                     .AddIf("namespace", question.ns)
                                     .Add("verb", question.verb)
                                     .AddIf("group", question.group)
                                     .Add("resource", question.resource)
                                     .AddIf("subresource", question.subresource)
                                     .AddIf("name", question.name)
                                     .Take();
  const ApiCall call = SelfReview("authorization.k8s.io", "SelfSubjectAccessReview",
                                  JsonObject().AddRaw("resourceAttributes", attributes).Take());
  OPSMESH_ASSIGN_OR_RETURN(const auto response, transport_->Do(ctx, call, who_));
  const SmallJson json(response.body);
  const JsonRef status = json.root()["status"];
  const auto allowed = status["allowed"].Bool();
  if (!allowed)
    return NotKubernetes(call, transport_->cluster(), response.status, response.Get("Content-Type"),
                         response.body);
  AccessAnswer answer;
  answer.allowed = *allowed;
  answer.reason = status["reason"].String();
  if (answer.reason.empty()) answer.reason = status["evaluationError"].String();
  return answer;
}

absl::StatusOr<std::string> Client::WhoAmI(const base::Context& ctx) {
  const ApiCall call = SelfReview("authentication.k8s.io", "SelfSubjectReview");
  const auto response = transport_->Do(ctx, call, who_);
  if (response.status().code() == absl::StatusCode::kNotFound ||
      response.status().code() == absl::StatusCode::kPermissionDenied) {
    // Servers before 1.28 say 404, or 403 to users without rights: authorization comes before "no
    // such resource".
    return base::Unimplemented("NOT_SERVED",
                               "This API server cannot say who a credential belongs to.")
        .Hint("Take the user's name from the kubeconfig.")
        .With("cluster", transport_->cluster());
  }
  OPSMESH_RETURN_IF_ERROR(response.status());
  const SmallJson json(response->body);
  std::string name = json.root().At("status.userInfo.username").String();
  if (name.empty())
    return NotKubernetes(call, transport_->cluster(), response->status,
                         response->Get("Content-Type"), response->body);
  return name;
}

absl::Status Client::Watch(const base::Context& ctx, const ResourceType& type, std::string_view ns,
                           const WatchOptions& options,
                           const std::function<bool(const WatchEvent&)>& on_event) {
  OPSMESH_ASSIGN_OR_RETURN(const ApiCall call, WatchCall(type, ns, options));
  LineSplitter lines(kMaxEventBytes, call.holds_secrets());
  const absl::Status stop = base::Cancelled("WATCH_STOPPED", "");
  const absl::Status status = transport_->Stream(
      ctx, call, who_, options.server_timeout + absl::Seconds(15), [&](std::string_view piece) {
        return lines.Feed(piece, [&](std::string_view text) -> absl::Status {
          const WatchLine line = ParseWatchLine(text, type);
          switch (line.kind) {
            case WatchLine::Kind::kEvent:
              return on_event(line.event) ? absl::OkStatus() : stop;
            case WatchLine::Kind::kError:
              return ErrorFromStatusJson(call, transport_->cluster(), line.error_json);
            case WatchLine::Kind::kUnparseable:
            case WatchLine::Kind::kUnknownType:
              return absl::OkStatus();
            case WatchLine::Kind::kMalformed:
              break;
          }
          return NotKubernetes(call, transport_->cluster(), 200, "application/json", text);
        });
      });
  return base::DetailOf(status).reason == "WATCH_STOPPED" ? absl::OkStatus() : status;
}

namespace {

template <typename Usage>
void ReadAmounts(JsonRef usage, Usage* out) {
  out->cpu_cores = ParseQuantity(usage["cpu"].String()).value_or(0);
  out->memory_bytes = ParseQuantity(usage["memory"].String()).value_or(0);
}

absl::Duration ParseWindow(const std::string& text) {
  absl::Duration window;
  return absl::ParseDuration(text, &window) ? window : absl::ZeroDuration();
}

/// A missing metrics server is 404 (no API) or 503 (API registered, nobody behind it).
absl::Status MetricsError(const absl::Status& status) {
  const bool absent = status.code() == absl::StatusCode::kNotFound ||
                      base::DetailOf(status).reason == "SERVICE_UNAVAILABLE";
  if (!absent) return status;
  base::ErrorDetail detail = base::DetailOf(status);
  base::Error error = base::Unavailable("METRICS_NOT_SERVED",
                                        "This cluster has no metrics server (metrics.k8s.io).");
  std::move(error).Hint(
      "Install metrics-server, or configure Prometheus as the source of usage figures.");
  if (detail.metadata.contains("cluster"))
    std::move(error).With("cluster", detail.metadata["cluster"]);
  return error;
}

}  // namespace

absl::StatusOr<std::vector<PodUsage>> Client::PodMetrics(const base::Context& ctx,
                                                         std::string_view ns) {
  static const ResourceType kType{
      "metrics.k8s.io", "v1beta1", "PodMetrics", "pods", "pod", {}, true, {}, {}};
  const auto list = List(ctx, kType, ns, {});
  if (!list.ok()) return MetricsError(list.status());
  std::vector<PodUsage> usages;
  for (const ObjectPtr& object : list->items) {
    PodUsage usage;
    usage.ns = std::string(object->ns());
    usage.name = std::string(object->name());
    const JsonRef root = object->root();
    absl::Time at;
    if (base::ParseRfc3339(root["timestamp"].String(), &at)) usage.at = at;
    usage.window = ParseWindow(root["window"].String());
    root["containers"].ForEachElement([&](JsonRef container) {
      ContainerUsage one;
      one.name = container["name"].String();
      ReadAmounts(container["usage"], &one);
      usage.containers.push_back(std::move(one));
      return true;
    });
    usages.push_back(std::move(usage));
  }
  return usages;
}

absl::StatusOr<std::vector<NodeUsage>> Client::NodeMetrics(const base::Context& ctx) {
  static const ResourceType kType{
      "metrics.k8s.io", "v1beta1", "NodeMetrics", "nodes", "node", {}, false, {}, {}};
  const auto list = List(ctx, kType, "", {});
  if (!list.ok()) return MetricsError(list.status());
  std::vector<NodeUsage> usages;
  for (const ObjectPtr& object : list->items) {
    NodeUsage usage;
    usage.name = std::string(object->name());
    const JsonRef root = object->root();
    absl::Time at;
    if (base::ParseRfc3339(root["timestamp"].String(), &at)) usage.at = at;
    usage.window = ParseWindow(root["window"].String());
    ReadAmounts(root["usage"], &usage);
    usages.push_back(std::move(usage));
  }
  return usages;
}

}  // namespace opsmesh::kube
