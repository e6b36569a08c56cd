#include "services/llm/llm.h"

#include <memory>
#include <utility>
#include <vector>

#include "grpcpp/impl/service_type.h"
#include "libs/base/error.h"
#include "libs/clients/mesh.h"
#include "libs/http_client/http_client.h"
#include "libs/llm_provider/catalog.h"
#include "services/llm/agent/agent.h"
#include "services/llm/config.h"
#include "services/llm/grpc_toolbox.h"
#include "services/llm/llm_service.h"
#include "services/llm/providers.h"

namespace opsmesh::llm {
namespace {

ReactOptions Options(const LlmConfig& config) {
  ReactOptions options;
  options.timeout = config.timeout;
  options.max_iterations = config.max_iterations;
  options.token_budget = config.token_budget;
  options.max_tools = static_cast<size_t>(config.max_tools);
  options.max_history_bytes = static_cast<size_t>(config.max_history_bytes);
  options.max_attachment_bytes = static_cast<size_t>(config.max_attachment_bytes);
  options.rounds.result_bytes = static_cast<size_t>(config.max_tool_result_bytes);
  return options;
}

// Owns the parts in the order they need each other.
class LlmPart final : public server::Service {
 public:
  LlmPart(server::Environment& env, const LlmConfig& config)
      : mesh_(env.channels, env.ids),
        tools_(MakeGrpcToolBox(mesh_, config.tool_list_ttl)),
        planner_(*tools_, {config.zone, !config.providers.chain.empty()}),
        http_(http_client::Client::Create()),
        providers_(config.providers, llm_provider::Catalog::Embedded(), *http_, env.clock, env.ids,
                   &env.metrics),
        agent_({*tools_, planner_, providers_, env.redactor, env.ids, env.logger, &env.metrics},
               Options(config)),
        grpc_(MakeLlmService(env.runner, agent_, providers_)) {}

  std::vector<grpc::Service*> GrpcServices() override { return {grpc_.get()}; }

 private:
  const clients::Mesh mesh_;
  const std::unique_ptr<ToolBox> tools_;
  const Planner planner_;
  const std::unique_ptr<http_client::Client> http_;
  Providers providers_;
  const Agent agent_;
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
