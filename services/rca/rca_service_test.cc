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
    return base::Context::Background()
        .WithTimeout(absl::Seconds(20))
        .WithPrincipal({"test", base::Role::kAdmin});
  }
  template <typename Req, typename Resp>
  absl::StatusOr<Resp> Call(grpc::Status (RcaService::Stub::*method)(grpc::ClientContext*,
                                                                     const Req&, Resp*),
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

TEST_F(RcaServiceTest, SaysWhatWillKeepIncidents) {
  Start("{}");
  ExpectNotBuilt(Call(&RcaService::Stub::ListIncidents, v1::ListIncidentsRequest()).status());
}

TEST_F(RcaServiceTest, AsksForAWindowOrSeriesWhenItHasNeither) {
  Start("{}");
  const absl::Status status =
      Call(&RcaService::Stub::AnalyzeRootCause, v1::AnalyzeRootCauseRequest()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status.message();
  EXPECT_EQ(base::DetailOf(status).field, "start_time");
}

v1::NamedSeries Wave(const std::string& name, size_t points) {
  v1::NamedSeries series;
  series.set_name(name);
  for (size_t i = 0; i < points; ++i) {
    series.add_times(1.7e9 + 60.0 * static_cast<double>(i));
    series.add_values(10 + static_cast<double>((i * 7919) % 13));
  }
  return series;
}

TEST_F(RcaServiceTest, FindsASpikeAndNamesTheMethodsThatVoted) {
  Start("{}");
  v1::DetectAnomaliesRequest request;
  *request.add_series() = Wave("cpu", 400);
  request.mutable_series(0)->set_values(300, 90);
  for (const char* mode : {"STREAMING", "BATCH"}) {
    request.set_mode(mode);
    const auto response = Call(&RcaService::Stub::DetectAnomalies, request);
    ASSERT_TRUE(response.ok()) << response.status().message();
    ASSERT_EQ(response->results_size(), 1);
    const v1::SeriesAnomalies& result = response->results(0);
    EXPECT_EQ(result.name(), "cpu");
    EXPECT_EQ(result.scores_size(), 400);
    ASSERT_EQ(result.anomalies_size(), 1) << mode;
    EXPECT_EQ(result.anomalies(0).index(), 300);
    EXPECT_GE(result.anomalies(0).score(), 0.65);
    EXPECT_NEAR(result.anomalies(0).baseline(), 16, 8);
    for (const char* method : {"ensemble", "zscore", "robust_z", "iqr"}) {
      EXPECT_EQ(result.anomalies(0).votes().count(method), 1u) << method;
    }
  }
}

TEST_F(RcaServiceTest, AStreamsScoresDoNotDependOnWhatFollows) {
  Start("{}");
  v1::DetectAnomaliesRequest whole;
  whole.set_mode("STREAMING");
  *whole.add_series() = Wave("cpu", 500);
  whole.mutable_series(0)->set_values(200, 70);
  whole.mutable_series(0)->set_values(450, -500);
  v1::DetectAnomaliesRequest begin = whole;
  begin.mutable_series(0)->mutable_times()->Truncate(300);
  begin.mutable_series(0)->mutable_values()->Truncate(300);
  const auto all = Call(&RcaService::Stub::DetectAnomalies, whole);
  const auto part = Call(&RcaService::Stub::DetectAnomalies, begin);
  ASSERT_TRUE(all.ok() && part.ok());
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(all->results(0).scores(i), part->results(0).scores(i)) << i;
}

TEST_F(RcaServiceTest, SaysInsufficientDataWithCounts) {
  Start("{}");
  v1::DetectAnomaliesRequest request;
  *request.add_series() = Wave("short", 7);
  const auto response = Call(&RcaService::Stub::DetectAnomalies, request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->results(0).not_judged(),
            "insufficient data: 7 usable points of 7, 30 are needed");
  EXPECT_EQ(response->results(0).scores_size(), 7);
}

TEST_F(RcaServiceTest, RefusesWhatItCannotJudgeNamingTheField) {
  Start("{}");
  v1::DetectAnomaliesRequest request;
  *request.add_series() = Wave("a", 50);
  request.mutable_series(0)->add_values(1);
  EXPECT_EQ(base::DetailOf(Call(&RcaService::Stub::DetectAnomalies, request).status()).reason,
            "SERIES_SHAPE");
  request.mutable_series(0)->mutable_values()->Truncate(50);
  request.add_methods("crystal_ball");
  const absl::Status status = Call(&RcaService::Stub::DetectAnomalies, request).status();
  EXPECT_EQ(base::DetailOf(status).reason, "METHOD");
  EXPECT_NE(base::DetailOf(status).hint.find("isolation_forest"), std::string::npos);
  request.clear_methods();
  request.set_mode("SIDEWAYS");
  EXPECT_EQ(base::DetailOf(Call(&RcaService::Stub::DetectAnomalies, request).status()).reason,
            "MODE");
}

// front calls cart and pay; cart calls db. From sample 60 on db is slow, and so is everything that
// waits for it.
v1::AnalyzeRootCauseRequest SlowDatabase() {
  v1::AnalyzeRootCauseRequest request;
  const std::vector<std::pair<std::string, double>> extra = {
      {"front", 0.4}, {"cart", 0.41}, {"pay", 0}, {"db", 0.4}};
  for (const auto& [service, slower] : extra) {
    for (const char* metric : {"latency.avg", "requests"}) {
      v1::ServiceSeries& s = *request.add_series();
      s.set_service(service);
      s.set_metric(metric);
      for (int i = 0; i < 80; ++i) {
        s.add_times(1.7e9 + 60 * i);
        const double noise = 0.01 * ((i * 7919) % 7);
        s.add_values(metric[0] == 'r' ? 100 + 10 * noise : 0.1 + noise + (i >= 60 ? slower : 0));
      }
    }
  }
  for (const auto& [caller, callee] : std::vector<std::pair<const char*, const char*>>{
           {"front", "cart"}, {"front", "pay"}, {"cart", "db"}}) {
    v1::CallEdge& edge = *request.add_edges();
    edge.set_caller(caller);
    edge.set_callee(callee);
  }
  request.mutable_target()->set_service("front");
  request.mutable_target()->set_metric("latency.avg");
  return request;
}

TEST_F(RcaServiceTest, AttributesTheChangeToTheOneThatIsNotWaiting) {
  Start("{}");
  v1::AnalyzeRootCauseRequest request = SlowDatabase();
  for (const bool known : {true, false}) {
    if (known) {
      request.set_onset_time(1.7e9 + 60 * 60);
    } else {
      request.clear_onset_time();
    }
    const auto response = Call(&RcaService::Stub::AnalyzeRootCause, request);
    ASSERT_TRUE(response.ok()) << response.status().message();
    ASSERT_EQ(response->root_causes_size(), 4) << "every service is ranked";
    EXPECT_EQ(response->root_causes(0).service(), "db");
    EXPECT_EQ(response->root_causes(0).metric(), "latency.avg");
    EXPECT_NEAR(response->onset_time(), 1.7e9 + 60 * 60, 120);
    EXPECT_NE(response->root_causes(0).explanation().find("db accounts for"), std::string::npos)
        << response->root_causes(0).explanation();
    EXPECT_NE(response->root_causes(0).runner_up().zh().find("落选"), std::string::npos);
    EXPECT_FALSE(response->root_causes(0).evidence().empty());
    for (int i = 1; i < 4; ++i)
      EXPECT_LT(response->root_causes(i).score(), response->root_causes(i - 1).score());
  }
}

TEST_F(RcaServiceTest, ReadsAWindowOfPrometheusAndFindsTheSameAsInline) {
  const v1::AnalyzeRootCauseRequest inline_request = SlowDatabase();
  auto prometheus =
      http_server::Server::Start({}, [&](std::shared_ptr<http_server::Exchange> exchange) {
        std::string body = R"({"status":"error","errorType":"bad_data","error":"only ranges"})";
        if (exchange->request().path == "/api/v1/query_range") {
          const bool latency = exchange->request().body.find("latency") != std::string::npos;
          body = R"({"status":"success","data":{"resultType":"matrix","result":[)";
          bool first = true;
          for (const v1::ServiceSeries& s : inline_request.series()) {
            if ((s.metric() == "latency.avg") != latency) continue;
            body += std::string(first ? "" : ",") + R"({"metric":{"__name__":")" +
                    (latency ? "latency_avg" : "requests") + R"(","service":")" + s.service() +
                    R"("},"values":[)";
            first = false;
            for (int i = 0; i < s.times_size(); ++i) {
              body += (i == 0 ? "[" : ",[") + std::to_string(s.times(i)) + ",\"" +
                      std::to_string(s.values(i)) + "\"]";
            }
            body += "]}";
          }
          body += "]}}";
        }
        exchange->Respond({.status = body[11] == 's' ? 200 : 400, .headers = {}, .body = body});
      });
  ASSERT_TRUE(prometheus.ok());
  Start("prometheus: {url: '127.0.0.1:" + std::to_string((*prometheus)->port()) + "'}");
  v1::AnalyzeRootCauseRequest request;
  request.mutable_start_time()->set_seconds(1700000000);
  request.mutable_end_time()->set_seconds(1700000000 + 79 * 60);
  request.add_metrics("latency_avg");
  request.add_metrics("requests");
  *request.mutable_edges() = inline_request.edges();
  request.mutable_target()->set_service("front");
  request.mutable_target()->set_metric("latency_avg");
  const auto response = Call(&RcaService::Stub::AnalyzeRootCause, request);
  ASSERT_TRUE(response.ok()) << response.status().message();
  ASSERT_EQ(response->root_causes_size(), 4);
  EXPECT_EQ(response->root_causes(0).service(), "db");
  ASSERT_GE(response->ledger().checked_size(), 2);
  EXPECT_EQ(response->ledger().checked(0).shown_count(), 4);
}

TEST_F(RcaServiceTest, RefusesAnOnsetOutsideOfTheFiguresAndMilliseconds) {
  Start("{}");
  v1::AnalyzeRootCauseRequest request = SlowDatabase();
  request.set_onset_time(1.6e9);
  EXPECT_EQ(base::DetailOf(Call(&RcaService::Stub::AnalyzeRootCause, request).status()).reason,
            "ONSET");
  request.clear_onset_time();
  for (v1::ServiceSeries& s : *request.mutable_series()) {
    for (double& t : *s.mutable_times()) t *= 1000;
  }
  const absl::Status status = Call(&RcaService::Stub::AnalyzeRootCause, request).status();
  EXPECT_EQ(base::DetailOf(status).reason, "TIME_UNIT");
  EXPECT_NE(status.message().find("milliseconds"), absl::string_view::npos);
}

TEST_F(RcaServiceTest, FiguresGivenInAnyOrderAreSorted) {
  Start("{}");
  v1::AnalyzeRootCauseRequest request = SlowDatabase();
  request.clear_onset_time();
  for (v1::ServiceSeries& s : *request.mutable_series()) {
    for (int i = 0, k = s.times_size() - 1; i < k; i += 2, k -= 2) {
      s.mutable_times()->SwapElements(i, k);
      s.mutable_values()->SwapElements(i, k);
    }
  }
  const auto response = Call(&RcaService::Stub::AnalyzeRootCause, request);
  ASSERT_TRUE(response.ok()) << response.status().message();
  EXPECT_EQ(response->root_causes(0).service(), "db");
  EXPECT_NEAR(response->onset_time(), 1.7e9 + 60 * 60, 120);
}

TEST_F(RcaServiceTest, SaysThatTheTargetIsNotAmongTheSeries) {
  Start("{}");
  v1::AnalyzeRootCauseRequest request = SlowDatabase();
  request.mutable_target()->set_service("nobody");
  const auto response = Call(&RcaService::Stub::AnalyzeRootCause, request);
  ASSERT_TRUE(response.ok()) << response.status().message();
  EXPECT_NE(response->report().en().find("The target nobody"), std::string::npos)
      << response->report().en();
}

TEST_F(RcaServiceTest, HolesAndSeriesThatEndBeforeTheOthersAreAnomalies) {
  Start("{}");
  v1::DetectAnomaliesRequest request;
  for (int k = 0; k < 4; ++k) {
    v1::NamedSeries& s = *request.add_series();
    s.set_name("s" + std::to_string(k));
    for (int i = 0; i < 300; ++i) {
      if (k == 0 && i >= 200 && i < 230) continue;  // a hole
      if (k == 1 && i >= 240) continue;             // went silent
      s.add_times(1.7e9 + 60 * i);
      s.add_values(10 + (i * 7919 % 101) / 100.0);
    }
  }
  const auto response = Call(&RcaService::Stub::DetectAnomalies, request);
  ASSERT_TRUE(response.ok()) << response.status().message();
  const auto missing = [&](int k) {
    std::vector<double> at;
    for (const v1::PointAnomaly& a : response->results(k).anomalies()) {
      if (a.channel() == "missing") at.push_back((a.time() - 1.7e9) / 60);
    }
    return at;
  };
  EXPECT_EQ(missing(0), std::vector<double>{199});
  EXPECT_EQ(missing(1), std::vector<double>{239});
  EXPECT_TRUE(missing(2).empty());
}

TEST_F(RcaServiceTest, SaysWhatIsMissingWhenNoPrometheusIsConfigured) {
  Start("{}");
  v1::AnalyzeRootCauseRequest request;
  request.mutable_start_time()->set_seconds(1704103200);
  request.mutable_end_time()->set_seconds(1704106800);
  request.add_metrics("container_cpu_usage_seconds_total");
  const absl::Status status = Call(&RcaService::Stub::AnalyzeRootCause, request).status();
  EXPECT_EQ(base::DetailOf(status).reason, "PROMETHEUS_NOT_CONFIGURED");
  EXPECT_NE(base::DetailOf(status).hint.find("PROMETHEUS_HOST"), std::string::npos);
}

TEST_F(RcaServiceTest, ReportsPrometheusAsDisabledWhenNoneIsConfigured) {
  Start("{}");
  const v1::GetRcaStatusResponse status = Status();
  ASSERT_EQ(status.components_size(), 2);
  EXPECT_EQ(status.components(1).name(), "prometheus");
  EXPECT_EQ(status.components(1).state(), type::v1::ComponentStatus::STATE_DISABLED);
}

TEST_F(RcaServiceTest, ReportsPrometheusAsUpOrDownByAskingIt) {
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
  const v1::GetRcaStatusResponse status = Status();
  EXPECT_EQ(status.components(1).state(), type::v1::ComponentStatus::STATE_DOWN);
  EXPECT_NE(status.components(1).message().find("PROMETHEUS_HOST"), std::string::npos);
}

TEST(RcaConfig, TellsEveryProblemAtOnce) {
  const auto source =
      config::Source::FromYaml("rca: {anomaly_threshold: 7}\nprometheus: {url: 'ftp://x'}\n");
  ASSERT_TRUE(source.ok());
  const absl::Status status = Spec().check_config(*source);
  EXPECT_EQ(base::DetailOf(status).reason, "CONFIG");
  EXPECT_NE(status.message().find("anomaly_threshold"), absl::string_view::npos)
      << status.message();
  EXPECT_NE(status.message().find("prometheus.url"), absl::string_view::npos) << status.message();
}

}  // namespace
}  // namespace opsmesh::rca
