// opsmesh-chat: what people say arrives here, as a process of its own.
#include "libs/server/server.h"
#include "services/chat/chat.h"

int main(int argc, char** argv) {
  return opsmesh::server::Main(argc, argv, {opsmesh::chat::Spec()});
}
