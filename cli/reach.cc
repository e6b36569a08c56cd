#include "cli/reach.h"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "CLI/CLI.hpp"
#include "cli/cluster_choice.h"
#include "cli/mesh_parts.h"
#include "cli/settings.h"
#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/log/logger.h"
#include "libs/server/server.h"
#include "nlohmann/json.hpp"

namespace opsmesh::cli {
namespace {

constexpr char kUsualAddress[] = "http://127.0.0.1:8080";
constexpr absl::Duration kStartTime = absl::Seconds(30);

/// A gateway that runs somewhere.
class Running final : public Reach {
 public:
  Running(Server server, std::unique_ptr<http_client::Client> client)
      : server_(std::move(server)),
        client_(std::move(client)),
        description_("OpsMesh at " + server_.url) {}
  const Server& server() const override { return server_; }
  http_client::Client& client() override { return *client_; }
  const std::string& description() const override { return description_; }

 private:
  const Server server_;
  const std::unique_ptr<http_client::Client> client_;
  const std::string description_;
};

/// The whole mesh in this process, behind a gateway on a free port.
class InProcess final : public Reach {
 public:
  ~InProcess() override {
    client_.reset();
    if (process_ != nullptr) process_->Stop(absl::Seconds(5));
  }

  absl::Status Start(const ReachFlags& flags, const Server& asker) {
    std::map<std::string, std::string> environment = config::SystemEnvironment();
    for (const auto& [name, value] : flags.environment) environment[name] = value;
    const std::string data_dir = DataDir("", environment);
    SettingFlags settings;
    settings.flags = flags.settings;
    ClusterFlags cluster{.kubeconfig = flags.kubeconfig, .cluster = flags.cluster};
    if (const auto known = SourcesOf(settings, environment); known.ok())
      ReadClusterSettings(*known, &cluster);
    OPSMESH_ASSIGN_OR_RETURN(choice_,
                             ChooseCluster(cluster, kube::Environment::System(), data_dir));
    settings.flags["gateway.listen"] = "127.0.0.1:0";
    if (!choice_.kubeconfig.empty()) settings.flags["k8s.kubeconfig"] = choice_.kubeconfig;
    if (choice_.simulator != nullptr) {
      settings.flags["k8s.simulated"] = "true";
      settings.flags["k8s.cluster_id"] = "simulated";  // never called by a real one's name
      settings.flags["k8s.context"] = "";
    }
    OPSMESH_ASSIGN_OR_RETURN(const config::SourceOptions sources, SourcesOf(settings, environment));
    server::ProcessOptions options;
    OPSMESH_ASSIGN_OR_RETURN(options.config, LoadAndCheck(sources));
    options.log_sink = LogSink(flags, data_dir);
    options.grpc_listen = "none";
    options.data_dir = data_dir;
    server_ = asker;
    OPSMESH_ASSIGN_OR_RETURN(
        process_, server::Process::Start(std::move(options), MeshParts([this](const auto& urls) {
                                           if (!urls.empty()) server_.url = urls.front();
                                         })));
    client_ = http_client::Client::Create({.user_agent = "opsmesh-cli"});
    description_ = choice_.description;
    return WaitReady();
  }

  const Server& server() const override { return server_; }
  http_client::Client& client() override { return *client_; }
  const std::string& description() const override { return description_; }

 private:
  static std::shared_ptr<log::Sink> LogSink(const ReachFlags& flags, const std::string& data_dir) {
    const std::string path = flags.log_file.empty() ? data_dir + "/logs/cli.log" : flags.log_file;
    auto file = log::FileSink({.path = path});
    return file.ok() ? *std::move(file) : std::make_shared<log::MemorySink>();
  }

  absl::Status WaitReady() const {
    const base::Context ctx = base::Context::Background().WithTimeout(kStartTime);
    while (true) {
      const absl::Status ready = process_->Ready();
      // A cluster that cannot be read is no reason to say nothing: the answers tell it.
      if (ready.ok() || choice_.simulator == nullptr) return absl::OkStatus();
      OPSMESH_RETURN_IF_ERROR(ctx.Sleep(absl::Milliseconds(20)));
    }
  }

  ClusterChoice choice_;
  Server server_;
  std::string description_;
  std::unique_ptr<server::Process> process_;
  std::unique_ptr<http_client::Client> client_;
};

/// True when an OpsMesh answers at `server` at once.
bool Answers(http_client::Client& client, const Server& server) {
  const auto health = CallGateway(base::Context::Background().WithTimeout(absl::Seconds(2)), client,
                                  server, "/api/v1/health");
  return health.ok() && health->is_object() && health->contains("status") &&
         health->contains("version");
}

}  // namespace

void AddReachFlags(CLI::App& command, ReachFlags& flags) {
  command
      .add_option("--server", flags.server,
                  "Address of a running gateway (default http://127.0.0.1:8080; none there = a "
                  "mesh in this process).")
      ->envname("OPSMESH_SERVER");
  command.add_flag("--local", flags.local, "Answer from a mesh in this process, whatever runs.");
  command.add_option("--kubeconfig", flags.kubeconfig, "Cluster of the mesh in this process.");
  command.add_option("--sim-cluster", flags.cluster,
                     "Simulate for the mesh in this process: \"sim\", or a folder of manifests.");
  command.add_option("--timeout", flags.timeout_seconds, "Longest wait, in seconds.")
      ->check(CLI::Range(1.0, 3600.0))
      ->capture_default_str();
  command.add_flag("--no-color", flags.no_color, "No colours (also NO_COLOR).");
}

absl::StatusOr<std::unique_ptr<Reach>> OpenReach(const ReachFlags& flags) {
  Server server;
  if (const char* key = std::getenv("OPSMESH_API_KEY")) server.api_key = base::Secret(key);
  const bool wants_own = flags.local || !flags.kubeconfig.empty() || !flags.cluster.empty() ||
                         !flags.environment.empty();
  if (!flags.server.empty() || !wants_own) {
    auto client = http_client::Client::Create({.user_agent = "opsmesh-cli"});
    server.url = NormalUrl(flags.server.empty() ? kUsualAddress : flags.server);
    if (!flags.server.empty() || Answers(*client, server))
      return std::make_unique<Running>(server, std::move(client));
  }
  auto own = std::make_unique<InProcess>();
  OPSMESH_RETURN_IF_ERROR(own->Start(flags, server));
  return own;
}

}  // namespace opsmesh::cli
