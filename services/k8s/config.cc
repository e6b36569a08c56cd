#include "services/k8s/config.h"

#include <set>

#include "libs/base/error.h"
#include "libs/config/reader.h"

namespace opsmesh::k8s {

absl::StatusOr<K8sConfig> LoadConfig(const config::Source& source) {
  K8sConfig out;
  config::Reader reader(source, "k8s");
  ClusterSettings first;
  // KUBECONFIG may be a list of files, which libs/kube merges; the other two name one file (also in
  // .env).
  first.kubeconfig =
      reader.String("kubeconfig", "", {.env = {"KUBECONFIG_PATH", "K8S_CONFIG_PATH"}});
  first.context = reader.String("context", "", {.env = {"KUBE_CONTEXT"}});
  first.namespaces = reader.Strings("namespaces", {});
  first.simulated = reader.Bool("simulated", false);
  if (first.simulated) first.id = "simulated";
  first.id = reader.String("cluster_id", first.id);

  std::set<std::string> ids;
  for (config::Reader& entry : reader.List("clusters")) {
    ClusterSettings cluster;
    cluster.id = entry.String("id", "", {.required = true});
    cluster.kubeconfig = entry.String("kubeconfig", "");
    cluster.context = entry.String("context", "");
    cluster.namespaces = entry.Strings("namespaces", {});
    cluster.simulated = entry.Bool("simulated", false);
    if (!ids.insert(cluster.id).second) entry.Problem("id", "another cluster has this id already");
    if (cluster.kubeconfig.empty() && cluster.context.empty())
      entry.Problem("id", "give it a kubeconfig or a context");
    out.clusters.push_back(std::move(cluster));
  }
  if (out.clusters.empty() || !first.kubeconfig.empty()) {
    if (ids.count(first.id))
      reader.Problem("cluster_id", "a cluster in k8s.clusters has this id already");
    out.clusters.insert(out.clusters.begin(), std::move(first));
  }

  out.allow_exec_plugins = reader.Bool("allow_exec_plugins", false);
  out.exec_credential_socket = reader.String("exec_credential_socket", "");
  out.requests_per_second =
      reader.Double("requests_per_second", out.requests_per_second, {.min = 0.1, .max = 10000});
  out.burst = static_cast<int>(reader.Int("burst", out.burst, {.min = 1, .max = 10000}));
  out.enable_cache = reader.Bool("tools.enable_cache", out.enable_cache);
  out.cache_timeout =
      reader.Duration("tools.cache_timeout", out.cache_timeout, {.max = absl::Hours(24)});
  out.max_concurrent_calls = static_cast<int>(
      reader.Int("tools.max_concurrent_calls", out.max_concurrent_calls, {.min = 1, .max = 1000}));
  out.image_reports = reader.String("image_reports", "");
  OPSMESH_RETURN_IF_ERROR(reader.Finish());
  return out;
}

}  // namespace opsmesh::k8s
