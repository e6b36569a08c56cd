// A cluster made of JSON objects, for tests: no network, a fixed time, every read counted.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "services/k8s/cluster.h"

namespace opsmesh::k8s {

class FakeCluster final : public Cluster {
 public:
  /// `json` is an array of objects. Aborts when one cannot be read: a mistake in the test.
  explicit FakeCluster(std::string_view json, std::string id = "test");
  /// The objects of services/k8s/testdata/<file>, found through OPSMESH_SOURCE_DIR.
  static std::unique_ptr<FakeCluster> FromFile(const std::string& file);
  /// The time of all test data.
  static absl::Time Now();

  // What a test changes.
  void Forbid(const std::string& plural);  // 403 with a rule to add
  /// The user has a Role in these namespaces and no ClusterRole: everything else is 403.
  void Restrict(std::vector<std::string> namespaces);
  void GoDown(absl::Duration since);  // the apiserver does not answer, the cache is that old
  void SetLog(const std::string& key,
              std::vector<std::string> lines);  // "ns/pod/container", "ns/pod/container/previous"
  std::vector<kube::NodeUsage> node_usage;      // empty = no metrics server
  std::vector<kube::PodUsage> pod_usage;        // the same
  std::vector<std::string> calls;               // "get pods shop/web", "log shop/web", in order

  const std::string& id() const override { return id_; }
  bool simulated() const override { return false; }
  std::string default_namespace() const override { return "default"; }
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
  std::vector<ContextInfo> Contexts() const override {
    return {{"test-context", "test", "tester", "default", true}};
  }
  uint64_t change_count() const override { return change_count_; }
  void Touch() { ++change_count_; }

 private:
  absl::Status Down() const;
  /// OK, or 403, as the API server says it of a user named tester.
  absl::Status Judge(std::string_view verb, const kube::ResourceType& type,
                     std::string_view ns) const;
  void Rebuild();

  const std::string id_;
  std::map<std::string, std::vector<kube::ObjectPtr>> objects_;  // by plural, sorted
  std::map<std::string, bool> forbidden_;
  bool restricted_ = false;
  std::vector<std::string> allowed_;  // namespaces, sorted
  absl::Duration down_since_ = absl::ZeroDuration();
  std::map<std::string, std::vector<std::string>> logs_;
  std::shared_ptr<const kube::Snapshot> snapshot_;
  uint64_t change_count_ = 1;
};

}  // namespace opsmesh::k8s
