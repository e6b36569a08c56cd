// opsmesh-llm: turns of a conversation, as a process of its own.
#include "libs/server/server.h"
#include "services/llm/llm.h"

int main(int argc, char** argv) {
  return opsmesh::server::Main(argc, argv, {opsmesh::llm::Spec()});
}
