// opsmesh-predict: load forecasts and replica plans, as a process of its own.
#include "libs/server/server.h"
#include "services/predict/predict.h"

int main(int argc, char** argv) {
  return opsmesh::server::Main(argc, argv, {opsmesh::predict::Spec()});
}
