// The process' one gRPC server: its bounds, its TLS, health and reflection.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/server/common_config.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace opsmesh::server {

/// True when nobody beyond this machine can reach the address.
bool IsLoopbackListen(std::string_view address);

/// Starts a server with `services` on config.grpc_listen ("none" = in-process channels only);
/// `port` receives the port of a socket. `names` are the full service names, which bound the
/// largest request. UNAVAILABLE (ADDRESS_IN_USE) when it cannot listen. The services outlive the
/// server.
absl::StatusOr<std::unique_ptr<grpc::Server>> StartGrpcServer(
    const CommonConfig& config, const std::vector<grpc::Service*>& services,
    const std::set<std::string>& names, int* port);

}  // namespace opsmesh::server
