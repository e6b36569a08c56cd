// Admission and end of a call: everything that is the same for all kinds of RPC.
#include <chrono>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/message.h"
#include "grpcpp/server_context.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/rpc/metadata.h"
#include "libs/rpc/runner_core.h"
#include "libs/rpc/status_bridge.h"

namespace opsmesh::rpc::internal {
namespace {

std::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

std::string_view Find(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata,
                      const char* key) {
  const auto it = metadata.find(key);
  return it == metadata.end() ? std::string_view() : View(it->second);
}

bool IsSupportId(std::string_view id) {
  if (id.empty() || id.size() > 128) return false;
  for (const char c : id) {
    if (c <= 0x20 || c >= 0x7f) return false;
  }
  return true;
}

// Accept-Language goes on as it is, so it must be one: short, visible ASCII and spaces.
bool IsLanguage(std::string_view text) {
  return text.size() <= 128 &&
         text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-*,;=. _") ==
             std::string_view::npos;
}

// gRPC knows no address of a peer in this process.
bool IsInProcess(std::string_view peer) {
  return peer.empty() || peer == "unknown" || peer.starts_with("inproc");
}

bool IsLoopback(std::string_view peer) {
  return peer.starts_with("ipv4:127.") || peer.starts_with("ipv6:[::1]:") ||
         peer.starts_with("ipv6:%5B::1%5D:") || peer.starts_with("ipv6:[::ffff:127.") ||
         peer.starts_with("ipv6:%5B::ffff:127.") || peer.starts_with("unix:") || IsInProcess(peer);
}

std::vector<std::string> CertificateUris(const grpc::CallbackServerContext& context) {
  std::vector<std::string> uris;
  const auto auth = context.auth_context();
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return uris;
  for (const auto& uri : auth->FindPropertyValues("peer_uri"))
    uris.emplace_back(uri.data(), uri.size());
  return uris;
}

// How loud a failed call is: our fault, trouble around us, or the caller's business.
log::Level LevelOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kDataLoss:
      return log::Level::kError;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return log::Level::kWarn;
    default:
      return log::Level::kInfo;
  }
}

}  // namespace

ServerCall::ServerCall(RunnerCore& core, grpc::CallbackServerContext* context,
                       const google::protobuf::Message& request, const char* method, CallKind kind)
    : core_(core),
      grpc_context_(context),
      request_(request),
      kind_(kind),
      method_(core.methods.Find(method)),
      start_(core.options.clock->Steady()) {
  {
    const std::lock_guard lock(core_.mutex);
    ++core_.alive;
  }
  if (core_.in_flight_gauge != nullptr) core_.in_flight_gauge->Add(1);
  if (kind_ == CallKind::kSubscription) core_.subscriptions.fetch_add(1, std::memory_order_relaxed);
  info_.method =
      method_ != nullptr ? method_->full_name : fmt::format("{}/{}", core.options.service, method);
  MakeContext();
}

ServerCall::~ServerCall() {
  if (kind_ == CallKind::kSubscription) core_.subscriptions.fetch_sub(1, std::memory_order_relaxed);
  if (core_.in_flight_gauge != nullptr) core_.in_flight_gauge->Add(-1);
  core_.Leave(this);
}

void ServerCall::MakeContext() {
  const auto& metadata = grpc_context_->client_metadata();
  base::Context context = base::Context::Background(*core_.options.clock);
  const auto deadline = grpc_context_->deadline();
  if (deadline != std::chrono::system_clock::time_point::max()) {
    context = context.WithTimeout(absl::FromChrono(deadline) - base::SystemClock().Now());
  } else if (method_ != nullptr) {
    context = context.WithTimeout(method_->default_timeout);
  }
  context = context.WithCancel(&cancel_);
  const std::string_view request_id = Find(metadata, metadata::kRequestId);
  context = context.WithRequestId(IsSupportId(request_id) ? std::string(request_id)
                                                          : core_.options.ids->NewId("req_"));
  if (const auto trace = telemetry::ParseTraceparent(Find(metadata, metadata::kTraceparent))) {
    context = context.WithTrace(*trace);
  }
  if (const std::string_view language = Find(metadata, metadata::kAcceptLanguage);
      !language.empty() && IsLanguage(language)) {
    info_.language = language;
    context = context.WithLanguage(info_.language);
  }
  if (core_.options.tracer != nullptr) {
    span_.emplace(core_.options.tracer->Start(context, info_.method));
    context = span_->context();
  }
  context_ = std::move(context);
}

absl::Status ServerCall::Authenticate() {
  const auto& metadata = grpc_context_->client_metadata();
  Credentials credentials;
  credentials.mesh_token = Find(metadata, metadata::kMeshToken);
  credentials.caller = Find(metadata, metadata::kCaller);
  std::string principal;
  if (!base::PercentDecode(Find(metadata, metadata::kPrincipal), &principal))
    principal = "\n";  // refused as no name
  credentials.principal = principal;
  credentials.role = Find(metadata, metadata::kRole);
  credentials.authorization = Find(metadata, metadata::kAuthorization);
  credentials.certificate_uris = CertificateUris(*grpc_context_);
  const std::string peer = grpc_context_->peer();
  credentials.in_process = IsInProcess(peer);
  credentials.peer_is_loopback = IsLoopback(peer);
  OPSMESH_ASSIGN_OR_RETURN(Caller caller, core_.options.authenticator->Authenticate(credentials));
  info_.caller = std::move(caller.service);
  context_ = context_->WithPrincipal(std::move(caller.principal));
  if (info_.caller == "gateway") {
    constexpr std::string_view kPrefix = metadata::kHttpPrefix;
    for (auto it = metadata.lower_bound(metadata::kHttpPrefix); it != metadata.end(); ++it) {
      std::string_view name = View(it->first);
      if (!name.starts_with(kPrefix)) break;
      if (name.ends_with(metadata::kBinarySuffix))
        name.remove_suffix(sizeof(metadata::kBinarySuffix) - 1);
      info_.http_headers.emplace(name.substr(kPrefix.size()), View(it->second));
    }
  }
  return absl::OkStatus();
}

absl::Status ServerCall::Judge() {
  OPSMESH_RETURN_IF_ERROR(core_.contract);
  if (method_ == nullptr) {
    return base::Internal("RPC_UNKNOWN",
                          fmt::format("'{}' is no RPC of the contract.", info_.method))
        .Hint("The function that calls the Runner must have the RPC's name.");
  }
  if (core_.options.authenticator != nullptr) OPSMESH_RETURN_IF_ERROR(Authenticate());
  if (core_.options.allow_list != nullptr &&
      !core_.options.allow_list->Allows(info_.caller, info_.method)) {
    return base::PermissionDenied(
               "CALLER_NOT_ALLOWED",
               fmt::format("The service '{}' may not call {}.", info_.caller, info_.method))
        .Hint("The rules of the mesh are in libs/rpc/allow_list.cc.")
        .With("caller", info_.caller)
        .With("method", info_.method);
  }
  const base::Principal& principal = context_->principal();
  if (core_.options.authenticator != nullptr && !method_->signed_webhook &&
      principal.role < method_->role) {
    return base::PermissionDenied("ROLE", fmt::format("{} needs the role '{}'; '{}' has '{}'.",
                                                      method_->name, base::RoleName(method_->role),
                                                      principal.id, base::RoleName(principal.role)))
        .Hint("Ask an administrator for a key with that role (auth.keys).")
        .With("needed", base::RoleName(method_->role))
        .With("role", base::RoleName(principal.role));
  }
  if (const auto size = static_cast<int64_t>(request_.ByteSizeLong());
      size > method_->max_request_bytes) {
    return base::ResourceExhausted("REQUEST_TOO_LARGE",
                                   fmt::format("The request has {} bytes; {} takes at most {}.",
                                               size, method_->name, method_->max_request_bytes))
        .Hint("Send less, or in pages.");
  }
  return method_->check->Check(request_);
}

absl::Status ServerCall::Admit(std::function<void()> run, std::function<void()> drain) {
  OPSMESH_RETURN_IF_ERROR(Judge());
  OPSMESH_RETURN_IF_ERROR(Check());
  if (kind_ == CallKind::kSubscription &&
      core_.subscriptions.load() > core_.options.max_subscriptions) {
    core_.CountShed("subscriptions");
    return base::ResourceExhausted(
               "TOO_MANY_STREAMS",
               fmt::format("The service '{}' has {} open streams already.",
                           core_.options.short_name, core_.options.max_subscriptions))
        .Hint("Close streams that are not read, or try again later.")
        .RetryAfter(core_.options.retry_after);
  }
  if (!core_.Enter(this, cancel_, std::move(drain), info_.caller.empty())) {
    core_.CountShed("stopping");
    return base::Unavailable("SHUTTING_DOWN",
                             fmt::format("The service '{}' is stopping.", core_.options.short_name))
        .Hint("Try again; another one takes over.")
        .RetryAfter(core_.options.retry_after);
  }
  if (!core_.pool.TrySubmit(std::move(run))) {
    core_.CountShed("pool_full");
    return base::ResourceExhausted(
               "POOL_FULL",
               fmt::format("The service '{}' has all its {} workers busy and {} calls waiting.",
                           core_.options.short_name, core_.options.threads,
                           core_.options.queue_limit))
        .Hint("Try again in a moment.")
        .RetryAfter(core_.options.retry_after);
  }
  return absl::OkStatus();
}

void ServerCall::Cancel() { cancel_->Cancel(); }

void ServerCall::CountMessage(const google::protobuf::Message& message) {
  ++messages_;
  response_bytes_ += static_cast<int64_t>(message.ByteSizeLong());
}

grpc::Status ServerCall::End(const absl::Status& status) {
  const absl::Duration took = core_.options.clock->Steady() - start_;
  const std::string_view code = base::CodeName(status.code());
  const std::string_view method = method_ != nullptr ? std::string_view(method_->name) : "unknown";
  if (core_.handled != nullptr)
    core_.handled->With({core_.options.short_name, method, code}).Increment();
  if (method_ != nullptr && method_->seconds != nullptr)
    method_->seconds->Observe(absl::ToDoubleSeconds(took));
  if (core_.options.logger != nullptr && core_.options.logger->Enabled(LevelOf(status.code()))) {
    log::Fields fields = {{"method", info_.method}, {"code", code}, {"dur_ms", took}};
    if (!info_.caller.empty()) fields.emplace_back("caller", info_.caller);
    fields.emplace_back("req_bytes", request_.ByteSizeLong());
    fields.emplace_back("resp_bytes", response_bytes_);
    if (kind_ != CallKind::kUnary) fields.emplace_back("messages", messages_);
    for (log::Field& field : log::ErrorFields(status)) fields.push_back(std::move(field));
    core_.options.logger->Log(LevelOf(status.code()), *context_, "rpc", fields);
  }
  if (span_) {
    span_->SetStatus(status);
    span_->SetAttribute("rpc.system", "grpc");
    if (!info_.caller.empty()) span_->SetAttribute("peer.service", info_.caller);
    span_->End();
  }
  return ToGrpc(status);
}

namespace {

class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  UnaryCall(RunnerCore& core, grpc::CallbackServerContext* context,
            const google::protobuf::Message& request, google::protobuf::Message* response,
            const char* method, Work work)
      : call_(core, context, request, method, CallKind::kUnary),
        response_(response),
        work_(std::move(work)) {}

  void Begin() {
    if (absl::Status status = call_.Admit([this] { Run(); }); !status.ok())
      Finish(call_.End(status));
  }
  void OnCancel() override { call_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  void Run() {
    absl::Status status = call_.Check();
    if (status.ok()) status = work_(call_.context(), call_.info());
    if (status.ok()) call_.CountMessage(*response_);
    Finish(call_.End(status));
  }

  ServerCall call_;
  google::protobuf::Message* const response_;
  const Work work_;
};

}  // namespace

grpc::ServerUnaryReactor* StartUnary(RunnerCore& core, grpc::CallbackServerContext* context,
                                     const google::protobuf::Message& request,
                                     google::protobuf::Message* response, const char* method,
                                     Work work) {
  auto* call = new UnaryCall(core, context, request, response, method, std::move(work));
  call->Begin();
  return call;
}

}  // namespace opsmesh::rpc::internal
