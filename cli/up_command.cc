#include <pthread.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "cli/cluster_choice.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/mesh_parts.h"
#include "cli/settings.h"
#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/base/version.h"
#include "libs/kubesim/behaviour/faults/faults.h"
#include "libs/kubesim/prometheus/server.h"
#include "libs/prometheus/probe.h"
#include "libs/server/server.h"

namespace opsmesh::cli {
namespace {

struct UpFlags {
  SettingFlags settings;
  ClusterFlags cluster;
  std::string listen;
  std::string grpc_listen;
  std::string data_dir;
  std::string log_level;
};

/// How to look into the simulated cluster, and break it, with other programs.
std::string SimulatorLines(const ClusterChoice& choice, const std::string& prometheus_url) {
  std::string text = fmt::format(
      "That is no real cluster; name yours with --kubeconfig FILE.\n"
      "  kubectl --kubeconfig {} get pods -A\n",
      choice.kubeconfig);
  if (!prometheus_url.empty())
    text += fmt::format("Its metrics, as a Prometheus, are at {}.\n", prometheus_url);
  if (choice.simulator->faults() == nullptr) {
    return text + "It stands still; with --live controllers, scheduler and kubelets run.\n";
  }
  return text + fmt::format(
                    "It lives. What can be broken: opsmesh sim fault catalogue; for instance:\n"
                    "  opsmesh sim fault inject crash deployment/NAMESPACE/NAME --kubeconfig {}\n",
                    choice.kubeconfig);
}

void PrintBanner(const ClusterChoice& choice, const std::vector<std::string>& urls,
                 uint16_t grpc_port, const std::string& prometheus_url) {
  const std::string address = urls.empty() ? "(no HTTP address)" : urls.front();
  std::string text =
      fmt::format("OpsMesh {} is ready on {}", base::VersionLine(), base::Join(urls, ", "));
  if (grpc_port != 0) text += fmt::format(" (gRPC on port {})", grpc_port);
  text += fmt::format(".\nAnswers come from {}.\n", choice.description);
  if (choice.simulator != nullptr) text += SimulatorLines(choice, prometheus_url);
  text += fmt::format(
      "\nTry:\n"
      "  opsmesh ask \"what is wrong in the payments namespace?\"\n"
      "  opsmesh ask \"shop 命名空间里有多少个 pod 正在运行？\"\n"
      "  opsmesh ask \"which pods keep restarting?\"\n"
      "or open {}/ in a browser. Ctrl-C ends it.\n\n",
      address);
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

/// Before the first thread (the simulated cluster starts some), so that only server::Run() ever
/// gets these.
void BlockEndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

/// Starts the demo's Prometheus on a free port and names it in the settings, when the cluster is
/// simulated and nobody configured another one; null otherwise. Decision 33.
absl::StatusOr<std::unique_ptr<kubesim::prometheus::Server>> DemoPrometheus(
    const ClusterChoice& choice, config::SourceOptions* sources) {
  if (choice.simulator == nullptr) return nullptr;
  const absl::StatusOr<config::Source> source = config::Source::Load(*sources);
  if (!source.ok()) return nullptr;  // server::Run says what is wrong with it
  const absl::StatusOr<prometheus::Settings> settings = prometheus::LoadSettings(*source);
  if (!settings.ok() || !settings->base_url.empty()) return nullptr;
  kubesim::prometheus::ServerOptions options;
  if (kubesim::Faults* faults = choice.simulator->faults())
    options.disturbances = [faults] { return faults->Disturbances(); };
  OPSMESH_ASSIGN_OR_RETURN(auto server,
                           kubesim::prometheus::Server::Start(choice.simulator->store(), options));
  sources->flags["prometheus.url"] = server->url();
  sources->flags["prometheus.simulated"] = "true";
  return server;
}

int Up(UpFlags& flags) {
  BlockEndSignals();
  const std::map<std::string, std::string> environment = config::SystemEnvironment();
  const auto set = [&flags](const char* key, const std::string& value) {
    if (!value.empty()) flags.settings.flags[key] = value;
  };
  set("gateway.listen", flags.listen);
  set("log.level", flags.log_level);
  absl::StatusOr<config::SourceOptions> sources = SourcesOf(flags.settings, environment);
  if (!sources.ok()) return Report(sources.status());

  const std::string data_dir = DataDir(flags.data_dir, environment);
  ReadClusterSettings(*sources, &flags.cluster);
  absl::StatusOr<ClusterChoice> choice =
      ChooseCluster(flags.cluster, kube::Environment::System(), data_dir);
  if (!choice.ok()) {
    const int code = Report(choice.status());
    return code == kFailure ? kConfig : code;  // a kubeconfig that cannot be used is configuration
  }
  if (!choice->kubeconfig.empty()) sources->flags["k8s.kubeconfig"] = choice->kubeconfig;
  if (!flags.cluster.sim_kubeconfig.empty())
    choice->kubeconfig = flags.cluster.sim_kubeconfig;  // the one to tell of
  if (choice->simulator != nullptr) {
    sources->flags["k8s.simulated"] = "true";
    sources->flags["k8s.cluster_id"] = "simulated";  // never called by a real one's name
    sources->flags["k8s.context"] = "";
  }

  absl::StatusOr<std::unique_ptr<kubesim::prometheus::Server>> metrics =
      DemoPrometheus(*choice, &*sources);
  if (!metrics.ok()) return Report(metrics.status());

  server::RunOptions options;
  options.sources = *std::move(sources);
  options.grpc_listen = flags.grpc_listen;
  options.data_dir = flags.data_dir;
  std::vector<std::string> urls;
  options.started = [&](server::Process& process) {
    PrintBanner(*choice, urls, process.grpc_port(), *metrics == nullptr ? "" : (*metrics)->url());
    return absl::OkStatus();
  };
  return server::Run(std::move(options),
                     MeshParts([&urls](const std::vector<std::string>& bound) { urls = bound; }));
}

}  // namespace

void AddUpCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("up", "Run the whole mesh in this process.");
  auto flags = std::make_shared<UpFlags>();
  command->add_option("--listen", flags->listen,
                      "Address of the HTTP gateway (default 127.0.0.1:8080); port 0 = a free one.");
  command->add_option("--grpc-listen", flags->grpc_listen,
                      "Address of gRPC (default 127.0.0.1:50051); \"none\" = no socket.");
  command->add_option("--config", flags->settings.config_file,
                      "Configuration file, read in place of config/config.yaml.");
  command->add_option("--set", flags->settings.assignments,
                      "key=value, as often as needed; wins over files and environment.");
  command->add_option("--kubeconfig", flags->cluster.kubeconfig,
                      "Cluster to work on; without one a simulated cluster.");
  command->add_option("--cluster", flags->cluster.cluster,
                      "Simulate: \"sim\" is the demo, else a folder of manifests.");
  command->add_option("--sim-kubeconfig", flags->cluster.sim_kubeconfig,
                      "Write a kubeconfig of the simulated cluster here; it then speaks TLS and "
                      "knows users and RBAC.");
  command->add_flag("--live", flags->cluster.live,
                    "Simulate, and let controllers, scheduler and kubelets run.");
  command->add_option("--data-dir", flags->data_dir,
                      "Where state is kept (default ~/.local/share/opsmesh).");
  command->add_option("--log-level", flags->log_level, "debug, info, warn or error.");
  command->footer(
      "Examples:\n"
      "  opsmesh up\n"
      "  opsmesh up --kubeconfig ~/.kube/config\n"
      "  opsmesh up --cluster ./manifests --live --sim-kubeconfig sim.kubeconfig\n"
      "Without --kubeconfig, a cluster in the configuration (k8s.kubeconfig, k8s.clusters) and "
      "KUBECONFIG\nit starts on a simulated cluster, and says so.");
  command->callback([flags, exit_code] { *exit_code = Up(*flags); });
}

}  // namespace opsmesh::cli
