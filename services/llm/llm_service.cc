#include "services/llm/llm_service.h"

#include <string>
#include <string_view>
#include <utility>

#include "libs/base/error.h"
#include "libs/rpc/not_built.h"
#include "libs/rpc/runner.h"
#include "opsmesh/llm/v1/llm_service.grpc.pb.h"

namespace opsmesh::llm {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using grpc::ServerWriteReactor;
using namespace opsmesh::llm::v1;  // NOLINT(build/namespaces): this file is the face of exactly
                                   // that package

constexpr std::string_view kUntil =
    "POST /api/v1/chat answers questions about the cluster; POST /api/v1/autofix/diagnose finds "
    "causes.";
constexpr rpc::NotBuiltWords kAssistant = {
    "The knowledge assistant is not built in this version: there is no index of documents to "
    "answer from.",
    kUntil, "ASSISTANT_NOT_BUILT"};
constexpr rpc::NotBuiltWords kAutofix = {
    "Automatic repair is not built in this version: it needs the action gate.", kUntil,
    "AUTOFIX_NOT_BUILT"};

class LlmServiceImpl final : public LlmService::CallbackService {
 public:
  LlmServiceImpl(rpc::Runner& runner, const Agent& agent, const Providers& providers)
      : runner_(runner), agent_(agent), providers_(providers) {}

  ServerWriteReactor<RunTurnResponse>* RunTurn(CallbackServerContext* context,
                                               const RunTurnRequest* request) override {
    return runner_.Stream<RunTurnResponse>(
        context, request,
        [this](const base::Context& ctx, const RunTurnRequest& req,
               rpc::Writer<RunTurnResponse>& writer) -> absl::Status {
          return agent_.RunTurn(
              ctx, req, [&](RunTurnResponse event) { return writer.Write(std::move(event)); });
        });
  }

  ServerUnaryReactor* ListModels(CallbackServerContext* context, const ListModelsRequest* request,
                                 ListModelsResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context&, const ListModelsRequest&) {
                           return absl::StatusOr<ListModelsResponse>(providers_.Models());
                         });
  }

  ServerUnaryReactor* GetLlmStatus(CallbackServerContext* context,
                                   const GetLlmStatusRequest* request,
                                   GetLlmStatusResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context&, const GetLlmStatusRequest&) {
                           return absl::StatusOr<GetLlmStatusResponse>(providers_.Status());
                         });
  }

  ServerUnaryReactor* CreateAssistantSession(CallbackServerContext* context,
                                             const CreateAssistantSessionRequest* request,
                                             CreateAssistantSessionResponse* response) override {
    return rpc::NotBuilt(runner_, context, request, response, kAssistant);
  }
  ServerUnaryReactor* QueryAssistant(CallbackServerContext* context,
                                     const QueryAssistantRequest* request,
                                     QueryAssistantResponse* response) override {
    return rpc::NotBuilt(runner_, context, request, response, kAssistant);
  }
  ServerUnaryReactor* RefreshAssistant(CallbackServerContext* context,
                                       const RefreshAssistantRequest* request,
                                       RefreshAssistantResponse* response) override {
    return rpc::NotBuilt(runner_, context, request, response, kAssistant);
  }
  ServerUnaryReactor* Autofix(CallbackServerContext* context, const AutofixRequest* request,
                              AutofixResponse* response) override {
    return rpc::NotBuilt(runner_, context, request, response, kAutofix);
  }
  ServerUnaryReactor* GetAutofixHealth(CallbackServerContext* context,
                                       const GetAutofixHealthRequest* request,
                                       GetAutofixHealthResponse* response) override {
    return rpc::NotBuilt(runner_, context, request, response, kAutofix);
  }
  ServerUnaryReactor* RunAutofixWorkflow(CallbackServerContext* context,
                                         const RunAutofixWorkflowRequest* request,
                                         RunAutofixWorkflowResponse* response) override {
    return rpc::NotBuilt(runner_, context, request, response, kAutofix);
  }

 private:
  rpc::Runner& runner_;
  const Agent& agent_;
  const Providers& providers_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeLlmService(rpc::Runner& runner, const Agent& agent,
                                              const Providers& providers) {
  return std::make_unique<LlmServiceImpl>(runner, agent, providers);
}

}  // namespace opsmesh::llm
