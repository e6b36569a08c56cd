// Which cluster `opsmesh up` works on: the one a kubeconfig names, or a simulated one in this
// process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/config/source.h"
#include "libs/kube/config.h"
#include "libs/kubesim/simulator.h"

namespace opsmesh::cli {

struct ClusterFlags {
  /// --kubeconfig; "" = look where kubectl looks.
  std::string kubeconfig;
  /// --cluster: "sim" for the demo, a folder of manifests, "" = a kubeconfig if there is one, else
  /// the demo.
  std::string cluster;
  /// --sim-kubeconfig: where to write an administrator's kubeconfig of the simulated cluster; its
  /// door is then TLS with users and RBAC.
  std::string sim_kubeconfig;
  /// --live: controllers, scheduler and kubelets of the simulated cluster run; asks for one.
  bool live = false;
  /// Credential plugins of a kubeconfig, as the k8s service is configured (ReadClusterSettings).
  bool allow_exec_plugins = false;
  std::string exec_socket;
  /// The clusters of the configuration (ReadClusterSettings): ids, default first; kubeconfig and
  /// context of the default. They stand where no flag names another cluster.
  std::vector<std::string> configured_ids = {};
  std::string configured_kubeconfig = {};
  std::string configured_context = {};
};

/// Takes over what the section `k8s` says of clusters and credential plugins. Settings that cannot
/// be read change nothing: whoever starts the services says what is wrong with them.
void ReadClusterSettings(const config::SourceOptions& sources, ClusterFlags* flags);

/// The choice. Destroying it ends the simulated cluster.
struct ClusterChoice {
  /// Kubeconfig file the k8s service is told to use; "" = what is configured, else it looks where
  /// kubectl looks.
  std::string kubeconfig;
  /// One line for people: where answers come from.
  std::string description;
  std::unique_ptr<kubesim::Simulator> simulator;
};

/// Decides, and starts the simulated cluster when it is chosen; its kubeconfig goes to `data_dir`
/// with mode 0600. INVALID_ARGUMENT (CLUSTER_FLAGS) when flags contradict each other; else what the
/// kubeconfig or the simulator says.
absl::StatusOr<ClusterChoice> ChooseCluster(const ClusterFlags& flags,
                                            const kube::Environment& environment,
                                            const std::string& data_dir);

/// Writes `text` to `path` with mode 0600, whole or not at all. UNAVAILABLE (FILE) with the cause.
absl::Status WritePrivateFile(const std::string& path, const std::string& text);

}  // namespace opsmesh::cli
