#include "services/chat/chat_service.h"

#include <string_view>
#include <utility>

#include "libs/base/error.h"
#include "libs/rpc/not_built.h"
#include "libs/rpc/runner.h"
#include "opsmesh/chat/v1/chat_service.grpc.pb.h"
#include "services/chat/sessions.h"

namespace opsmesh::chat {
namespace {

using google::api::HttpBody;
using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using grpc::ServerWriteReactor;
using namespace opsmesh::chat::v1;  // NOLINT(build/namespaces): this file is the face of exactly
                                    // that package

constexpr std::string_view kWebhooks =
    "Chat platforms are not connected in this version: their signatures cannot be checked yet, so "
    "nothing they send is acted on.";
constexpr std::string_view kSettings =
    "Settings cannot be read or changed over HTTP in this version.";

class ChatServiceImpl final : public ChatService::CallbackService {
 public:
  ChatServiceImpl(rpc::Runner& runner, ChatParts parts) : runner_(runner), parts_(parts) {}

  ServerUnaryReactor* Chat(CallbackServerContext* context, const ChatRequest* request,
                           ChatResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const ChatRequest& req) {
                           return parts_.answers.Chat(ctx, req);
                         });
  }
  ServerWriteReactor<ChatStreamResponse>* ChatStream(CallbackServerContext* context,
                                                     const ChatStreamRequest* request) override {
    return runner_.Stream<ChatStreamResponse>(
        context, request,
        [this](const base::Context& ctx, const ChatStreamRequest& req,
               rpc::Writer<ChatStreamResponse>& writer) {
          return parts_.answers.ChatStream(
              ctx, req, [&](ChatStreamResponse event) { return writer.Write(std::move(event)); });
        });
  }
  ServerUnaryReactor* SendMessage(CallbackServerContext* context, const SendMessageRequest* request,
                                  SendMessageResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const SendMessageRequest& req) {
                           return parts_.answers.SendMessage(ctx, req);
                         });
  }
  ServerUnaryReactor* TestMessage(CallbackServerContext* context, const TestMessageRequest* request,
                                  TestMessageResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const TestMessageRequest& req) {
                           return parts_.answers.TestMessage(ctx, req);
                         });
  }
  ServerUnaryReactor* ListShortcuts(CallbackServerContext* context,
                                    const ListShortcutsRequest* request,
                                    ListShortcutsResponse* response) override {
    return runner_.Unary(context, request, response,
                         [](const base::Context&, const ListShortcutsRequest&) {
                           return absl::StatusOr<ListShortcutsResponse>(Shortcuts());
                         });
  }

  ServerUnaryReactor* ListSessions(CallbackServerContext* context,
                                   const ListSessionsRequest* request,
                                   ListSessionsResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const ListSessionsRequest& req) {
                           return chat::ListSessions(parts_.store, ctx, req);
                         });
  }
  ServerUnaryReactor* GetSession(CallbackServerContext* context, const GetSessionRequest* request,
                                 GetSessionResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const GetSessionRequest& req) {
                           return chat::GetSession(parts_.store, ctx, req);
                         });
  }
  ServerUnaryReactor* DeleteSession(CallbackServerContext* context,
                                    const DeleteSessionRequest* request,
                                    DeleteSessionResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const DeleteSessionRequest& req) {
                           return chat::DeleteSession(parts_.store, ctx, req);
                         });
  }

  ServerUnaryReactor* GetRoot(CallbackServerContext* context, const GetRootRequest* request,
                              GetRootResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context&, const GetRootRequest&) {
                           return absl::StatusOr<GetRootResponse>(parts_.board.Root());
                         });
  }
  ServerUnaryReactor* GetHealth(CallbackServerContext* context, const GetHealthRequest* request,
                                GetHealthResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const GetHealthRequest&) {
                           return absl::StatusOr<GetHealthResponse>(parts_.board.Health(ctx));
                         });
  }
  ServerUnaryReactor* GetModels(CallbackServerContext* context, const GetModelsRequest* request,
                                GetModelsResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const GetModelsRequest&) {
                           return parts_.board.Models(ctx);
                         });
  }
  ServerUnaryReactor* GetStatus(CallbackServerContext* context, const GetStatusRequest* request,
                                GetStatusResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const GetStatusRequest&) {
                           return absl::StatusOr<GetStatusResponse>(parts_.board.Status(ctx));
                         });
  }
  ServerUnaryReactor* GetSystemStatus(CallbackServerContext* context,
                                      const GetSystemStatusRequest* request,
                                      GetSystemStatusResponse* response) override {
    return runner_.Unary(
        context, request, response,
        [this](const base::Context& ctx, const GetSystemStatusRequest&) {
          return absl::StatusOr<GetSystemStatusResponse>(parts_.board.SystemStatus(ctx));
        });
  }

  ServerUnaryReactor* GetConfig(CallbackServerContext* context, const GetConfigRequest* request,
                                GetConfigResponse* response) override {
    return rpc::NotBuilt(runner_, context, request, response,
                         {kSettings, "`opsmesh config show --origin` shows what is in force."});
  }
  ServerUnaryReactor* UpdateConfig(CallbackServerContext* context,
                                   const UpdateConfigRequest* request,
                                   UpdateConfigResponse* response) override {
    return rpc::NotBuilt(runner_, context, request, response,
                         {kSettings, "Change config/config.yaml or the environment and restart."});
  }
  ServerUnaryReactor* ReceiveDingtalk(CallbackServerContext* context, const HttpBody* request,
                                      HttpBody* response) override {
    return rpc::NotBuilt(runner_, context, request, response,
                         {kWebhooks, "Ask over POST /chat until the DingTalk webhook is built."});
  }
  ServerUnaryReactor* ReceiveSlack(CallbackServerContext* context, const HttpBody* request,
                                   HttpBody* response) override {
    return rpc::NotBuilt(runner_, context, request, response,
                         {kWebhooks, "Ask over POST /run until the Slack webhook is built."});
  }
  ServerUnaryReactor* ReceiveFeishu(CallbackServerContext* context, const HttpBody* request,
                                    HttpBody* response) override {
    return rpc::NotBuilt(
        runner_, context, request, response,
        {kWebhooks, "Ask over POST /api/v1/chat until the Feishu webhook is built."});
  }

  ServerUnaryReactor* ListApps(CallbackServerContext* context, const ListAppsRequest* request,
                               ListAppsResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context&, const ListAppsRequest&) {
                           return absl::StatusOr<ListAppsResponse>(parts_.adk.ListApps());
                         });
  }
  ServerUnaryReactor* CreateAdkSession(CallbackServerContext* context,
                                       const CreateAdkSessionRequest* request,
                                       AdkSession* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const CreateAdkSessionRequest& req) {
                           return parts_.adk.Create(ctx, req.app_name(), req.user_id(),
                                                    req.session_id(), req.state().raw());
                         });
  }
  ServerUnaryReactor* CreateAdkSessionAuto(CallbackServerContext* context,
                                           const CreateAdkSessionAutoRequest* request,
                                           AdkSession* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const CreateAdkSessionAutoRequest& req) {
                           return parts_.adk.Create(ctx, req.app_name(), req.user_id(),
                                                    req.session_id(), req.state().raw());
                         });
  }
  ServerUnaryReactor* ListAdkSessions(CallbackServerContext* context,
                                      const ListAdkSessionsRequest* request,
                                      ListAdkSessionsResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const ListAdkSessionsRequest& req) {
                           return parts_.adk.List(ctx, req);
                         });
  }
  ServerUnaryReactor* GetAdkSession(CallbackServerContext* context,
                                    const GetAdkSessionRequest* request,
                                    AdkSession* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx, const GetAdkSessionRequest& req) {
                           return parts_.adk.Get(ctx, req);
                         });
  }
  ServerUnaryReactor* DeleteAdkSession(CallbackServerContext* context,
                                       const DeleteAdkSessionRequest* request,
                                       DeleteAdkSessionResponse* response) override {
    return runner_.Unary(
        context, request, response,
        [this](const base::Context& ctx,
               const DeleteAdkSessionRequest& req) -> absl::StatusOr<DeleteAdkSessionResponse> {
          OPSMESH_RETURN_IF_ERROR(parts_.adk.Delete(ctx, req));
          return DeleteAdkSessionResponse();
        });
  }
  ServerUnaryReactor* RunAdk(CallbackServerContext* context, const RunAdkRequest* request,
                             RunAdkResponse* response) override {
    return runner_.Unary(context, request, response,
                         [this](const base::Context& ctx,
                                const RunAdkRequest& req) -> absl::StatusOr<RunAdkResponse> {
                           RunAdkResponse all;
                           OPSMESH_RETURN_IF_ERROR(parts_.adk.Run(
                               ctx, req, /*partial_text=*/false, [&](AdkEvent event) {
                                 *all.add_events() = std::move(event);
                                 return absl::OkStatus();
                               }));
                           return all;
                         });
  }
  ServerWriteReactor<AdkEvent>* RunAdkSse(CallbackServerContext* context,
                                          const RunAdkRequest* request) override {
    return runner_.Stream<AdkEvent>(
        context, request,
        [this](const base::Context& ctx, const RunAdkRequest& req, rpc::Writer<AdkEvent>& writer) {
          return parts_.adk.Run(ctx, req, req.streaming(),
                                [&](AdkEvent event) { return writer.Write(std::move(event)); });
        });
  }

 private:
  rpc::Runner& runner_;
  const ChatParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeChatService(rpc::Runner& runner, ChatParts parts) {
  return std::make_unique<ChatServiceImpl>(runner, parts);
}

}  // namespace opsmesh::chat
