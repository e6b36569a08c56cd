#include "services/llm/llm.h"

#include <memory>
#include <utility>
#include <vector>

#include "grpcpp/impl/service_type.h"
#include "libs/base/error.h"
#include "libs/clients/mesh.h"
#include "services/llm/config.h"
#include "services/llm/grpc_toolbox.h"
#include "services/llm/llm_service.h"

namespace opsmesh::llm {
namespace {

// Owns the parts in the order they need each other.
class LlmPart final : public server::Service {
 public:
  LlmPart(server::Environment& env, const LlmConfig& config)
      : mesh_(env.channels, env.ids),
        tools_(MakeGrpcToolBox(mesh_, config.tool_list_ttl)),
        planner_(*tools_, {config.zone, false}),
        grpc_(MakeLlmService(env.runner, planner_)) {}

  std::vector<grpc::Service*> GrpcServices() override { return {grpc_.get()}; }

 private:
  const clients::Mesh mesh_;
  const std::unique_ptr<ToolBox> tools_;
  const Planner planner_;
  const std::unique_ptr<grpc::Service> grpc_;
};

absl::StatusOr<std::unique_ptr<server::Service>> Build(server::Environment& env) {
  OPSMESH_ASSIGN_OR_RETURN(const LlmConfig config, LoadConfig(env.config));
  return std::make_unique<LlmPart>(env, config);
}

}  // namespace

server::ServiceSpec Spec() {
  return {.name = "llm",
          .grpc_service = "opsmesh.llm.v1.LlmService",
          .config_sections = {"llm"},
          .check_config = [](const config::Source& source) { return LoadConfig(source).status(); },
          .build = Build};
}

}  // namespace opsmesh::llm
