// A notify service that sends to a fake platform and dies, by SIGKILL, at one step of its n-th
// delivery: for crash_test.
//   notify_crash_child <config.yaml> <data folder> <messages> <step|-> <n>
// Prints "accepted <i>" once the i-th message is stored; ends with 0 when nothing waits any more.
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "grpcpp/channel.h"
#include "libs/base/context.h"
#include "libs/rpc/call.h"
#include "libs/server/server.h"
#include "opsmesh/notify/v1/notify_service.grpc.pb.h"
#include "services/notify/notify.h"

namespace {

using opsmesh::notify::v1::NotifyService;

opsmesh::base::Context Caller() {
  return opsmesh::base::Context::Background()
      .WithTimeout(absl::Seconds(20))
      .WithPrincipal({"test", opsmesh::base::Role::kAdmin});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  namespace server = opsmesh::server;
  const int messages = std::atoi(argv[3]);
  const std::string fatal_step = argv[4];
  std::atomic<int> left{std::atoi(argv[5])};
  opsmesh::config::SourceOptions sources;
  sources.explicit_file = argv[1];
  auto source = opsmesh::config::Source::Load(sources);
  if (!source.ok()) return 3;
  server::ProcessOptions options;
  options.config = *std::move(source);
  options.data_dir = argv[2];
  options.grpc_listen = "none";
  auto process =
      server::Process::Start(std::move(options), {opsmesh::notify::Spec([&](std::string_view step) {
                               if (step == fatal_step && --left == 0) kill(getpid(), SIGKILL);
                             })});
  if (!process.ok()) {
    std::fprintf(stderr, "%s\n", std::string(process.status().message()).c_str());
    return 4;
  }
  const opsmesh::rpc::Channel channel = (*process)->ChannelAs("gateway");
  const auto stub = NotifyService::NewStub(channel.Get());
  for (int i = 1; i <= messages; ++i) {
    opsmesh::notify::v1::NotifyRequest request;
    request.set_type("incident");
    request.set_message("message " + std::to_string(i) + " end");
    request.set_request_id("request-" + std::to_string(i));
    if (!opsmesh::rpc::Call(Caller(), channel.identity(), *stub, &NotifyService::Stub::Notify,
                            request)
             .ok())
      return 5;
    std::printf("accepted %d\n", i);
    std::fflush(stdout);
  }
  for (int i = 0; i < 4000; ++i) {
    const auto outbox =
        opsmesh::rpc::Call(Caller(), channel.identity(), *stub, &NotifyService::Stub::ListOutbox,
                           opsmesh::notify::v1::ListOutboxRequest());
    if (!outbox.ok()) return 6;
    if (outbox->total_count() == 0) {
      const auto dead = opsmesh::rpc::Call(Caller(), channel.identity(), *stub,
                                           &NotifyService::Stub::ListDeadLetters,
                                           opsmesh::notify::v1::ListDeadLettersRequest());
      for (const auto& message : dead->messages()) {
        std::printf("dead %s|%s\n", message.title().en().c_str(),
                    message.delivery().error().c_str());
      }
      (*process)->Stop(absl::Seconds(5));
      return 0;
    }
    absl::SleepFor(absl::Milliseconds(5));
  }
  return 7;
}
