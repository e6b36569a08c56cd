// The gRPC face of the chat service.
#pragma once

#include <memory>

#include "services/chat/adk.h"
#include "services/chat/answers.h"
#include "services/chat/status_board.h"
#include "services/chat/store.h"

namespace grpc {
class Service;
}
namespace opsmesh::rpc {
class Runner;
}

namespace opsmesh::chat {

/// What the face hands its calls to. Everything referred to must outlive the service.
struct ChatParts {
  Answers& answers;
  Adk& adk;
  StatusBoard& board;
  Store& store;
};

/// Serves opsmesh.chat.v1.ChatService. `runner` must outlive it.
std::unique_ptr<grpc::Service> MakeChatService(rpc::Runner& runner, ChatParts parts);

}  // namespace opsmesh::chat
