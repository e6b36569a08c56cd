#include "libs/server/grpc_server.h"

#include "fmt/format.h"
#include "grpc/grpc.h"
#include "grpcpp/ext/proto_server_reflection_plugin.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "libs/base/error.h"
#include "libs/rpc/limits.h"
#include "libs/rpc/runner.h"

namespace opsmesh::server {
namespace {

std::shared_ptr<grpc::ServerCredentials> CredentialsOf(const CommonConfig& config) {
  if (config.tls.empty()) return grpc::InsecureServerCredentials();
  // Asked for, not demanded by the handshake: a call without a certificate gets a sentence instead
  // of a dead connection.
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_root_certs = config.tls.ca;
  tls.pem_key_cert_pairs.push_back({config.tls.private_key.Reveal(), config.tls.certificate_chain});
  return grpc::SslServerCredentials(tls);
}

// gRPC ends itself when its last user goes, and then waits for a poll of its own that lasts up to
// ten seconds when a write had to wait for its peer shortly before. A user that never goes spares a
// process that wait at its end.
void KeepGrpcForLife() {
  static const bool kept = [] {
    grpc_init();
    return true;
  }();
  (void)kept;
}

}  // namespace

bool IsLoopbackListen(std::string_view address) {
  return address.starts_with("127.") || address.starts_with("localhost:") ||
         address.starts_with("[::1]") || address.starts_with("unix:");
}

absl::StatusOr<std::unique_ptr<grpc::Server>> StartGrpcServer(
    const CommonConfig& config, const std::vector<grpc::Service*>& services,
    const std::set<std::string>& names, int* port) {
  namespace limits = rpc::limits;
  KeepGrpcForLife();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  const bool socket = config.grpc_listen != "none";
  if (socket) builder.AddListeningPort(config.grpc_listen, CredentialsOf(config), port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  const int64_t streams = config.max_streams_per_connection > 0 ? config.max_streams_per_connection
                          : config.tls.empty()                  ? limits::kStreamsPerConnection
                                                                : 10000;
  builder.SetMaxReceiveMessageSize(static_cast<int>(rpc::LargestRequest(names)));
  builder.SetMaxSendMessageSize(static_cast<int>(limits::kMaxMessageBytes));
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, limits::kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, static_cast<int>(streams));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20000);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT,
                             0);  // two programs on one port would share its calls
  grpc::ResourceQuota quota("opsmesh");
  quota.Resize(limits::kServerMemoryBytes);
  builder.SetResourceQuota(quota);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || (socket && *port == 0 && !config.grpc_listen.starts_with("unix:"))) {
    return base::Unavailable("ADDRESS_IN_USE",
                             fmt::format("gRPC cannot listen on {}.", config.grpc_listen))
        .Hint(
            "Another program may have the port, or the address is not of this machine: choose "
            "another with --grpc-listen.");
  }
  return server;
}

}  // namespace opsmesh::server
