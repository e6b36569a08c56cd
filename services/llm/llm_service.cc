#include "services/llm/llm_service.h"

#include <string>
#include <utility>

#include "libs/base/error.h"
#include "libs/rpc/runner.h"
#include "opsmesh/llm/v1/llm_service.grpc.pb.h"

namespace opsmesh::llm {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using grpc::ServerWriteReactor;
using namespace opsmesh::llm::v1;  // NOLINT(build/namespaces): this file is the face of exactly that package

constexpr char kAssistant[] =
    "The knowledge assistant is not built in this version: there is no index of documents to answer from.";
constexpr char kAutofix[] = "Automatic repair is not built in this version: it needs the action gate.";

class LlmServiceImpl final : public LlmService::CallbackService {
 public:
  LlmServiceImpl(rpc::Runner& runner, const Agent& agent, const Providers& providers)
      : runner_(runner), agent_(agent), providers_(providers) {}

  ServerWriteReactor<RunTurnResponse>* RunTurn(CallbackServerContext* context, const RunTurnRequest* request) override {
    return runner_.Stream<RunTurnResponse>(
        context, request,
        [this](const base::Context& ctx, const RunTurnRequest& req, rpc::Writer<RunTurnResponse>& writer) -> absl::Status {
          return agent_.RunTurn(ctx, req, [&](RunTurnResponse event) { return writer.Write(std::move(event)); });
        });
  }

  ServerUnaryReactor* ListModels(CallbackServerContext* context, const ListModelsRequest* request,
                                 ListModelsResponse* response) override {
    return runner_.Unary(context, request, response, [this](const base::Context&, const ListModelsRequest&) {
      return absl::StatusOr<ListModelsResponse>(providers_.Models());
    });
  }

  ServerUnaryReactor* GetLlmStatus(CallbackServerContext* context, const GetLlmStatusRequest* request,
                                   GetLlmStatusResponse* response) override {
    return runner_.Unary(context, request, response, [this](const base::Context&, const GetLlmStatusRequest&) {
      return absl::StatusOr<GetLlmStatusResponse>(providers_.Status());
    });
  }

  ServerUnaryReactor* CreateAssistantSession(CallbackServerContext* context, const CreateAssistantSessionRequest* request,
                                             CreateAssistantSessionResponse* response) override {
    return NotBuilt(context, request, response, "ASSISTANT_NOT_BUILT", kAssistant, "CreateAssistantSession");
  }
  ServerUnaryReactor* QueryAssistant(CallbackServerContext* context, const QueryAssistantRequest* request,
                                     QueryAssistantResponse* response) override {
    return NotBuilt(context, request, response, "ASSISTANT_NOT_BUILT", kAssistant, "QueryAssistant");
  }
  ServerUnaryReactor* RefreshAssistant(CallbackServerContext* context, const RefreshAssistantRequest* request,
                                       RefreshAssistantResponse* response) override {
    return NotBuilt(context, request, response, "ASSISTANT_NOT_BUILT", kAssistant, "RefreshAssistant");
  }
  ServerUnaryReactor* Autofix(CallbackServerContext* context, const AutofixRequest* request,
                              AutofixResponse* response) override {
    return NotBuilt(context, request, response, "AUTOFIX_NOT_BUILT", kAutofix, "Autofix");
  }
  ServerUnaryReactor* GetAutofixHealth(CallbackServerContext* context, const GetAutofixHealthRequest* request,
                                       GetAutofixHealthResponse* response) override {
    return NotBuilt(context, request, response, "AUTOFIX_NOT_BUILT", kAutofix, "GetAutofixHealth");
  }
  ServerUnaryReactor* RunAutofixWorkflow(CallbackServerContext* context, const RunAutofixWorkflowRequest* request,
                                         RunAutofixWorkflowResponse* response) override {
    return NotBuilt(context, request, response, "AUTOFIX_NOT_BUILT", kAutofix, "RunAutofixWorkflow");
  }

 private:
  template <typename Req, typename Resp>
  ServerUnaryReactor* NotBuilt(CallbackServerContext* context, const Req* request, Resp* response, const char* reason,
                               const char* sentence, const char* method) {
    return runner_.Unary(
        context, request, response,
        [reason, sentence](const base::Context&, const Req&) -> absl::StatusOr<Resp> {
          return base::Unimplemented(reason, sentence)
              .Hint("POST /api/v1/chat answers questions about the cluster; POST /api/v1/autofix/diagnose finds causes.");
        },
        method);
  }

  rpc::Runner& runner_;
  const Agent& agent_;
  const Providers& providers_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeLlmService(rpc::Runner& runner, const Agent& agent, const Providers& providers) {
  return std::make_unique<LlmServiceImpl>(runner, agent, providers);
}

}  // namespace opsmesh::llm
