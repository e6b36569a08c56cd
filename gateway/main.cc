// opsmesh-gateway: HTTP/JSON in front of the mesh's gRPC services.
#include "gateway/spec.h"
#include "libs/server/server.h"

int main(int argc, char** argv) {
  return opsmesh::server::Main(argc, argv, {opsmesh::gateway::Spec()});
}
