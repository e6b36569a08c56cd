// The life of a process: health, readiness, drain, bounds.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <set>
#include <thread>

#include "libs/base/error.h"
#include "libs/http_client/http_client.h"
#include "libs/rpc/health.h"
#include "libs/testing/toy/toy_mesh.h"

namespace opsmesh::toy {
namespace {

using front::v1::FrontService;
using front::v1::RelayWaitRequest;

bool Serving(ToyMesh& mesh, std::string_view name) {
  const auto serving = rpc::CheckHealth(ContextOf(), mesh.process->ChannelAs(""), name);
  EXPECT_TRUE(serving.ok()) << name << ": " << serving.status();
  return serving.ok() && *serving;
}

TEST(Health, IsServingByEveryNameOnceStarted) {
  ToyMesh mesh;
  for (const char* name :
       {"", "liveness", "opsmesh.toy.v1.ToyService", "opsmesh.front.v1.FrontService"}) {
    EXPECT_TRUE(Serving(mesh, name)) << name;
  }
  const auto unknown =
      rpc::CheckHealth(ContextOf(), mesh.process->ChannelAs(""), "opsmesh.none.v1.NoService");
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kNotFound);
}

TEST(Health, FollowsReadinessWhileLivenessDoesNot) {
  ToyMesh mesh({.ready = [] {
    return absl::Status(base::Unavailable("CLUSTER_DOWN", "The cluster does not answer."));
  }});
  EXPECT_FALSE(Serving(mesh, ""));
  EXPECT_FALSE(Serving(mesh, "opsmesh.toy.v1.ToyService"));
  EXPECT_TRUE(Serving(mesh, "opsmesh.front.v1.FrontService"));
  EXPECT_TRUE(Serving(mesh, "liveness"));
  EXPECT_FALSE(mesh.log->LinesWith("The cluster does not answer.").empty());
  EXPECT_EQ(mesh.process->Ready().message(), "toy: The cluster does not answer.");
}

std::string Get(ToyMesh& mesh, const std::string& path, int expected_status) {
  const auto client = http_client::Client::Create();
  http_client::Request request;
  request.url = "http://127.0.0.1:" + std::to_string(mesh.process->metrics_port()) + path;
  const auto response = client->Fetch(ContextOf(), request);
  EXPECT_TRUE(response.ok()) << response.status();
  if (!response.ok()) return "";
  EXPECT_EQ(response->status, expected_status) << response->body;
  return response->body;
}

TEST(MetricsListener, ServesMetricsAndProbes) {
  ToyMesh mesh({.yaml = "metrics: {listen: '127.0.0.1:0'}"});
  EXPECT_EQ(Get(mesh, "/livez", 200), "ok\n");
  EXPECT_EQ(Get(mesh, "/readyz", 200), "ok\n");
  ASSERT_TRUE(mesh.Toy().Call(ContextOf(), &v1::ToyService::Stub::Echo, EchoOf("x")).ok());
  EXPECT_NE(Get(mesh, "/metrics", 200).find("# TYPE opsmesh_grpc_server_handled_total counter"),
            std::string::npos);
  Get(mesh, "/", 404);
}

TEST(MetricsListener, TellsWhatIsNotReady) {
  ToyMesh mesh({.yaml = "metrics: {listen: '127.0.0.1:0'}", .ready = [] {
                  return absl::Status(
                      base::Unavailable("CLUSTER_DOWN", "The cluster does not answer."));
                }});
  EXPECT_EQ(Get(mesh, "/readyz", 503), "toy: The cluster does not answer.\n");
  EXPECT_EQ(Get(mesh, "/livez", 200), "ok\n");
}

TEST(Metrics, OfTheRuntimeAreThoseOfTheGoldenFile) {
  const char* source = std::getenv("OPSMESH_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run by ctest, or set OPSMESH_SOURCE_DIR";
  std::ifstream file(std::string(source) + "/tests/contract/metrics_names.txt");
  std::set<std::string> golden;
  for (std::string line; std::getline(file, line);) golden.insert(line);
  ToyMesh mesh;
  for (const std::string& line : mesh.process->metrics().Describe()) {
    EXPECT_TRUE(golden.contains(line)) << "not in tests/contract/metrics_names.txt: " << line;
  }
}

TEST(Stopping, LetsARequestUnderWayEndOverTwoHops) {
  ToyMesh mesh;
  absl::Status status = absl::UnknownError("not called");
  std::thread client([&] {
    status =
        mesh.Front().Call(ContextOf(), &FrontService::Stub::RelayWait, RelayWaitRequest()).status();
  });
  ASSERT_TRUE(mesh.logic->AwaitWaiting(1));
  std::thread stopper([&] { mesh.Stop(absl::Seconds(10)); });
  // The stop has begun when the process says that it is not ready any more.
  while (Serving(mesh, "")) std::this_thread::yield();
  mesh.logic->OpenGate();
  client.join();
  stopper.join();
  EXPECT_TRUE(status.ok()) << status;
}

TEST(Stopping, IsBoundedWhenARequestDoesNotEnd) {
  ToyMesh mesh;
  absl::Status status;
  std::thread client([&] {
    status =
        mesh.Front().Call(ContextOf(), &FrontService::Stub::RelayWait, RelayWaitRequest()).status();
  });
  ASSERT_TRUE(mesh.logic->AwaitWaiting(1));
  const absl::Duration begin = base::SystemClock().Steady();
  mesh.Stop(absl::Milliseconds(200));
  const absl::Duration took = base::SystemClock().Steady() - begin;
  client.join();
  EXPECT_GE(took, absl::Milliseconds(190));
  EXPECT_LT(took, absl::Seconds(15));
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(mesh.logic->AwaitGivenUp(1));
}

TEST(Starting, FailsWithASentenceWhenThePortIsTaken) {
  ToyMesh first({.grpc_listen = "127.0.0.1:0"});
  server::ProcessOptions options;
  TemporaryFolder folder;
  options.data_dir = folder.path();
  options.log_sink = std::make_shared<log::MemorySink>();
  options.grpc_listen = "127.0.0.1:" + std::to_string(first.process->grpc_port());
  const auto second = server::Process::Start(std::move(options), {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(base::DetailOf(second.status()).reason, "ADDRESS_IN_USE");
}

TEST(Starting, TellsEveryProblemOfTheConfigurationAtOnce) {
  server::ProcessOptions options;
  auto source = config::Source::FromYaml(
      "log: {levle: info}\npools: {toy: {threads: 0}}\nshutdown: {grace: 20}\n", "bad.yaml");
  ASSERT_TRUE(source.ok());
  options.config = *source;
  const auto process =
      server::Process::Start(std::move(options), {ToySpec(std::make_shared<ToyLogic>())});
  ASSERT_FALSE(process.ok());
  EXPECT_EQ(base::DetailOf(process.status()).reason, "CONFIG");
  const std::string text(process.status().message());
  EXPECT_NE(text.find("bad.yaml:1: log.levle: unknown key; did you mean 'level'?"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("bad.yaml:2: pools.toy.threads: '0' is not a whole number from 1 to 1024"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("bad.yaml:3: shutdown.grace: '20' is not a duration"), std::string::npos)
      << text;
}

}  // namespace
}  // namespace opsmesh::toy
