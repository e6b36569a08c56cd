#include "services/k8s/k8s.h"

#include <memory>
#include <utility>
#include <vector>

#include "grpcpp/impl/service_type.h"
#include "libs/base/error.h"
#include "libs/http_client/http_client.h"
#include "services/k8s/config.h"
#include "services/k8s/k8s_service.h"
#include "services/k8s/kube_cluster.h"

namespace opsmesh::k8s {
namespace {

// Logs followed at a time, each a connection to the apiserver; more are refused (TOO_MANY_CALLS).
constexpr size_t kFollowedLogs = 4096;

class K8sPart final : public server::Service {
 public:
  K8sPart(server::Environment& env, const K8sConfig& config)
      : env_(env),
        http_(http_client::Client::Create({.max_calls = kFollowedLogs + 1024})),
        clusters_(MakeClusters(config)),
        registry_(AllTools({config.image_reports})),
        runner_(registry_, clusters_,
                {.enable_cache = config.enable_cache,
                 .cache_timeout = config.cache_timeout,
                 .max_concurrent_calls = config.max_concurrent_calls,
                 .clock = &env.clock,
                 .logger = &env.logger}),
        indexes_(env.clock),
        grpc_(MakeK8sService({env.runner, runner_, indexes_, problems_, env.clock})) {}

  std::vector<grpc::Service*> GrpcServices() override { return {grpc_.get()}; }

 private:
  Clusters MakeClusters(const K8sConfig& config) {
    auto started = StartClusters(config);  // fills problems_
    return Clusters(std::move(started), problems_, config.clusters.front().id);
  }

  // A cluster that cannot be used is shown with its reason; the others work, and so does the
  // service.
  std::vector<std::unique_ptr<Cluster>> StartClusters(const K8sConfig& config) {
    std::vector<std::unique_ptr<Cluster>> out;
    for (const ClusterSettings& settings : config.clusters) {
      KubeClusterOptions options;
      options.id = settings.id;
      options.simulated = settings.simulated;
      options.namespaces = settings.namespaces;
      options.load.kubeconfig_flag = settings.kubeconfig;
      options.load.context = settings.context;
      options.load.allow_exec_plugins = config.allow_exec_plugins;
      options.load.exec_socket = config.exec_credential_socket;
      options.requests_per_second = config.requests_per_second;
      options.burst = config.burst;
      options.clock = &env_.clock;
      options.ids = &env_.ids;
      auto cluster = KubeCluster::Start(std::move(options), *http_);
      if (cluster.ok()) {
        out.push_back(*std::move(cluster));
      } else {
        env_.logger.Error(
            "cluster cannot be used",
            {{"cluster", settings.id}, {"err", std::string(cluster.status().message())}});
        problems_.push_back({settings.id, cluster.status()});
      }
    }
    return out;
  }

  server::Environment& env_;
  std::vector<ClusterProblem> problems_;
  const std::unique_ptr<http_client::Client> http_;
  const Clusters clusters_;
  const ToolRegistry registry_;
  ToolRunner runner_;
  IndexCaches indexes_;
  const std::unique_ptr<grpc::Service> grpc_;
};

}  // namespace

server::ServiceSpec Spec() {
  return {
      .name = "k8s",
      .grpc_service = "opsmesh.k8s.v1.K8sService",
      .config_sections = {"k8s"},
      .check_config = [](const config::Source& source) { return LoadConfig(source).status(); },
      .build = [](server::Environment& env) -> absl::StatusOr<std::unique_ptr<server::Service>> {
        OPSMESH_ASSIGN_OR_RETURN(const K8sConfig config, LoadConfig(env.config));
        return std::make_unique<K8sPart>(env, config);
      },
  };
}

}  // namespace opsmesh::k8s
