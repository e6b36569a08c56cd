// Settings of the k8s service: section `k8s`.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/config/source.h"

namespace opsmesh::k8s {

/// A cluster by name. Endpoint and credential come from its kubeconfig only, never from a caller.
struct ClusterSettings {
  std::string id = "default";
  std::string kubeconfig;  // "" = found as documented: KUBECONFIG_PATH > K8S_CONFIG_PATH >
                           // KUBECONFIG > in cluster > ~/.kube/config
  std::string context;     // "" = KUBE_CONTEXT, else the file's current one
  bool simulated = false;
  /// Read one by one where the user may not list all namespaces, beside the context's own.
  std::vector<std::string> namespaces;
};

struct K8sConfig {
  std::vector<ClusterSettings> clusters;  // the first is the default; never empty
  bool allow_exec_plugins = false;        // credential plugins of a kubeconfig run programs
  std::string exec_credential_socket;     // of opsmesh-exec-credential, which runs them
  double requests_per_second = 50;
  int burst = 100;
  bool enable_cache = true;
  absl::Duration cache_timeout = absl::Minutes(5);
  int max_concurrent_calls = 10;
  std::string image_reports;  // file or folder with JSON reports of Trivy or Grype; "" = none
};

/// INVALID_ARGUMENT (CONFIG) with every problem.
absl::StatusOr<K8sConfig> LoadConfig(const config::Source& source);

}  // namespace opsmesh::k8s
