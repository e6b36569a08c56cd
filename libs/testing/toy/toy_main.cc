// The toy mesh as programs: `toy_server toy|front|both [flags]`, for tests of separate processes.
#include <cstdio>
#include <string>
#include <vector>

#include "libs/testing/toy/toy.h"

int main(int argc, char** argv) {
  using namespace opsmesh;
  const std::string which = argc > 1 ? argv[1] : "";
  std::vector<server::ServiceSpec> specs;
  if (which == "front" || which == "both") specs.push_back(toy::FrontSpec());
  if (which == "toy" || which == "both")
    specs.push_back(toy::ToySpec(std::make_shared<toy::ToyLogic>()));
  if (specs.empty()) {
    std::fputs("usage: toy_server toy|front|both [flags]\n", stderr);
    return 2;
  }
  server::RunOptions options;
  options.allow_list = toy::ToyAllowList();
  options.started = [](server::Process& process) {
    // The port, for the test that started this program.
    std::printf("PORT %d\n", process.grpc_port());
    std::fflush(stdout);
    return absl::OkStatus();
  };
  return server::Main(argc - 1, argv + 1, std::move(specs), std::move(options));
}
