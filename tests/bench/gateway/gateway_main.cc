// The gateway under test, alone in its process: gateway_bench_server BACKEND_PORT DESCRIPTOR_SET.
// Prints its port.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "gateway/gateway.h"
#include "libs/log/logger.h"
#include "libs/rpc/channel.h"
#include "libs/telemetry/metrics.h"

namespace {

// Every service is the one backend.
class OneBackend final : public opsmesh::rpc::ChannelSource {
 public:
  explicit OneBackend(opsmesh::rpc::Channel channel) : channel_(std::move(channel)) {}
  absl::StatusOr<opsmesh::rpc::Channel> For(std::string_view) const override { return channel_; }

 private:
  const opsmesh::rpc::Channel channel_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::ifstream file(argv[2], std::ios::binary);
  const std::string descriptor_set((std::istreambuf_iterator<char>(file)), {});
  auto identity = std::make_shared<opsmesh::rpc::CallIdentity>();
  identity->service = "gateway";
  auto channel = opsmesh::rpc::MakeChannel({.target = std::string("127.0.0.1:") + argv[1]},
                                           std::move(identity));
  if (!channel.ok()) return 1;
  const OneBackend backend(*std::move(channel));
  opsmesh::telemetry::Registry registry;
  const opsmesh::log::Logger logger = opsmesh::log::Logger::Null();
  opsmesh::gateway::Options options;
  options.max_in_flight = 4096;
  const auto gateway = opsmesh::gateway::Gateway::Start(options, {.descriptor_set = descriptor_set,
                                                                  .channels = &backend,
                                                                  .registry = &registry,
                                                                  .logger = &logger});
  if (!gateway.ok()) {
    std::fprintf(stderr, "%s\n", gateway.status().ToString().c_str());
    return 1;
  }
  std::printf("%d\n", (*gateway)->port());
  std::fflush(stdout);
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}
