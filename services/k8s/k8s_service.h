// The gRPC face of the k8s service.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "services/k8s/object_index.h"
#include "services/k8s/tool_runner.h"

namespace grpc {
class Service;
}
namespace opsmesh::rpc {
class Runner;
}

namespace opsmesh::k8s {

/// One index a cluster. Thread-safe.
class IndexCaches {
 public:
  explicit IndexCaches(const base::Clock& clock) : clock_(clock) {}
  IndexCache& Of(const std::string& cluster_id);

 private:
  const base::Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<IndexCache>> caches_;
};

/// What the face hands requests to; all of it must outlive the service.
struct K8sParts {
  rpc::Runner& runner;
  ToolRunner& tools;
  IndexCaches& indexes;
  const std::vector<ClusterProblem>& problems;
  const base::Clock& clock;
};

/// Serves opsmesh.k8s.v1.K8sService.
std::unique_ptr<grpc::Service> MakeK8sService(K8sParts parts);

}  // namespace opsmesh::k8s
