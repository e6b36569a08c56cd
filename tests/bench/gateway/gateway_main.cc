// The gateway under test, alone in its process: gateway_bench_server BACKEND_PORT DESCRIPTOR_SET. Prints its port.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "gateway/gateway.h"
#include "grpcpp/grpcpp.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::ifstream file(argv[2], std::ios::binary);
  const std::string descriptor_set((std::istreambuf_iterator<char>(file)), {});
  opsmesh::gateway::Options options;
  options.max_in_flight = 4096;
  opsmesh::gateway::Parts parts;
  parts.descriptor_set = descriptor_set;
  parts.backends["opsmesh.bench.v1.BenchService"] =
      grpc::CreateChannel(std::string("127.0.0.1:") + argv[1], grpc::InsecureChannelCredentials());
  const auto gateway = opsmesh::gateway::Gateway::Start(options, parts);
  if (!gateway.ok()) {
    std::fprintf(stderr, "%s\n", gateway.status().ToString().c_str());
    return 1;
  }
  std::printf("%d\n", (*gateway)->port());
  std::fflush(stdout);
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}
