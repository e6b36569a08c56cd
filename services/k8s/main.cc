// opsmesh-k8s: reads clusters, diagnoses them, and will hold the action gate, as a process of its
// own.
#include "libs/server/server.h"
#include "services/k8s/k8s.h"

int main(int argc, char** argv) {
  return opsmesh::server::Main(argc, argv, {opsmesh::k8s::Spec()});
}
