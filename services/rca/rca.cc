#include "services/rca/rca.h"

#include <memory>
#include <utility>
#include <vector>

#include "grpcpp/impl/service_type.h"
#include "libs/base/error.h"
#include "libs/http_client/http_client.h"
#include "services/rca/cluster_view.h"
#include "services/rca/config.h"
#include "services/rca/rca_service.h"

namespace opsmesh::rca {
namespace {

class RcaPart final : public server::Service {
 public:
  RcaPart(server::Environment& env, RcaConfig config)
      : client_(http_client::Client::Create()),
        cluster_(MakeClusterView(env.channels, env.ids)),
        grpc_(MakeRcaService(env.runner, std::move(config), *client_, cluster_.get())) {}

  std::vector<grpc::Service*> GrpcServices() override { return {grpc_.get()}; }

 private:
  const std::unique_ptr<http_client::Client> client_;
  const std::unique_ptr<ClusterView> cluster_;
  const std::unique_ptr<grpc::Service> grpc_;
};

}  // namespace

server::ServiceSpec Spec() {
  return {
      .name = "rca",
      .grpc_service = "opsmesh.rca.v1.RcaService",
      .config_sections = {"rca", "prometheus"},
      .check_config = [](const config::Source& source) { return LoadConfig(source).status(); },
      .build = [](server::Environment& env) -> absl::StatusOr<std::unique_ptr<server::Service>> {
        OPSMESH_ASSIGN_OR_RETURN(RcaConfig config, LoadConfig(env.config));
        return std::make_unique<RcaPart>(env, std::move(config));
      },
  };
}

}  // namespace opsmesh::rca
