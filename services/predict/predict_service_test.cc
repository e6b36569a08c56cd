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
#include "opsmesh/predict/v1/predict_service.grpc.pb.h"
#include "services/predict/predict.h"

namespace opsmesh::predict {
namespace {

using v1::PredictService;

class PredictServiceTest : public testing::Test {
 protected:
  void Start(const std::string& yaml) {
    server::ProcessOptions options;
    options.grpc_listen = "none";
    options.data_dir = testing::TempDir() + "/predict";
    auto source = config::Source::FromYaml(yaml);
    ASSERT_TRUE(source.ok()) << source.status().message();
    options.config = *std::move(source);
    options.log_sink = std::make_shared<log::MemorySink>();
    auto process = server::Process::Start(std::move(options), {Spec()});
    ASSERT_TRUE(process.ok()) << process.status().message();
    process_ = *std::move(process);
    channel_.emplace(process_->ChannelAs("gateway"));
    stub_ = PredictService::NewStub(channel_->Get());
  }
  void TearDown() override {
    if (process_) process_->Stop(absl::Seconds(5));
  }
  base::Context Caller() const {
    return base::Context::Background().WithTimeout(absl::Seconds(20)).WithPrincipal({"test", base::Role::kAdmin});
  }
  template <typename Req, typename Resp>
  absl::StatusOr<Resp> Call(grpc::Status (PredictService::Stub::*method)(grpc::ClientContext*, const Req&, Resp*),
                            const Req& request) {
    return rpc::Call(Caller(), channel_->identity(), *stub_, method, request);
  }
  v1::GetPredictStatusResponse Status() {
    auto status = Call(&PredictService::Stub::GetPredictStatus, v1::GetPredictStatusRequest());
    EXPECT_TRUE(status.ok()) << status.status().message();
    return status.ok() ? *status : v1::GetPredictStatusResponse();
  }

  std::unique_ptr<server::Process> process_;
  std::optional<rpc::Channel> channel_;
  std::unique_ptr<PredictService::Stub> stub_;
};

void ExpectNotBuilt(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status.message();
  EXPECT_EQ(base::DetailOf(status).reason, "NOT_BUILT");
  EXPECT_FALSE(base::DetailOf(status).hint.empty());
}

TEST_F(PredictServiceTest, SaysWhatWillDoItWhenAPredictionIsAskedFor) {
  Start("{}");
  ExpectNotBuilt(Call(&PredictService::Stub::Predict, v1::PredictRequest()).status());
  v1::ForecastSeriesRequest forecast;
  forecast.mutable_history()->mutable_series()->add_values(1);
  forecast.set_horizon_steps(1);
  ExpectNotBuilt(Call(&PredictService::Stub::ForecastSeries, forecast).status());
}

TEST_F(PredictServiceTest, RefusesARequestWithoutItsRequiredFieldsBeforeAnythingElse) {
  Start("{}");
  const absl::Status status = Call(&PredictService::Stub::PlanReplicas, v1::PlanReplicasRequest()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status.message();
  EXPECT_EQ(base::DetailOf(status).field, "workload");
}

TEST_F(PredictServiceTest, ReportsPrometheusAsDisabledWhenNoneIsConfigured) {
  Start("{}");
  const v1::GetPredictStatusResponse status = Status();
  ASSERT_EQ(status.components_size(), 2);
  EXPECT_EQ(status.components(1).name(), "prometheus");
  EXPECT_EQ(status.components(1).state(), type::v1::ComponentStatus::STATE_DISABLED);
}

TEST_F(PredictServiceTest, ReportsPrometheusAsUpOrDownByAskingIt) {
  auto prometheus = http_server::Server::Start({}, [](std::shared_ptr<http_server::Exchange> exchange) {
    exchange->Respond({.status = exchange->request().path == "/-/ready" ? 200 : 404, .headers = {}, .body = ""});
  });
  ASSERT_TRUE(prometheus.ok());
  Start("prometheus: {url: '127.0.0.1:" + std::to_string((*prometheus)->port()) + "'}");
  EXPECT_EQ(Status().components(1).state(), type::v1::ComponentStatus::STATE_OK);
  (*prometheus)->Stop(absl::ZeroDuration());
  prometheus->reset();
  const v1::GetPredictStatusResponse status = Status();
  EXPECT_EQ(status.components(1).state(), type::v1::ComponentStatus::STATE_DOWN);
  EXPECT_NE(status.components(1).message().find("PROMETHEUS_HOST"), std::string::npos);
}

TEST(PredictConfig, TellsEveryProblemAtOnce) {
  const auto source = config::Source::FromYaml("predict: {max_instances: 2, min_instances: 3}\nprometheus: {url: 'ftp://x'}\n");
  ASSERT_TRUE(source.ok());
  const absl::Status status = Spec().check_config(*source);
  EXPECT_EQ(base::DetailOf(status).reason, "CONFIG");
  EXPECT_NE(status.message().find("max_instances"), absl::string_view::npos) << status.message();
  EXPECT_NE(status.message().find("prometheus.url"), absl::string_view::npos) << status.message();
}

}  // namespace
}  // namespace opsmesh::predict
