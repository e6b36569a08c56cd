// What the planner and the agents can do: the tools of the mesh, behind one interface. The service
// implements it over gRPC (clients), tests with a fake. Messages are the contract's own.
#pragma once

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "opsmesh/k8s/v1/tool.pb.h"

namespace opsmesh::llm {

/// Implementations are thread-safe. Every method keeps the context's deadline and cancellation.
class ToolBox {
 public:
  virtual ~ToolBox() = default;
  /// All tools, those not built yet included (`available` false). May be cached for some seconds.
  virtual absl::StatusOr<k8s::v1::ListToolsResponse> List(const base::Context& context) = 0;
  /// Runs one tool. Errors as K8sService.CallTool.
  virtual absl::StatusOr<k8s::v1::CallToolResponse> Call(
      const base::Context& context, const k8s::v1::CallToolRequest& request) = 0;
  /// Rule-based diagnosis of a namespace or the cluster. Errors as K8sService.Diagnose.
  virtual absl::StatusOr<k8s::v1::DiagnoseResponse> Diagnose(
      const base::Context& context, const k8s::v1::DiagnoseRequest& request) = 0;
  /// Links words to objects. Errors as K8sService.ResolveObjects.
  virtual absl::StatusOr<k8s::v1::ResolveObjectsResponse> Resolve(
      const base::Context& context, const k8s::v1::ResolveObjectsRequest& request) = 0;
  /// The configured clusters and how they are. Errors as K8sService.ListClusters.
  virtual absl::StatusOr<k8s::v1::ListClustersResponse> Clusters(const base::Context& context) = 0;
};

}  // namespace opsmesh::llm
