#include "libs/rpc/channel.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "fmt/format.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/support/channel_arguments.h"
#include "libs/base/error.h"
#include "libs/rpc/limits.h"
#include "libs/rpc/metadata.h"
#include "libs/telemetry/trace.h"

namespace opsmesh::rpc {
namespace {

grpc::ChannelArguments Arguments(int64_t max_receive_bytes, absl::Duration keepalive) {
  grpc::ChannelArguments args;
  args.SetMaxReceiveMessageSize(static_cast<int>(max_receive_bytes));
  args.SetMaxSendMessageSize(static_cast<int>(limits::kMaxMessageBytes));
  args.SetInt(GRPC_ARG_MAX_METADATA_SIZE, limits::kMaxMetadataBytes);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(absl::ToInt64Milliseconds(keepalive)));
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  // A restarted service answers within two seconds; waiting longer than that to look again would hide it.
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);      // libs/clients has the one retry policy
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);   // a proxy for the web is none for the mesh
  args.SetServiceConfigJSON("{}");
  args.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return args;
}

bool IsLoopbackTarget(std::string_view target) {
  for (const std::string_view scheme : {"dns:///", "ipv4:", "ipv6:"}) {
    if (target.starts_with(scheme)) target.remove_prefix(scheme.size());
  }
  return target.starts_with("unix:") || target.starts_with("127.") || target.starts_with("localhost:") ||
         target.starts_with("[::1]");
}

}  // namespace

struct Channel::State {
  std::mutex mutex;
  Resolve resolve;
  std::shared_ptr<grpc::Channel> channel;
};

Channel::Channel(std::shared_ptr<grpc::Channel> channel, std::shared_ptr<const CallIdentity> identity)
    : state_(std::make_shared<State>()), identity_(std::move(identity)) {
  state_->channel = std::move(channel);
}

Channel::Channel(Resolve resolve, std::shared_ptr<const CallIdentity> identity)
    : state_(std::make_shared<State>()), identity_(std::move(identity)) {
  state_->resolve = std::move(resolve);
}

std::shared_ptr<grpc::Channel> Channel::Get() const {
  const std::lock_guard lock(state_->mutex);
  if (state_->channel == nullptr && state_->resolve) state_->channel = state_->resolve();
  return state_->channel;
}

absl::StatusOr<Channel> MakeChannel(const ChannelOptions& options, std::shared_ptr<const CallIdentity> identity,
                                    bool allow_plaintext) {
  if (options.target.empty()) {
    return base::InvalidArgument("target", "CHANNEL_TARGET", "A channel needs an address.")
        .Hint("Use host:port, for instance 127.0.0.1:50051.");
  }
  grpc::ChannelArguments args = Arguments(options.max_receive_bytes, options.keepalive);
  if (!options.server_name.empty()) args.SetSslTargetNameOverride(options.server_name);
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (!options.tls.empty()) {
    credentials = grpc::SslCredentials(
        {options.tls.ca, options.tls.private_key.Reveal(), options.tls.certificate_chain});
  } else if (IsLoopbackTarget(options.target) || allow_plaintext || identity->mesh_token.empty()) {
    credentials = grpc::InsecureChannelCredentials();
  } else {
    return base::InvalidArgument("target", "CHANNEL_TARGET",
                                 fmt::format("The mesh token would go to {} in plain text.", options.target))
        .Hint("Configure mesh.tls, or say mesh.allow_plaintext: true where the network is trusted.");
  }
  return Channel(grpc::CreateCustomChannel(options.target, credentials, args), std::move(identity));
}

Channel InProcessChannel(grpc::Server& server, std::shared_ptr<const CallIdentity> identity) {
  return Channel(server.InProcessChannel(Arguments(limits::kMaxMessageBytes, absl::Hours(1))), std::move(identity));
}

void Prepare(const base::Context& context, const CallIdentity& identity, const CallOptions& options,
             grpc::ClientContext* client) {
  const absl::Duration time = std::min(context.Remaining(), options.timeout);
  if (time != absl::InfiniteDuration()) {
    client->set_deadline(absl::ToChronoTime(base::SystemClock().Now() + time));
  }
  if (!identity.service.empty()) {
    client->AddMetadata(metadata::kCaller, identity.service);
    if (!identity.mesh_token.empty()) client->AddMetadata(metadata::kMeshToken, identity.mesh_token.Reveal());
    if (!context.principal().id.empty()) {
      client->AddMetadata(metadata::kPrincipal, context.principal().id);
      client->AddMetadata(metadata::kRole, std::string(base::RoleName(context.principal().role)));
    }
    for (const auto& [name, value] : options.http_headers) client->AddMetadata(metadata::kHttpPrefix + name, value);
  } else if (!identity.api_key.empty()) {
    client->AddMetadata(metadata::kAuthorization, "Bearer " + identity.api_key.Reveal());
  }
  if (!context.request_id().empty()) client->AddMetadata(metadata::kRequestId, context.request_id());
  if (std::string trace = telemetry::FormatTraceparent(context.trace()); !trace.empty()) {
    client->AddMetadata(metadata::kTraceparent, trace);
  }
  const std::string& language = options.language.empty() ? context.language() : options.language;
  if (!language.empty()) client->AddMetadata(metadata::kAcceptLanguage, language);
}

}  // namespace opsmesh::rpc
