#include <pthread.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "CLI/CLI.hpp"
#include "cli/ahead_command.h"
#include "cli/cluster_choice.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/fault_command.h"
#include "cli/settings.h"
#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/kubesim/behaviour/faults/faults.h"
#include "libs/kubesim/prometheus/server.h"
#include "libs/kubesim/simulator.h"

namespace opsmesh::cli {
namespace {

struct SimFlags {
  std::string listen = "127.0.0.1:0";
  std::string cluster = "demo";
  std::string kubeconfig;
  std::string prometheus;
  bool tls = false;
  bool live = false;
};

/// "127.0.0.1:8001" as the value of `flag`.
absl::StatusOr<std::pair<std::string, uint16_t>> AddressOf(const char* flag,
                                                           const std::string& text) {
  const size_t colon = text.rfind(':');
  char* end = nullptr;
  const long port =
      colon == std::string::npos ? -1 : std::strtol(text.c_str() + colon + 1, &end, 10);
  if (port < 0 || port > 65535 || end == nullptr || *end != '\0' ||
      end == text.c_str() + colon + 1) {
    return base::InvalidArgument(flag, "USAGE",
                                 fmt::format("--{} {} is no address:port.", flag, text))
        .Hint(fmt::format("Write for instance --{} 127.0.0.1:8001.", flag));
  }
  return std::pair(text.substr(0, colon), static_cast<uint16_t>(port));
}

absl::StatusOr<kubesim::DoorOptions> DoorOf(const SimFlags& flags) {
  kubesim::DoorOptions door;
  OPSMESH_ASSIGN_OR_RETURN(std::tie(door.address, door.port), AddressOf("listen", flags.listen));
  door.tls = flags.tls;
  return door;
}

absl::StatusOr<std::unique_ptr<kubesim::Simulator>> Open(const SimFlags& flags) {
  OPSMESH_ASSIGN_OR_RETURN(const kubesim::DoorOptions door, DoorOf(flags));
  kubesim::SimulatorOptions options;
  options.live = flags.live;
  if (flags.cluster == "demo" || flags.cluster == "sim") {
    options.content = kubesim::Content::kDemo;
  } else if (flags.cluster == "empty") {
    options.content = kubesim::Content::kEmpty;
  } else {
    options.content = kubesim::Content::kFolder;
    options.cluster_dir = flags.cluster;
  }
  OPSMESH_ASSIGN_OR_RETURN(std::unique_ptr<kubesim::Simulator> simulator,
                           kubesim::Simulator::Create(options));
  OPSMESH_RETURN_IF_ERROR(simulator->Start(door));
  if (!flags.kubeconfig.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(const std::string kubeconfig, simulator->Kubeconfig());
    OPSMESH_RETURN_IF_ERROR(WritePrivateFile(flags.kubeconfig, kubeconfig));
  }
  return simulator;
}

/// Null when it is not asked for.
absl::StatusOr<std::unique_ptr<kubesim::prometheus::Server>> OpenPrometheus(
    const SimFlags& flags, kubesim::Simulator& simulator) {
  if (flags.prometheus.empty()) return nullptr;
  kubesim::prometheus::ServerOptions options;
  OPSMESH_ASSIGN_OR_RETURN(std::tie(options.address, options.port),
                           AddressOf("prometheus-listen", flags.prometheus));
  if (kubesim::Faults* faults = simulator.faults())
    options.disturbances = [faults] { return faults->Disturbances(); };
  return kubesim::prometheus::Server::Start(simulator.store(), options);
}

int Serve(const SimFlags& flags) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before the first thread, so that all inherit it
  std::signal(SIGPIPE, SIG_IGN);

  const absl::StatusOr<std::unique_ptr<kubesim::Simulator>> simulator = Open(flags);
  if (!simulator.ok()) return Report(simulator.status());
  const auto metrics = OpenPrometheus(flags, **simulator);
  if (!metrics.ok()) return Report(metrics.status());
  std::printf("A simulated Kubernetes (%s) listens at %s\n", flags.cluster.c_str(),
              (*simulator)->url().c_str());
  if (!flags.kubeconfig.empty())
    std::printf("kubectl --kubeconfig %s get pods -A\n", flags.kubeconfig.c_str());
  if (*metrics != nullptr) std::printf("Its Prometheus listens at %s\n", (*metrics)->url().c_str());
  std::fflush(stdout);
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  (*simulator)->Stop(absl::Seconds(2));
  return kOk;
}

}  // namespace

void AddSimCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand("sim", "The simulated cluster by itself.");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n"
      "  opsmesh sim serve --live --kubeconfig-out sim.kubeconfig\n"
      "  opsmesh sim fault inject crash deployment/shop/cart --kubeconfig sim.kubeconfig\n"
      "  opsmesh sim ahead --kubeconfig ~/.kube/config --apply fix.yaml --for 30m");
  CLI::App* serve =
      command->add_subcommand("serve", "Serve a simulated Kubernetes API until SIGTERM or Ctrl-C.");
  auto flags = std::make_shared<SimFlags>();
  serve->add_option("--listen", flags->listen, "Address; port 0 = a free one.")
      ->capture_default_str();
  serve->add_option("--cluster", flags->cluster, "\"demo\", \"empty\", or a folder of manifests.")
      ->capture_default_str();
  serve->add_option("--kubeconfig-out", flags->kubeconfig,
                    "Write an administrator's kubeconfig here.");
  serve->add_option("--prometheus-listen", flags->prometheus,
                    "Serve the cluster's metrics, fourteen days of them, as a Prometheus at this "
                    "address; port 0 = a free one.");
  serve->add_flag("--tls", flags->tls,
                  "TLS with a CA of its own; users are told apart and RBAC holds.");
  serve->add_flag("--live", flags->live, "Let controllers, scheduler and kubelets run.");
  serve->footer(
      "Examples:\n"
      "  opsmesh sim serve --live --kubeconfig-out sim.kubeconfig\n"
      "  opsmesh sim serve --cluster ./manifests --live --tls --kubeconfig-out sim.kubeconfig\n"
      "  opsmesh sim serve --live --prometheus-listen 127.0.0.1:9090\n"
      "Then, in another terminal: kubectl --kubeconfig sim.kubeconfig get pods -A");
  serve->callback([flags, exit_code] { *exit_code = Serve(*flags); });
  AddAheadCommand(*command, exit_code);
  AddFaultCommand(*command, exit_code);
}

}  // namespace opsmesh::cli
