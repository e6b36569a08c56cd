#include "services/chat/chat.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "grpcpp/impl/service_type.h"
#include "libs/base/error.h"
#include "services/chat/adk.h"
#include "services/chat/answers.h"
#include "services/chat/chat_service.h"
#include "services/chat/config.h"
#include "services/chat/conversation.h"
#include "services/chat/mesh.h"
#include "services/chat/status_board.h"
#include "services/chat/store.h"

namespace opsmesh::chat {
namespace {

std::vector<std::string> Notices(const server::Environment& env) {
  if (!env.authenticator.options().keys.empty()) return {};
  return {
      "No authentication is configured: callers on this machine have every role, all others may "
      "only read. "
      "Set auth.keys to change that."};
}

// Owns the parts in the order they need each other.
class ChatPart final : public server::Service {
 public:
  ChatPart(server::Environment& env, const ChatConfig& config, std::unique_ptr<Store> store,
           std::unique_ptr<TurnRunner> turns, std::unique_ptr<MeshProbe> probe)
      : store_(std::move(store)),
        turns_(std::move(turns)),
        probe_(std::move(probe)),
        conversation_(*store_, *turns_, env.clock, env.ids,
                      {config.history_messages, config.max_sessions_per_owner}),
        answers_(conversation_, env.clock),
        adk_(*store_, conversation_, env.clock, env.ids),
        board_(*probe_, env.clock, Notices(env)),
        grpc_(MakeChatService(env.runner, {answers_, adk_, board_, *store_})) {}

  std::vector<grpc::Service*> GrpcServices() override { return {grpc_.get()}; }

 private:
  const std::unique_ptr<Store> store_;
  const std::unique_ptr<TurnRunner> turns_;
  const std::unique_ptr<MeshProbe> probe_;
  Conversation conversation_;
  Answers answers_;
  Adk adk_;
  StatusBoard board_;
  const std::unique_ptr<grpc::Service> grpc_;
};

absl::StatusOr<std::unique_ptr<server::Service>> Build(server::Environment& env) {
  OPSMESH_ASSIGN_OR_RETURN(const ChatConfig config, LoadConfig(env.config));
  std::string quarantined;
  OPSMESH_ASSIGN_OR_RETURN(std::unique_ptr<Store> store,
                           OpenSqliteStore(env.data_dir + "/chat.db", &quarantined));
  if (!quarantined.empty()) {
    env.logger.Error("the session database was damaged and was moved aside; a new one was begun",
                     {{"kept_as", quarantined}});
  }
  OPSMESH_ASSIGN_OR_RETURN(std::unique_ptr<TurnRunner> turns,
                           MakeTurnRunner(env.channels, env.ids));
  OPSMESH_ASSIGN_OR_RETURN(std::unique_ptr<MeshProbe> probe,
                           MakeMeshProbe(env.channels, env.ids, env.clock, config.status_timeout));
  return std::make_unique<ChatPart>(env, config, std::move(store), std::move(turns),
                                    std::move(probe));
}

}  // namespace

server::ServiceSpec Spec() {
  return {.name = "chat",
          .grpc_service = "opsmesh.chat.v1.ChatService",
          .config_sections = {"chat"},
          .check_config = [](const config::Source& source) { return LoadConfig(source).status(); },
          .build = Build};
}

}  // namespace opsmesh::chat
