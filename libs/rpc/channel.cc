#include "libs/rpc/channel.h"

#include <algorithm>
#include <iterator>
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
  // What a request may hold is for its receiver to say, route by route: a million points given
  // inline are 18 MB.
  args.SetMaxSendMessageSize(static_cast<int>(4 * limits::kMaxMessageBytes));
  args.SetInt(GRPC_ARG_MAX_METADATA_SIZE, limits::kMaxMetadataBytes);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(absl::ToInt64Milliseconds(keepalive)));
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  // A restarted service answers within two seconds; waiting longer than that to look again would
  // hide it.
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);     // libs/clients has the one retry policy
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);  // a proxy for the web is none for the mesh
  args.SetServiceConfigJSON("{}");
  args.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return args;
}

bool IsVisible(char c) { return c > 0x20 && c < 0x7f; }

// gRPC ends the process over metadata that HTTP/2 cannot carry: nothing goes in unchecked.
bool IsHeaderValue(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return IsVisible(c) || c == ' '; });
}
bool IsHeaderName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

// A name in any script as visible ASCII: other bytes, and %, become %XX. Read back by
// base::PercentDecode.
std::string EncodeName(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (IsVisible(c) && c != '%') {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

void AddHttpHeader(const std::string& name, const std::string& value, grpc::ClientContext* client) {
  if (!IsHeaderName(name)) return;
  const std::string key = metadata::kHttpPrefix + name;
  // Keys that end in -bin may hold any bytes.
  client->AddMetadata(IsHeaderValue(value) ? key : key + metadata::kBinarySuffix, value);
}

bool IsLoopbackTarget(std::string_view target) {
  for (const std::string_view scheme : {"dns:///", "ipv4:", "ipv6:"}) {
    if (target.starts_with(scheme)) target.remove_prefix(scheme.size());
  }
  return target.starts_with("unix:") || target.starts_with("127.") ||
         target.starts_with("localhost:") || target.starts_with("[::1]");
}

}  // namespace

struct Channel::State {
  std::mutex mutex;
  Resolve resolve;
  std::shared_ptr<grpc::Channel> channel;
};

Channel::Channel(std::shared_ptr<grpc::Channel> channel,
                 std::shared_ptr<const CallIdentity> identity)
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

absl::StatusOr<Channel> MakeChannel(const ChannelOptions& options,
                                    std::shared_ptr<const CallIdentity> identity,
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
    return base::InvalidArgument(
               "target", "CHANNEL_TARGET",
               fmt::format("The mesh token would go to {} in plain text.", options.target))
        .Hint(
            "Configure mesh.tls, or say mesh.allow_plaintext: true where the network is trusted.");
  }
  return Channel(grpc::CreateCustomChannel(options.target, credentials, args), std::move(identity));
}

Channel InProcessChannel(grpc::Server& server, std::shared_ptr<const CallIdentity> identity) {
  return Channel(server.InProcessChannel(Arguments(limits::kMaxMessageBytes, absl::Hours(1))),
                 std::move(identity));
}

void Prepare(const base::Context& context, const CallIdentity& identity, const CallOptions& options,
             grpc::ClientContext* client) {
  const absl::Duration time = std::min(context.Remaining(), options.timeout);
  if (time != absl::InfiniteDuration()) {
    client->set_deadline(absl::ToChronoTime(base::SystemClock().Now() + time));
  }
  if (!identity.service.empty()) {
    client->AddMetadata(metadata::kCaller, identity.service);
    if (!identity.mesh_token.empty())
      client->AddMetadata(metadata::kMeshToken, identity.mesh_token.Reveal());
    if (!context.principal().id.empty()) {
      client->AddMetadata(metadata::kPrincipal, EncodeName(context.principal().id));
      client->AddMetadata(metadata::kRole, std::string(base::RoleName(context.principal().role)));
    }
    for (const auto& [name, value] : options.http_headers) AddHttpHeader(name, value, client);
  } else if (!identity.api_key.empty() && IsHeaderValue(identity.api_key.Reveal())) {
    client->AddMetadata(metadata::kAuthorization, "Bearer " + identity.api_key.Reveal());
  }
  if (!context.request_id().empty() && IsHeaderValue(context.request_id()))
    client->AddMetadata(metadata::kRequestId, context.request_id());
  if (std::string trace = telemetry::FormatTraceparent(context.trace()); !trace.empty()) {
    client->AddMetadata(metadata::kTraceparent, trace);
  }
  const std::string& language = options.language.empty() ? context.language() : options.language;
  if (!language.empty() && IsHeaderValue(language))
    client->AddMetadata(metadata::kAcceptLanguage, language);
}

}  // namespace opsmesh::rpc
