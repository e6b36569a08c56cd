#include "services/llm/grpc_toolbox.h"

#include "grpcpp/channel.h"
#include "libs/base/error.h"
#include "libs/clients/mesh.h"
#include "opsmesh/k8s/v1/k8s_service.grpc.pb.h"

namespace opsmesh::llm {
namespace {

using k8s::v1::K8sService;
using Client = clients::Client<K8sService>;

class GrpcToolBox final : public ToolBox {
 public:
  GrpcToolBox(absl::StatusOr<Client> client, absl::Duration ttl)
      : client_(std::move(client)), ttl_(ttl) {}

  absl::StatusOr<k8s::v1::ListToolsResponse> List(const base::Context& context) override {
    OPSMESH_RETURN_IF_ERROR(client_.status());
    {
      const std::lock_guard lock(mutex_);
      if (cached_ && context.clock().Steady() - cached_at_ < ttl_) return *cached_;
    }
    k8s::v1::ListToolsRequest request;
    request.set_include_unavailable(true);
    auto listed = client_->Call(context, &K8sService::Stub::ListTools, request);
    if (listed.ok()) {
      const std::lock_guard lock(mutex_);
      cached_ = *listed;
      cached_at_ = context.clock().Steady();
    }
    return listed;
  }

  absl::StatusOr<k8s::v1::CallToolResponse> Call(const base::Context& context,
                                                 const k8s::v1::CallToolRequest& request) override {
    OPSMESH_RETURN_IF_ERROR(client_.status());
    return client_->Call(context, &K8sService::Stub::CallTool, request);
  }

  absl::StatusOr<k8s::v1::DiagnoseResponse> Diagnose(
      const base::Context& context, const k8s::v1::DiagnoseRequest& request) override {
    OPSMESH_RETURN_IF_ERROR(client_.status());
    return client_->Call(context, &K8sService::Stub::Diagnose, request);
  }

  absl::StatusOr<k8s::v1::ResolveObjectsResponse> Resolve(
      const base::Context& context, const k8s::v1::ResolveObjectsRequest& request) override {
    OPSMESH_RETURN_IF_ERROR(client_.status());
    return client_->Call(context, &K8sService::Stub::ResolveObjects, request);
  }

  absl::StatusOr<k8s::v1::ListClustersResponse> Clusters(const base::Context& context) override {
    OPSMESH_RETURN_IF_ERROR(client_.status());
    return client_->Call(context, &K8sService::Stub::ListClusters, {});
  }

 private:
  const absl::StatusOr<Client> client_;
  const absl::Duration ttl_;
  std::mutex mutex_;
  std::optional<k8s::v1::ListToolsResponse> cached_;
  absl::Duration cached_at_;
};

}  // namespace

std::unique_ptr<ToolBox> MakeGrpcToolBox(const clients::Mesh& mesh, absl::Duration list_ttl) {
  return std::make_unique<GrpcToolBox>(mesh.For<K8sService>(), list_ttl);
}

}  // namespace opsmesh::llm
