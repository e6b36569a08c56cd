// opsmesh-notify: everything OpsMesh says to people outside a request, as a process of its own.
#include "libs/server/server.h"
#include "services/notify/notify.h"

int main(int argc, char** argv) {
  return opsmesh::server::Main(argc, argv, {opsmesh::notify::Spec()});
}
