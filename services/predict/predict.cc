#include "services/predict/predict.h"

#include <memory>
#include <utility>
#include <vector>

#include "grpcpp/impl/service_type.h"
#include "libs/base/error.h"
#include "libs/http_client/http_client.h"
#include "services/predict/config.h"
#include "services/predict/predict_service.h"
#include "services/predict/workload_view.h"

namespace opsmesh::predict {
namespace {

class PredictPart final : public server::Service {
 public:
  PredictPart(server::Environment& env, PredictConfig config)
      : client_(http_client::Client::Create()),
        cluster_(MakeWorkloadView(env.channels, env.ids)),
        grpc_(MakePredictService(env.runner, std::move(config), *client_, cluster_.get(),
                                 env.clock)) {}

  std::vector<grpc::Service*> GrpcServices() override { return {grpc_.get()}; }

 private:
  const std::unique_ptr<http_client::Client> client_;
  const std::unique_ptr<WorkloadView> cluster_;
  const std::unique_ptr<grpc::Service> grpc_;
};

}  // namespace

server::ServiceSpec Spec() {
  return {
      .name = "predict",
      .grpc_service = "opsmesh.predict.v1.PredictService",
      .config_sections = {"predict", "prometheus"},
      .check_config = [](const config::Source& source) { return LoadConfig(source).status(); },
      .build = [](server::Environment& env) -> absl::StatusOr<std::unique_ptr<server::Service>> {
        OPSMESH_ASSIGN_OR_RETURN(PredictConfig config, LoadConfig(env.config));
        return std::make_unique<PredictPart>(env, std::move(config));
      },
  };
}

}  // namespace opsmesh::predict
