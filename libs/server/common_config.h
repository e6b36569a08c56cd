// The settings that every process has, whatever services run in it. Internal to libs/server.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/secret.h"
#include "libs/config/source.h"
#include "libs/log/logger.h"
#include "libs/rpc/authenticator.h"
#include "libs/rpc/channel.h"

namespace opsmesh::server {

/// Where a service of another process listens.
struct Address {
  std::string target;       // "opsmesh-k8s:50051"
  std::string server_name;  // name in its certificate; "" = from the target
};

struct Pool {
  int threads = 32;      // most handlers wait for another service
  int64_t queue = 1024;  // more calls at a time are refused at once
};

struct CommonConfig {
  std::string grpc_listen = "127.0.0.1:50051";  // "none" = no socket
  int64_t max_streams_per_connection = 0;       // 0 = 100; 10,000 with mTLS
  log::Level log_level = log::Level::kInfo;
  std::string log_file;  // "" = standard error only
  int64_t log_file_bytes = 20 << 20;
  std::string data_dir;
  std::string metrics_listen;  // "host:port" of /metrics over HTTP; "" = none
  absl::Duration grace = absl::Seconds(20);
  base::Secret mesh_token;
  bool allow_plaintext = false;
  std::string trust_domain;
  rpc::TlsFiles tls;
  std::map<std::string, Address> addresses;  // by service name
  std::vector<rpc::ApiKey> keys;
  std::map<std::string, Pool> pools;  // by service name; absent = default
};

/// INVALID_ARGUMENT (CONFIG) with every problem of the common sections. `services` are the names
/// that may have a pool.
absl::StatusOr<CommonConfig> LoadCommon(const config::Source& source,
                                        const std::vector<std::string>& services);

}  // namespace opsmesh::server
