#include "cli/cluster_choice.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#ifdef OPSMESH_HAS_K8S
#include "services/k8s/config.h"
#endif

namespace opsmesh::cli {
namespace {

absl::Status CheckFlags(const ClusterFlags& flags) {
  if (!flags.kubeconfig.empty() && !flags.cluster.empty()) {
    return base::InvalidArgument("cluster", "CLUSTER_FLAGS",
                                 "--kubeconfig and --cluster exclude each other.")
        .Hint("--kubeconfig names a real cluster, --cluster a simulated one: give one of them.");
  }
  if (!flags.kubeconfig.empty() && (flags.live || !flags.sim_kubeconfig.empty())) {
    const char* flag = flags.live ? "--live" : "--sim-kubeconfig";
    return base::InvalidArgument("sim_kubeconfig", "CLUSTER_FLAGS",
                                 fmt::format("{} needs the simulated cluster.", flag))
        .Hint(fmt::format("Leave --kubeconfig out, or leave {} out.", flag));
  }
  return absl::OkStatus();
}

/// The real cluster, if one is configured anywhere; NOT_FOUND (NO_KUBECONFIG) otherwise.
absl::StatusOr<ClusterChoice> Real(const ClusterFlags& flags,
                                   const kube::Environment& environment) {
  // One of several that cannot be used is no reason to end: the service says which, and why.
  if (flags.kubeconfig.empty() && flags.configured_ids.size() > 1) {
    ClusterChoice choice;
    choice.description =
        fmt::format("the configured clusters {} ('{}' where none is named)",
                    base::Join(flags.configured_ids, ", "), flags.configured_ids.front());
    return choice;
  }
  kube::LoadOptions options;
  options.kubeconfig_flag =
      flags.kubeconfig.empty() ? flags.configured_kubeconfig : flags.kubeconfig;
  options.context = flags.configured_context;
  options.allow_exec_plugins = flags.allow_exec_plugins;
  options.exec_socket = flags.exec_socket;
  OPSMESH_ASSIGN_OR_RETURN(const kube::ClusterConfig found,
                           kube::LoadCluster(options, environment));
  ClusterChoice choice;
  choice.kubeconfig = flags.kubeconfig;
  choice.description =
      fmt::format("cluster '{}' at {} (from {})", found.name, found.server, found.origin);
  return choice;
}

absl::StatusOr<ClusterChoice> Simulated(const ClusterFlags& flags, const std::string& data_dir) {
  kubesim::SimulatorOptions options;
  options.content = kubesim::Content::kDemo;
  options.live = flags.live;
  std::string what = "the simulated demo cluster";
  if (!flags.cluster.empty() && flags.cluster != "sim") {
    options.content = kubesim::Content::kFolder;
    options.cluster_dir = flags.cluster;
    what = fmt::format("a simulated cluster from {}", flags.cluster);
  }
  ClusterChoice choice;
  OPSMESH_ASSIGN_OR_RETURN(choice.simulator, kubesim::Simulator::Create(options));
  kubesim::DoorOptions door;
  door.tls = !flags.sim_kubeconfig.empty();
  OPSMESH_RETURN_IF_ERROR(choice.simulator->Start(door));
  OPSMESH_ASSIGN_OR_RETURN(const std::string kubeconfig, choice.simulator->Kubeconfig());
  choice.kubeconfig = (std::filesystem::path(data_dir) / "simulated.kubeconfig").string();
  OPSMESH_RETURN_IF_ERROR(WritePrivateFile(choice.kubeconfig, kubeconfig));
  if (!flags.sim_kubeconfig.empty())
    OPSMESH_RETURN_IF_ERROR(WritePrivateFile(flags.sim_kubeconfig, kubeconfig));
  choice.description = fmt::format("{} at {}", what, choice.simulator->url());
  return choice;
}

}  // namespace

void ReadClusterSettings([[maybe_unused]] const config::SourceOptions& sources,
                         [[maybe_unused]] ClusterFlags* flags) {
#ifdef OPSMESH_HAS_K8S
  const absl::StatusOr<config::Source> source = config::Source::Load(sources);
  if (!source.ok()) return;
  const absl::StatusOr<k8s::K8sConfig> config = k8s::LoadConfig(*source);
  if (!config.ok()) return;
  flags->allow_exec_plugins = config->allow_exec_plugins;
  flags->exec_socket = config->exec_credential_socket;
  flags->configured_ids.clear();
  for (const k8s::ClusterSettings& cluster : config->clusters)
    flags->configured_ids.push_back(cluster.id);
  flags->configured_kubeconfig = config->clusters.front().kubeconfig;
  flags->configured_context = config->clusters.front().context;
#endif
}

absl::StatusOr<ClusterChoice> ChooseCluster(const ClusterFlags& flags,
                                            const kube::Environment& environment,
                                            const std::string& data_dir) {
  OPSMESH_RETURN_IF_ERROR(CheckFlags(flags));
  if (flags.cluster.empty() && flags.sim_kubeconfig.empty() && !flags.live) {
    absl::StatusOr<ClusterChoice> real = Real(flags, environment);
    if (real.ok() || base::DetailOf(real.status()).reason != "NO_KUBECONFIG") return real;
  }
  return Simulated(flags, data_dir);
}

absl::Status WritePrivateFile(const std::string& path, const std::string& text) {
  const auto failed = [&path](const char* what) {
    return base::Unavailable("FILE",
                             fmt::format("Cannot {} {}: {}.", what, path, std::strerror(errno)))
        .Hint("Choose another folder with --data-dir, or another file.");
  };
  std::error_code ignored;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  const std::string temporary = path + ".new";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed("create");
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = write(fd, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      close(fd);
      return failed("write");
    }
    written += static_cast<size_t>(count);
  }
  if (close(fd) != 0) return failed("write");
  if (rename(temporary.c_str(), path.c_str()) != 0) return failed("rename a file to");
  return absl::OkStatus();
}

}  // namespace opsmesh::cli
