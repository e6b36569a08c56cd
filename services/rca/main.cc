// opsmesh-rca: anomalies, root causes, alerts and incidents, as a process of its own.
#include "libs/server/server.h"
#include "services/rca/rca.h"

int main(int argc, char** argv) {
  return opsmesh::server::Main(argc, argv, {opsmesh::rca::Spec()});
}
