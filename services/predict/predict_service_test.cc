// The service as its callers see it: a real process in this process, real gRPC.
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fmt/format.h"
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
    return base::Context::Background()
        .WithTimeout(absl::Seconds(20))
        .WithPrincipal({"test", base::Role::kAdmin});
  }
  template <typename Req, typename Resp>
  absl::StatusOr<Resp> Call(grpc::Status (PredictService::Stub::*method)(grpc::ClientContext*,
                                                                         const Req&, Resp*),
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

// A Prometheus that knows one series: 14 days of a daily pattern, a sample every five minutes, by
// the times asked for.
std::unique_ptr<http_server::Server> DailyPrometheus() {
  auto server = http_server::Server::Start({}, [](std::shared_ptr<http_server::Exchange> exchange) {
    const std::string& form = exchange->request().body;
    const auto field = [&](const std::string& name) {
      const size_t at = form.find(name + "=");
      return at == std::string::npos ? 0.0 : std::stod(form.substr(at + name.size() + 1));
    };
    std::string samples;
    for (double t = field("start"); t <= field("end"); t += field("step")) {
      if (!samples.empty()) samples += ",";
      samples +=
          fmt::format("[{:.0f},\"{}\"]", t, 100 + 60 * std::sin(2 * 3.14159265358979 * t / 86400));
    }
    exchange->Respond(
        {.status = 200,
         .headers = {},
         .body =
             R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[)" +
             samples + "]}]}}"});
  });
  return server.ok() ? *std::move(server) : nullptr;
}

TEST_F(PredictServiceTest, ForecastsAHistoryGivenWithTheRequest) {
  Start("{}");
  v1::ForecastSeriesRequest request;
  for (int i = 0; i < 14 * 24; ++i) {
    request.mutable_history()->add_times(3600.0 * i);
    request.mutable_history()->add_values(100 + 50 * std::sin(2 * 3.14159265358979 * i / 24));
  }
  request.set_step_seconds(3600);
  request.set_horizon_steps(6);
  request.add_levels(0.95);
  request.add_levels(0.8);
  const auto answer = Call(&PredictService::Stub::ForecastSeries, request);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  ASSERT_EQ(answer->points_size(), 6);
  EXPECT_EQ(answer->points(0).time(), 3600.0 * 14 * 24);
  EXPECT_NEAR(answer->points(5).mean(), 100 + 50 * std::sin(2 * 3.14159265358979 * 5 / 24), 2);
  ASSERT_EQ(answer->points(0).intervals_size(), 2);
  EXPECT_EQ(answer->points(0).intervals(0).level(), 0.8);
  EXPECT_GT(answer->backtest().origin_count(), 0);
  EXPECT_FALSE(answer->drivers().empty());
  EXPECT_NE(answer->summary().zh().find("预测"), std::string::npos);
}

TEST_F(PredictServiceTest, ForecastsWhatAQueryYieldsAndComparesModels) {
  const auto prometheus = DailyPrometheus();
  ASSERT_NE(prometheus, nullptr);
  Start("prometheus: {url: '127.0.0.1:" + std::to_string(prometheus->port()) + "'}");
  v1::ForecastSeriesRequest request;
  request.mutable_prometheus()->set_query("sum(rate(http_requests_total[5m]))");
  request.set_horizon_steps(12);
  const auto answer = Call(&PredictService::Stub::ForecastSeries, request);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->season_seconds(), 86400);
  EXPECT_EQ(answer->ledger().checked(0).source(), "prometheus");
  v1::RunBacktestRequest backtest;
  *backtest.mutable_prometheus() = request.prometheus();
  backtest.set_horizon_steps(24);
  const auto scores = Call(&PredictService::Stub::RunBacktest, backtest);
  ASSERT_TRUE(scores.ok()) << scores.status().message();
  EXPECT_GT(scores->scores_size(), 5);
  EXPECT_LE(scores->scores(0).mase(), scores->scores(scores->scores_size() - 1).mase());
}

TEST_F(PredictServiceTest, RangesOfAQueryLearnFromWhatBecameOfEarlierForecasts) {
  const auto prometheus = DailyPrometheus();
  ASSERT_NE(prometheus, nullptr);
  Start("prometheus: {url: '127.0.0.1:" + std::to_string(prometheus->port()) + "'}");
  v1::ForecastSeriesRequest request;
  request.mutable_prometheus()->set_query("sum(rate(http_requests_total[5m]))");
  request.set_horizon_steps(12);
  const auto learnt = [&](int64_t end) -> std::string {
    request.mutable_prometheus()->mutable_end_time()->set_seconds(end);
    const auto answer = Call(&PredictService::Stub::ForecastSeries, request);
    EXPECT_TRUE(answer.ok()) << answer.status().message();
    if (!answer.ok()) return "";
    for (const type::v1::LedgerEntry& entry : answer->ledger().checked()) {
      if (entry.source() == "forecasts made before") return entry.subject();
    }
    return "";
  };
  EXPECT_EQ(learnt(1'700'000'100), "");
  EXPECT_EQ(learnt(1'700'000'100), "") << "nothing came since";
  const std::string after = learnt(1'700'000'100 + 3600);
  EXPECT_NE(after.find("of 12 values lay inside the 95 % range"), std::string::npos) << after;
}

TEST_F(PredictServiceTest, PredictsInstancesFromTheForecastNeverBelowWhatIsNeededNow) {
  const auto prometheus = DailyPrometheus();
  Start("prometheus: {url: '127.0.0.1:" + std::to_string(prometheus->port()) +
        "'}\npredict: {capacity_qps: 10}");
  const auto now = Call(&PredictService::Stub::Predict, v1::PredictRequest());
  ASSERT_TRUE(now.ok()) << now.status().message();
  EXPECT_EQ(now->model(), "combination");
  EXPECT_GE(now->instances(), now->reactive_instances());
  EXPECT_GE(now->confidence(), 0);
  v1::PredictRequest much;
  much.set_current_qps(100000);
  const auto capped = Call(&PredictService::Stub::Predict, much);
  ASSERT_TRUE(capped.ok());
  EXPECT_EQ(capped->instances(), 20);
  EXPECT_TRUE(capped->capped());
}

TEST_F(PredictServiceTest, SaysThatATimeLongAgoIsNotForecast) {
  const auto prometheus = DailyPrometheus();
  Start("prometheus: {url: '127.0.0.1:" + std::to_string(prometheus->port()) + "'}");
  v1::PredictRequest request;
  request.set_current_qps(100.5);
  request.mutable_timestamp()->set_seconds(1704110400);  // 2024-01-01T12:00:00Z
  const auto answer = Call(&PredictService::Stub::Predict, request);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->model(), "reactive");
  EXPECT_NE(answer->reason().en().find("not within the next seven days"), std::string::npos);
  EXPECT_EQ(answer->reason().en().find("too little history"), std::string::npos);
}

TEST_F(PredictServiceTest, WithoutAHistoryItUsesTheReactiveRuleAndSaysSo) {
  Start("predict: {capacity_qps: 10, target_utilization: 0.5}");
  v1::PredictRequest request;
  request.set_current_qps(48);
  const auto answer = Call(&PredictService::Stub::Predict, request);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->instances(), 10);
  EXPECT_EQ(answer->model(), "reactive");
  EXPECT_NE(answer->reason().en().find("too little history"), std::string::npos);
  EXPECT_EQ(answer->ledger().not_checked_size(), 1);
  const absl::Status none = Call(&PredictService::Stub::Predict, v1::PredictRequest()).status();
  EXPECT_EQ(base::DetailOf(none).reason, "NO_LOAD_SOURCE");
  request.set_current_qps(-1);
  EXPECT_EQ(base::DetailOf(Call(&PredictService::Stub::Predict, request).status()).reason, "QPS");
}

TEST_F(PredictServiceTest, RefusesAPlanForNothingNamingTheField) {
  Start("{}");
  const absl::Status status =
      Call(&PredictService::Stub::PlanReplicas, v1::PlanReplicasRequest()).status();
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
  auto prometheus =
      http_server::Server::Start({}, [](std::shared_ptr<http_server::Exchange> exchange) {
        exchange->Respond({.status = exchange->request().path == "/-/ready" ? 200 : 404,
                           .headers = {},
                           .body = ""});
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
  const auto source = config::Source::FromYaml(
      "predict: {max_instances: 2, min_instances: 3}\nprometheus: {url: 'ftp://x'}\n");
  ASSERT_TRUE(source.ok());
  const absl::Status status = Spec().check_config(*source);
  EXPECT_EQ(base::DetailOf(status).reason, "CONFIG");
  EXPECT_NE(status.message().find("max_instances"), absl::string_view::npos) << status.message();
  EXPECT_NE(status.message().find("prometheus.url"), absl::string_view::npos) << status.message();
}

}  // namespace
}  // namespace opsmesh::predict
