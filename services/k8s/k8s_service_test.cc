// The service as its callers see it: a real process in this process, real gRPC, the simulated
// cluster behind real HTTP.
#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "grpcpp/channel.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/kubesim/simulator.h"
#include "libs/rpc/call.h"
#include "libs/server/server.h"
#include "nlohmann/json.hpp"
#include "opsmesh/k8s/v1/k8s_service.grpc.pb.h"
#include "services/k8s/k8s.h"

namespace opsmesh::k8s {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using v1::K8sService;

class K8sServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto simulator = kubesim::Simulator::Create({.content = kubesim::Content::kDemo});
    ASSERT_TRUE(simulator.ok()) << simulator.status().message();
    simulator_ = *std::move(simulator);
    ASSERT_TRUE(simulator_->Start({}).ok());
    kubeconfig_ = ::testing::TempDir() + "/k8s_service_test.kubeconfig";
    std::ofstream(kubeconfig_) << *simulator_->Kubeconfig();
    Start("k8s: {kubeconfig: '" + kubeconfig_ + "', simulated: true}");
  }
  void Start(const std::string& yaml) {
    if (process_) process_->Stop(absl::Seconds(5));
    server::ProcessOptions options;
    options.grpc_listen = "none";
    options.data_dir = ::testing::TempDir() + "/k8s_service_test";
    auto source = config::Source::FromYaml(yaml);
    ASSERT_TRUE(source.ok()) << source.status().message();
    options.config = *std::move(source);
    options.log_sink = log_;
    auto process = server::Process::Start(std::move(options), {Spec()});
    ASSERT_TRUE(process.ok()) << process.status().message();
    process_ = *std::move(process);
    channel_.emplace(process_->ChannelAs("gateway"));
    stub_ = K8sService::NewStub(channel_->Get());
  }
  void TearDown() override {
    if (process_) process_->Stop(absl::Seconds(5));
    if (simulator_) simulator_->Stop();
  }
  base::Context Caller() const {
    return base::Context::Background()
        .WithTimeout(absl::Seconds(20))
        .WithPrincipal({"test", base::Role::kAdmin});
  }
  template <typename Req, typename Resp>
  absl::StatusOr<Resp> Call(grpc::Status (K8sService::Stub::*method)(grpc::ClientContext*,
                                                                     const Req&, Resp*),
                            const Req& request) {
    return rpc::Call(Caller(), channel_->identity(), *stub_, method, request);
  }
  v1::CallToolResponse Tool(const std::string& name, const std::string& arguments) {
    v1::CallToolRequest request;
    request.set_name(name);
    request.mutable_arguments()->set_raw(arguments);
    auto response = Call(&K8sService::Stub::CallTool, request);
    EXPECT_TRUE(response.ok()) << response.status().message();
    return response.ok() ? *response : v1::CallToolResponse();
  }

  std::shared_ptr<log::MemorySink> log_ = std::make_shared<log::MemorySink>();
  std::unique_ptr<kubesim::Simulator> simulator_;
  std::string kubeconfig_;
  std::unique_ptr<server::Process> process_;
  std::optional<rpc::Channel> channel_;
  std::unique_ptr<K8sService::Stub> stub_;
};

TEST_F(K8sServiceTest, ListsTheToolsAndCallsOneOverTheWire) {
  v1::ListToolsRequest list;
  list.set_include_unavailable(true);
  const auto tools = Call(&K8sService::Stub::ListTools, list);
  ASSERT_TRUE(tools.ok()) << tools.status().message();
  EXPECT_EQ(tools->total_count(), 82);
  const v1::CallToolResponse pods = Tool("k8s-get-pods", R"({"namespace":"shop"})");
  EXPECT_EQ(pods.name(), "list_kubernetes_pods");
  EXPECT_GT(pods.facts_size(), 0);
  EXPECT_THAT(pods.text().en(), HasSubstr("in namespace shop"));
  EXPECT_EQ(pods.ledger().failed_size(), 0) << pods.ledger().DebugString();
  EXPECT_FALSE(log_->LinesWith("tool_call").empty());
}

TEST_F(K8sServiceTest, DiagnosesTheDemoClusterAndFindsNothingInItsHealthyParts) {
  const auto all = Call(&K8sService::Stub::Diagnose, v1::DiagnoseRequest());
  ASSERT_TRUE(all.ok()) << all.status().message();
  EXPECT_GT(all->findings_size(), 0);
  std::printf("%s\n", all->text().en().c_str());
  for (const v1::Finding& f : all->findings()) {
    EXPECT_FALSE(f.summary().zh().empty() || f.cause().en().empty() || f.next_step().en().empty())
        << f.code();
  }
}

TEST_F(K8sServiceTest, LinksWordsToObjects) {
  v1::ResolveObjectsRequest request;
  for (const char* text : {"cart", "shop", "no-such-thing-at-all"})
    request.add_mentions()->set_text(text);
  const auto response = Call(&K8sService::Stub::ResolveObjects, request);
  ASSERT_TRUE(response.ok()) << response.status().message();
  ASSERT_GT(response->mentions(0).candidates_size(), 0);
  EXPECT_EQ(response->mentions(0).candidates(0).match(), v1::ObjectCandidate::MATCH_EXACT);
  EXPECT_EQ(response->mentions(1).candidates(0).object().kind(), "Namespace");
  EXPECT_EQ(response->mentions(2).candidates_size(), 0);
}

TEST_F(K8sServiceTest, ListsAndReadsObjectsWithPagesAndWithoutSecretValues) {
  v1::ListObjectsRequest request;
  request.set_kind("po");
  request.set_page_size(3);
  int seen = 0;
  int64_t total = 0;
  do {
    const auto page = Call(&K8sService::Stub::ListObjects, request);
    ASSERT_TRUE(page.ok()) << page.status().message();
    seen += page->objects_size();
    total = page->total_count();
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen, total);
  v1::GetObjectRequest get;
  get.set_kind("deployment");
  get.set_namespace_("shop");
  get.set_name("cart");
  const auto cart = Call(&K8sService::Stub::GetObject, get);
  ASSERT_TRUE(cart.ok()) << cart.status().message();
  EXPECT_THAT(cart->yaml(), HasSubstr("name: cart"));
  get.set_name("crat");
  const auto missing = Call(&K8sService::Stub::GetObject, get);
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(base::DetailOf(missing.status()).hint, HasSubstr("cart"));
}

TEST_F(K8sServiceTest, ReportsAToolThatFailsAsAResult) {
  v1::TestToolRequest request;
  request.set_tool_name("scale_deployment");
  request.mutable_parameters()->set_raw(
      R"({"namespace":"shop","deployment_name":"cart","replicas":5})");
  const auto response = Call(&K8sService::Stub::TestTool, request);
  ASSERT_TRUE(response.ok()) << response.status().message();
  EXPECT_FALSE(response->success());
  EXPECT_EQ(response->reason(), "ACTION_GATE_NOT_BUILT");
  EXPECT_THAT(response->error(), HasSubstr("to 5"));
}

TEST_F(K8sServiceTest, SaysThatTheGateIsNotBuilt) {
  const auto response = Call(&K8sService::Stub::ListProposals, v1::ListProposalsRequest());
  EXPECT_EQ(response.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(base::DetailOf(response.status()).reason, "NOT_BUILT");
}

TEST_F(K8sServiceTest, StreamsTheLogOfAPod) {
  const nlohmann::json pods = *base::ParseJson(
      Tool("list_kubernetes_pods", R"({"namespace":"shop","status":"Running"})").result().raw());
  ASSERT_FALSE(pods["items"].empty());
  v1::StreamPodLogsRequest request;
  request.set_namespace_("shop");
  request.set_pod(pods["items"][0]["name"].get<std::string>());
  request.set_tail_lines(5);
  int lines = 0;
  bool done = false;
  const absl::Status status =
      rpc::CallStream<K8sService::Stub, v1::StreamPodLogsRequest, v1::StreamPodLogsResponse>(
          Caller(), channel_->identity(), *stub_, &K8sService::Stub::StreamPodLogs, request,
          [&](v1::StreamPodLogsResponse& part) {
            lines += part.lines_size();
            done = part.done();
            return absl::OkStatus();
          });
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(done);
  EXPECT_LE(lines, 5);
}

// 100 is far more than the pool has threads: a log that is followed must not hold one.
TEST_F(K8sServiceTest, ManyFollowedLogsDoNotHoldUpTheTools) {
  const nlohmann::json pods = *base::ParseJson(
      Tool("list_kubernetes_pods", R"({"namespace":"shop","status":"Running"})").result().raw());
  v1::StreamPodLogsRequest request;
  request.set_namespace_("shop");
  request.set_pod(pods["items"][0]["name"].get<std::string>());
  request.set_follow(true);
  request.set_tail_lines(1);
  std::shared_ptr<base::CancelState> leave;
  const base::Context all = Caller().WithCancel(&leave);
  std::atomic<int> open = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 100; ++i) {
    readers.emplace_back([&] {
      const absl::Status status =
          rpc::CallStream<K8sService::Stub, v1::StreamPodLogsRequest, v1::StreamPodLogsResponse>(
              all, channel_->identity(), *stub_, &K8sService::Stub::StreamPodLogs, request,
              [&](v1::StreamPodLogsResponse& part) {
                if (part.lines_size() > 0) ++open;
                return absl::OkStatus();
              });
      EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status.message();
    });
  }
  const absl::Time end = absl::Now() + absl::Seconds(30);
  while (open < 100 && absl::Now() < end) std::this_thread::yield();
  EXPECT_EQ(open, 100);
  EXPECT_GT(Tool("list_kubernetes_pods", "{}").facts_size(), 0);
  leave->Cancel();
  for (std::thread& reader : readers) reader.join();
}

TEST_F(K8sServiceTest, ReportsTheClusterUpThenDownAndStillAnswersFromTheCache) {
  auto status = Call(&K8sService::Stub::GetK8sStatus, v1::GetK8sStatusRequest());
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->components(0).state(), type::v1::ComponentStatus::STATE_OK);
  const int before = Tool("list_kubernetes_pods", "{}").facts_size();
  simulator_->Stop();
  status = Call(&K8sService::Stub::GetK8sStatus, v1::GetK8sStatusRequest());
  ASSERT_TRUE(status.ok());
  EXPECT_EQ(status->components(0).state(), type::v1::ComponentStatus::STATE_DOWN);
  EXPECT_EQ(Tool("list_kubernetes_pods", "{}").facts_size(), before);
  v1::CallToolRequest verify;
  verify.set_name("verify_kubernetes_connection");
  const absl::Time begin = absl::Now();
  EXPECT_EQ(Call(&K8sService::Stub::CallTool, verify).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(15));
}

TEST_F(K8sServiceTest, ShowsAClusterThatCannotBeSetUpAndGoesOn) {
  Start("k8s: {kubeconfig: '/nonexistent/kubeconfig'}");
  const auto clusters = Call(&K8sService::Stub::ListClusters, v1::ListClustersRequest());
  ASSERT_TRUE(clusters.ok()) << clusters.status().message();
  ASSERT_EQ(clusters->clusters_size(), 1);
  EXPECT_EQ(clusters->clusters(0).status().state(), type::v1::ComponentStatus::STATE_DOWN);
  v1::CallToolRequest request;
  request.set_name("list_kubernetes_pods");
  EXPECT_EQ(Call(&K8sService::Stub::CallTool, request).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace opsmesh::k8s
