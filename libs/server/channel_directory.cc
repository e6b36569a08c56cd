#include "libs/server/channel_directory.h"

#include <utility>

#include "fmt/format.h"
#include "grpcpp/channel.h"
#include "grpcpp/server.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::server {
namespace {

// "opsmesh.k8s.v1.K8sService" -> "k8s".
std::string ShortName(std::string_view service_full_name) {
  const auto parts = base::Split(service_full_name, '.');
  return parts.size() >= 2 ? std::string(parts[1]) : std::string(service_full_name);
}

}  // namespace

void LocalServer::Set(grpc::Server* server) {
  const std::lock_guard lock(mutex_);
  server_ = server;
}

std::shared_ptr<grpc::Channel> LocalServer::Connect(
    std::shared_ptr<const rpc::CallIdentity> identity) const {
  const std::lock_guard lock(mutex_);
  return server_ == nullptr ? nullptr : rpc::InProcessChannel(*server_, std::move(identity)).Get();
}

ChannelDirectory::ChannelDirectory(std::string as, std::set<std::string> local_services,
                                   const LocalServer& local, const CommonConfig& config)
    : local_services_(std::move(local_services)),
      local_(local),
      config_(config),
      identity_(std::make_shared<const rpc::CallIdentity>(rpc::CallIdentity{
          as, as.empty() ? base::Secret() : config.mesh_token, base::Secret()})) {}

rpc::Channel ChannelDirectory::Local() const {
  const std::lock_guard lock(mutex_);
  if (const auto it = channels_.find(""); it != channels_.end()) return it->second;
  rpc::Channel channel([this] { return local_.Connect(identity_); }, identity_);
  channels_.emplace("", channel);
  return channel;
}

absl::StatusOr<rpc::Channel> ChannelDirectory::For(std::string_view service_full_name) const {
  if (local_services_.contains(std::string(service_full_name))) return Local();
  const std::string name = ShortName(service_full_name);
  const auto address = config_.addresses.find(name);
  if (address == config_.addresses.end()) {
    return base::NotFound(
               "SERVICE_UNKNOWN",
               fmt::format("The service '{}' does not run in this process and has no address.",
                           name))
        .Hint(fmt::format("Set mesh.addresses.{0} (OPSMESH_MESH_ADDRESSES_{0}) to host:port, or "
                          "run everything with `opsmesh up`.",
                          name))
        .With("service", name);
  }
  const std::lock_guard lock(mutex_);
  const std::string key = address->second.target + "|" + address->second.server_name;
  if (const auto it = channels_.find(key); it != channels_.end()) return it->second;
  OPSMESH_ASSIGN_OR_RETURN(rpc::Channel channel,
                           rpc::MakeChannel({.target = address->second.target,
                                             .tls = config_.tls,
                                             .server_name = address->second.server_name},
                                            identity_, config_.allow_plaintext));
  channels_.emplace(key, channel);
  return channel;
}

}  // namespace opsmesh::server
