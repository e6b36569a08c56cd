#include "libs/server/common_config.h"

#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/config/reader.h"

namespace opsmesh::server {
namespace {

constexpr char kMeshServices[][8] = {"chat", "llm", "k8s", "rca", "predict", "notify"};

std::string ReadPem(config::Reader& reader, std::string_view key) {
  const std::string path = reader.String(key, "");
  if (path.empty()) return "";
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (text.find("-----BEGIN") == std::string::npos) {
    reader.Problem(key, fmt::format("the file '{}' cannot be read or is not PEM", path));
  }
  return text;
}

absl::Status LoadMesh(const config::Source& source, CommonConfig& config) {
  config::Reader reader(source, "mesh");
  config.mesh_token = reader.Secret("token");
  if (!config.mesh_token.empty() && config.mesh_token.Reveal().size() < 16) {
    reader.Problem("token", "shorter than 16 characters; `openssl rand -hex 32` makes a good one");
  }
  for (const char c : config.mesh_token.Reveal()) {
    if (c > 0x20 && c < 0x7f) continue;
    reader.Problem("token", "may hold visible ASCII characters only");
    break;
  }
  config.allow_plaintext = reader.Bool("allow_plaintext", false);
  config.trust_domain = reader.String("trust_domain", "opsmesh.internal");
  config::Reader tls = reader.Section("tls");
  config.tls.ca = ReadPem(tls, "ca");
  config.tls.certificate_chain = ReadPem(tls, "certificate");
  config.tls.private_key = base::Secret(ReadPem(tls, "key"));
  const int given = !config.tls.ca.empty() + !config.tls.certificate_chain.empty() +
                    !config.tls.private_key.empty();
  if (given != 0 && given != 3)
    reader.Problem("tls", "mTLS needs all three of ca, certificate and key");
  config::Reader addresses = reader.Section("addresses");
  config::Reader names = reader.Section("server_names");
  std::set<std::string> services(std::begin(kMeshServices), std::end(kMeshServices));
  for (const std::string& name : source.Keys("mesh.addresses")) services.insert(name);
  for (const std::string& name : services) {
    Address address{addresses.String(name, ""), names.String(name, "")};
    if (!address.target.empty()) config.addresses[name] = std::move(address);
  }
  return reader.Finish();
}

absl::Status LoadAuth(const config::Source& source, CommonConfig& config) {
  config::Reader reader(source, "auth");
  for (config::Reader& item : reader.List("keys")) {
    rpc::ApiKey key;
    key.name = item.String("name", "", {.required = true});
    key.role = base::ParseRole(item.String("role", "viewer",
                                           {.one_of = {"viewer", "operator", "approver", "admin"}}))
                   .value_or(base::Role::kViewer);
    key.sha256 = base::AsciiLower(item.String("sha256", "", {.required = true}));
    if (!key.sha256.empty() &&
        (key.sha256.size() != 64 ||
         key.sha256.find_first_not_of("0123456789abcdef") != std::string::npos)) {
      item.Problem("sha256", "not 64 hexadecimal digits; `printf %s KEY | sha256sum` prints them");
    }
    config.keys.push_back(std::move(key));
  }
  return reader.FinishShared();  // the gateway has further keys in this section
}

absl::Status LoadRest(const config::Source& source, const std::vector<std::string>& services,
                      CommonConfig& config) {
  config::Reader grpc(source, "grpc");
  config.grpc_listen = grpc.String("listen", config.grpc_listen);
  config.max_streams_per_connection =
      grpc.Int("max_streams_per_connection", 0, {.min = 0, .max = 1000000});
  config::Reader log(source, "log");
  const std::string level = log.String(
      "level", "info", {.env = {"LOG_LEVEL"}, .one_of = {"debug", "info", "warn", "error"}});
  if (auto parsed = log::ParseLevel(level); parsed.ok()) config.log_level = *parsed;
  config.log_file = log.String("file", "");
  config.log_file_bytes = log.Bytes("file_bytes", config.log_file_bytes, {.min = 4096});
  config::Reader data(source, "data");
  config.data_dir = data.String("dir", "");
  config::Reader metrics(source, "metrics");
  config.metrics_listen = metrics.String("listen", "");
  config::Reader shutdown(source, "shutdown");
  config.grace = shutdown.Duration("grace", config.grace, {.max = absl::Minutes(10)});
  config::Reader pools(source, "pools");
  for (const std::string& service : services) {
    config::Reader one = pools.Section(service);
    Pool pool;
    pool.threads = static_cast<int>(one.Int("threads", pool.threads, {.min = 1, .max = 1024}));
    pool.queue = one.Int("queue", pool.queue, {.min = 0, .max = 100000});
    config.pools[service] = pool;
  }
  for (const char* name : kMeshServices)
    pools.Allow(name);  // of another process with the same file
  return config::Combine({grpc.Finish(), log.Finish(), data.Finish(), metrics.Finish(),
                          shutdown.Finish(), pools.Finish()});
}

}  // namespace

absl::StatusOr<CommonConfig> LoadCommon(const config::Source& source,
                                        const std::vector<std::string>& services) {
  CommonConfig config;
  OPSMESH_RETURN_IF_ERROR(config::Combine(
      {LoadMesh(source, config), LoadAuth(source, config), LoadRest(source, services, config)}));
  return config;
}

}  // namespace opsmesh::server
