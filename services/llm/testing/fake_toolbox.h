// A small cluster behind the ToolBox interface, for tests of the planner: names and namespaces,
// schemas of the tools, and a record of what was called. It answers with texts that name the call,
// so that a test sees what an answer was made of.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "nlohmann/json_fwd.hpp"
#include "services/llm/planner/toolbox.h"

namespace opsmesh::llm {

struct FakeObject {
  std::string kind;
  std::string name_space;
  std::string name;
  std::string workload;  // of a pod
};

class FakeToolBox final : public ToolBox {
 public:
  /// The default cluster: namespaces default, payments, production, staging, monitoring,
  /// kube-system.
  FakeToolBox();

  absl::StatusOr<k8s::v1::ListToolsResponse> List(const base::Context& context) override;
  absl::StatusOr<k8s::v1::CallToolResponse> Call(const base::Context& context,
                                                 const k8s::v1::CallToolRequest& request) override;
  absl::StatusOr<k8s::v1::DiagnoseResponse> Diagnose(
      const base::Context& context, const k8s::v1::DiagnoseRequest& request) override;
  absl::StatusOr<k8s::v1::ResolveObjectsResponse> Resolve(
      const base::Context& context, const k8s::v1::ResolveObjectsRequest& request) override;
  absl::StatusOr<k8s::v1::ListClustersResponse> Clusters(const base::Context& context) override;

  /// "list_kubernetes_pods namespace=default status=Running", in order; " @demo" at the end of a
  /// call to a cluster that is named.
  std::vector<std::string> TakeCalls();
  void Add(FakeObject object) { objects_.push_back(std::move(object)); }
  /// From now on everything fails with this.
  void Break(absl::Status status) { broken_ = std::move(status); }
  void SetResult(const std::string& tool, std::string json) { results_[tool] = std::move(json); }
  /// The tool's results hold words from outside (logs, events).
  void SetUntrusted(const std::string& tool) { untrusted_.insert(tool); }
  void SetUnavailable(const std::string& tool) { unavailable_.insert(tool); }
  /// From now on the user may read these namespaces only, and may not list namespaces.
  void Restrict(std::set<std::string> readable);
  /// Ids, default first; all of them hold the same objects.
  void SetClusters(std::vector<std::string> ids) { clusters_ = std::move(ids); }
  void SetLedger(type::v1::Ledger ledger) { ledger_ = std::move(ledger); }

 private:
  absl::Status CheckCluster(const std::string& id) const;
  std::string PodsOf(const nlohmann::json& arguments) const;
  std::mutex mutex_;
  std::vector<FakeObject> objects_;
  std::map<std::string, std::string> results_;
  std::set<std::string> unavailable_;
  std::set<std::string> untrusted_;
  std::vector<std::string> calls_;
  absl::Status broken_;
  type::v1::Ledger ledger_;
  std::vector<std::string> clusters_ = {"default"};
  bool restricted_ = false;
  std::set<std::string> readable_;
};

}  // namespace opsmesh::llm
