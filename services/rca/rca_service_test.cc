// The service as its callers see it: a real process in this process, real gRPC.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "grpcpp/channel.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http_server/http_server.h"
#include "libs/rpc/call.h"
#include "libs/server/server.h"
#include "opsmesh/rca/v1/rca_service.grpc.pb.h"
#include "services/rca/rca.h"

namespace opsmesh::rca {
namespace {

using v1::RcaService;

class RcaServiceTest : public testing::Test {
 protected:
  void Start(const std::string& yaml) {
    server::ProcessOptions options;
    options.grpc_listen = "none";
    options.data_dir = testing::TempDir() + "/rca";
    auto source = config::Source::FromYaml(yaml);
    ASSERT_TRUE(source.ok()) << source.status().message();
    options.config = *std::move(source);
    options.log_sink = std::make_shared<log::MemorySink>();
    auto process = server::Process::Start(std::move(options), {Spec()});
    ASSERT_TRUE(process.ok()) << process.status().message();
    process_ = *std::move(process);
    channel_.emplace(process_->ChannelAs("gateway"));
    stub_ = RcaService::NewStub(channel_->Get());
  }
  void TearDown() override {
    if (process_) process_->Stop(absl::Seconds(5));
  }
  base::Context Caller() const {
    return base::Context::Background().WithTimeout(absl::Seconds(20)).WithPrincipal({"test", base::Role::kAdmin});
  }
  template <typename Req, typename Resp>
  absl::StatusOr<Resp> Call(grpc::Status (RcaService::Stub::*method)(grpc::ClientContext*, const Req&, Resp*),
                            const Req& request) {
    return rpc::Call(Caller(), channel_->identity(), *stub_, method, request);
  }
  v1::GetRcaStatusResponse Status() {
    auto status = Call(&RcaService::Stub::GetRcaStatus, v1::GetRcaStatusRequest());
    EXPECT_TRUE(status.ok()) << status.status().message();
    return status.ok() ? *status : v1::GetRcaStatusResponse();
  }

  std::unique_ptr<server::Process> process_;
  std::optional<rpc::Channel> channel_;
  std::unique_ptr<RcaService::Stub> stub_;
};

void ExpectNotBuilt(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status.message();
  EXPECT_EQ(base::DetailOf(status).reason, "NOT_BUILT");
  EXPECT_FALSE(base::DetailOf(status).hint.empty());
}

TEST_F(RcaServiceTest, SaysWhatWillDoItWhenAnAnalysisIsAskedFor) {
  Start("{}");
  v1::AnalyzeRootCauseRequest request;
  request.mutable_start_time()->set_seconds(1704103200);
  request.mutable_end_time()->set_seconds(1704106800);
  ExpectNotBuilt(Call(&RcaService::Stub::AnalyzeRootCause, request).status());
  ExpectNotBuilt(Call(&RcaService::Stub::ListIncidents, v1::ListIncidentsRequest()).status());
}

TEST_F(RcaServiceTest, ReportsPrometheusAsDisabledWhenNoneIsConfigured) {
  Start("{}");
  const v1::GetRcaStatusResponse status = Status();
  ASSERT_EQ(status.components_size(), 2);
  EXPECT_EQ(status.components(1).name(), "prometheus");
  EXPECT_EQ(status.components(1).state(), type::v1::ComponentStatus::STATE_DISABLED);
}

TEST_F(RcaServiceTest, ReportsPrometheusAsUpOrDownByAskingIt) {
  auto prometheus = http_server::Server::Start({}, [](std::shared_ptr<http_server::Exchange> exchange) {
    exchange->Respond({.status = exchange->request().path == "/-/ready" ? 200 : 404, .headers = {}, .body = ""});
  });
  ASSERT_TRUE(prometheus.ok());
  Start("prometheus: {url: '127.0.0.1:" + std::to_string((*prometheus)->port()) + "'}");
  EXPECT_EQ(Status().components(1).state(), type::v1::ComponentStatus::STATE_OK);
  (*prometheus)->Stop(absl::ZeroDuration());
  prometheus->reset();
  const v1::GetRcaStatusResponse status = Status();
  EXPECT_EQ(status.components(1).state(), type::v1::ComponentStatus::STATE_DOWN);
  EXPECT_NE(status.components(1).message().find("PROMETHEUS_HOST"), std::string::npos);
}

TEST(RcaConfig, TellsEveryProblemAtOnce) {
  const auto source = config::Source::FromYaml("rca: {anomaly_threshold: 7}\nprometheus: {url: 'ftp://x'}\n");
  ASSERT_TRUE(source.ok());
  const absl::Status status = Spec().check_config(*source);
  EXPECT_EQ(base::DetailOf(status).reason, "CONFIG");
  EXPECT_NE(status.message().find("anomaly_threshold"), absl::string_view::npos) << status.message();
  EXPECT_NE(status.message().find("prometheus.url"), absl::string_view::npos) << status.message();
}

}  // namespace
}  // namespace opsmesh::rca
