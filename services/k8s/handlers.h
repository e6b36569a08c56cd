// What each RPC does, without gRPC: contract messages in, contract messages out.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "libs/rpc/stream.h"
#include "opsmesh/k8s/v1/tool.pb.h"
#include "services/k8s/k8s_service.h"

namespace opsmesh::k8s {

/// Thread-safe.
class Handlers {
 public:
  Handlers(ToolRunner& tools, IndexCaches& indexes, const std::vector<ClusterProblem>& problems,
           const base::Clock& clock)
      : tools_(tools), indexes_(indexes), problems_(problems), clock_(clock) {}

  absl::StatusOr<v1::ListToolsResponse> ListTools(const v1::ListToolsRequest& request) const;
  absl::StatusOr<v1::CallToolResponse> CallTool(const base::Context& ctx,
                                                const v1::CallToolRequest& request);
  /// A tool that fails is a result here.
  absl::StatusOr<v1::TestToolResponse> TestTool(const base::Context& ctx,
                                                const v1::TestToolRequest& request, bool chinese);
  absl::StatusOr<v1::ResolveObjectsResponse> ResolveObjects(
      const base::Context& ctx, const v1::ResolveObjectsRequest& request);
  absl::StatusOr<v1::ListObjectsResponse> ListObjects(const base::Context& ctx,
                                                      const v1::ListObjectsRequest& request);
  absl::StatusOr<v1::GetObjectResponse> GetObject(const base::Context& ctx,
                                                  const v1::GetObjectRequest& request);
  absl::StatusOr<v1::ListClustersResponse> ListClusters(const base::Context& ctx);
  absl::StatusOr<v1::DiagnoseResponse> Diagnose(const base::Context& ctx,
                                                const v1::DiagnoseRequest& request);
  absl::StatusOr<v1::GetK8sStatusResponse> GetK8sStatus(const base::Context& ctx);
  /// The lines, then a message with done; a followed log holds no thread while it waits.
  absl::StatusOr<std::unique_ptr<rpc::StreamSource<v1::StreamPodLogsResponse>>> OpenPodLogs(
      const base::Context& ctx, const v1::StreamPodLogsRequest& request);

 private:
  ToolRunner& tools_;
  IndexCaches& indexes_;
  const std::vector<ClusterProblem>& problems_;
  const base::Clock& clock_;
};

/// Whether `ns` may name a namespace; "" is fine. INVALID_ARGUMENT (INVALID_NAME) about `field`.
absl::Status CheckScope(std::string_view field, const std::string& ns);

}  // namespace opsmesh::k8s
