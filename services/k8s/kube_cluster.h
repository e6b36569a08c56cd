// A real cluster: libs/kube's client and watch cache behind the Cluster interface. The client
// cannot write.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/http_client/http_client.h"
#include "libs/kube/config.h"
#include "services/k8s/cluster.h"

namespace opsmesh::k8s {

struct KubeClusterOptions {
  std::string id;
  bool simulated = false;
  kube::LoadOptions load;
  kube::Environment environment = kube::Environment::System();
  /// Read one by one where the user may not list all namespaces, beside the context's own.
  std::vector<std::string> namespaces;
  double requests_per_second = 50;
  int burst = 100;
  const base::Clock* clock = &base::SystemClock();
  base::IdSource* ids = &base::SystemIds();
  std::string user_agent = "opsmesh-k8s";
};

class KubeCluster final : public Cluster {
 public:
  /// Loads the configuration and begins to list and watch; waits for nothing. `http` must outlive
  /// it.
  static absl::StatusOr<std::unique_ptr<Cluster>> Start(KubeClusterOptions options,
                                                        http_client::Client& http);

  const std::string& id() const override { return options_.id; }
  bool simulated() const override { return options_.simulated; }
  std::string default_namespace() const override;
  void Cover(const base::Context& ctx, std::string_view ns) override;
  std::shared_ptr<const kube::Snapshot> Picture(const base::Context& ctx) override;
  absl::StatusOr<kube::ResourceType> Resolve(const base::Context& ctx,
                                             std::string_view name) override;
  absl::StatusOr<std::shared_ptr<const kube::Discovery>> Discover(
      const base::Context& ctx) override;
  absl::StatusOr<kube::ListResult> List(const base::Context& ctx, const kube::ResourceType& type,
                                        std::string_view ns,
                                        const kube::ListOptions& options) override;
  absl::StatusOr<kube::ObjectPtr> Get(const base::Context& ctx, const kube::ResourceType& type,
                                      std::string_view ns, std::string_view name) override;
  absl::StatusOr<kube::LogText> PodLogs(const base::Context& ctx, std::string_view ns,
                                        std::string_view pod,
                                        const kube::LogOptions& options) override;
  absl::StatusOr<std::shared_ptr<http_client::Call>> FollowPodLogs(
      const base::Context& ctx, std::string_view ns, std::string_view pod,
      const kube::LogOptions& options, kube::FollowObserver observer) override;
  absl::StatusOr<kube::AccessAnswer> CanI(const base::Context& ctx,
                                          const kube::AccessQuestion& question) override;
  absl::StatusOr<std::vector<kube::PodUsage>> PodMetrics(const base::Context& ctx,
                                                         std::string_view ns) override;
  absl::StatusOr<std::vector<kube::NodeUsage>> NodeMetrics(const base::Context& ctx) override;
  ClusterHealth Check(const base::Context& ctx, absl::Duration limit) override;
  std::vector<ContextInfo> Contexts() const override;
  uint64_t change_count() const override;

 private:
  void WaitForFirstLists(const base::Context& ctx);
  explicit KubeCluster(KubeClusterOptions options) : options_(std::move(options)) {}

  const KubeClusterOptions options_;
  std::atomic<uint64_t> changes_{0};
  std::atomic<bool> settled_{false};  // the first lists are over, or have been waited for
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<kube::Cache> cache_;  // before the client, which it uses, is destroyed
};

}  // namespace opsmesh::k8s
