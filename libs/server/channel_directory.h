// Ways to the services: into this process where they run here, over TCP where the configuration
// says so. Internal.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "libs/rpc/channel.h"
#include "libs/server/common_config.h"

namespace grpc {
class Server;
}

namespace opsmesh::server {

/// The server of this process, once there is one. Thread-safe.
class LocalServer {
 public:
  void Set(grpc::Server* server);
  /// Null before Set().
  std::shared_ptr<grpc::Channel> Connect(std::shared_ptr<const rpc::CallIdentity> identity) const;

 private:
  mutable std::mutex mutex_;
  grpc::Server* server_ = nullptr;
};

/// The channels of one service with that service's identity. Thread-safe; channels are shared
/// between callers.
class ChannelDirectory final : public rpc::ChannelSource {
 public:
  ChannelDirectory(std::string as, std::set<std::string> local_services, const LocalServer& local,
                   const CommonConfig& config);
  absl::StatusOr<rpc::Channel> For(std::string_view service_full_name) const override;
  rpc::Channel Local() const;

 private:
  const std::set<std::string> local_services_;  // full names
  const LocalServer& local_;
  const CommonConfig& config_;
  const std::shared_ptr<const rpc::CallIdentity> identity_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, rpc::Channel, std::less<>> channels_;  // by target; "" = local
};

}  // namespace opsmesh::server
