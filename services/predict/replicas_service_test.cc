// Plans and replays of replicas as callers see them: a real process in this process, real gRPC, a
// cluster that is a fake.
#include <cmath>
#include <memory>
#include <numbers>
#include <optional>
#include <string>

#include "fmt/format.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/http_server/http_server.h"
#include "libs/rpc/call.h"
#include "libs/server/server.h"
#include "opsmesh/k8s/v1/k8s_service.grpc.pb.h"
#include "opsmesh/predict/v1/predict_service.grpc.pb.h"
#include "services/predict/predict.h"

namespace opsmesh::predict {
namespace {

using v1::PredictService;
using Stub = PredictService::Stub;

constexpr char kDeployment[] =
    R"({"kind":"Deployment","metadata":{"name":"cart","namespace":"shop"},"spec":{"replicas":4,"template":{"spec":{"containers":[
    {"name":"app","resources":{"limits":{"cpu":"900m"},"requests":{"cpu":"100m"}}},{"name":"proxy","resources":{"requests":{"cpu":"100m"}}}]}}}})";
constexpr char kAutoscaler[] =
    R"({"kind":"HorizontalPodAutoscaler","metadata":{"name":"cart-hpa","namespace":"shop"},"spec":{"minReplicas":3,"maxReplicas":40,
    "metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":60}}}],
    "scaleTargetRef":{"kind":"Deployment","name":"cart"}}})";

// Stands in for the k8s service: one Deployment with an autoscaler.
class FakeK8s final : public k8s::v1::K8sService::CallbackService {
 public:
  grpc::ServerUnaryReactor* GetObject(grpc::CallbackServerContext* context,
                                      const k8s::v1::GetObjectRequest* request,
                                      k8s::v1::GetObjectResponse* response) override {
    auto* reactor = context->DefaultReactor();
    const bool hpa = request->kind() == "horizontalpodautoscalers";
    if (request->name() != (hpa ? "cart-hpa" : "cart")) {
      reactor->Finish({grpc::StatusCode::NOT_FOUND, "no such object"});
      return reactor;
    }
    response->mutable_object()->set_raw(hpa ? kAutoscaler : kDeployment);
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerUnaryReactor* ListObjects(grpc::CallbackServerContext* context,
                                        const k8s::v1::ListObjectsRequest*,
                                        k8s::v1::ListObjectsResponse* response) override {
    for (const auto& [name, of] :
         {std::pair("other", "Deployment/other"), std::pair("cart-hpa", "Deployment/cart")}) {
      k8s::v1::ObjectSummary& row = *response->add_objects();
      row.set_name(name);
      for (const char* cell : {name, of, "cpu: 40%/60%", "3", "40"}) row.add_cells(cell);
    }
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

class FakeK8sPart final : public server::Service {
 public:
  std::vector<grpc::Service*> GrpcServices() override { return {&service_}; }

 private:
  FakeK8s service_;
};

server::ServiceSpec FakeK8sSpec() {
  return {.name = "k8s",
          .grpc_service = "opsmesh.k8s.v1.K8sService",
          .build = [](server::Environment&) -> absl::StatusOr<std::unique_ptr<server::Service>> {
            return std::make_unique<FakeK8sPart>();
          }};
}

// A day's wave with a burst of a quarter of an hour every four hours.
double LoadAt(double time) {
  const double phase = std::fmod(time, 86400) / 86400;
  const double in_four_hours = std::fmod(time, 14400);
  return 100 + 60 * std::sin(2 * std::numbers::pi * phase) +
         (in_four_hours >= 2100 && in_four_hours < 3000 ? 90 : 0);
}

// Knows the load of shop/cart, what its pods used, and how many they were.
std::unique_ptr<http_server::Server> CartPrometheus() {
  auto server = http_server::Server::Start({}, [](std::shared_ptr<http_server::Exchange> exchange) {
    const std::string& form = exchange->request().body;
    const auto field = [&](const std::string& name) {
      const size_t at = form.find(name + "=");
      return at == std::string::npos ? 0.0 : std::stod(form.substr(at + name.size() + 1));
    };
    const bool count = form.find("count") != std::string::npos;
    const bool cpu = form.find("container_cpu") != std::string::npos;
    const bool cart = form.find("cart") != std::string::npos;
    std::string samples;
    for (double t = field("start"); cart && t <= field("end"); t += field("step")) {
      // Four pods; a request takes 10 ms of processor, a pod 0.02 cores without any.
      const double value = count ? 4 : cpu ? 0.08 + 0.01 * LoadAt(t) : LoadAt(t);
      samples += fmt::format("{}[{:.0f},\"{}\"]", samples.empty() ? "" : ",", t, value);
    }
    const std::string result = samples.empty() ? "" : R"({"metric":{},"values":[)" + samples + "]}";
    exchange->Respond({.status = 200,
                       .headers = {},
                       .body = R"({"status":"success","data":{"resultType":"matrix","result":[)" +
                               result + "]}}"});
  });
  return server.ok() ? *std::move(server) : nullptr;
}

class ReplicasServiceTest : public testing::Test {
 protected:
  void Start(const std::string& yaml, bool with_cluster = false) {
    server::ProcessOptions options;
    options.grpc_listen = "none";
    options.data_dir = testing::TempDir() + "/predict_replicas";
    auto source = config::Source::FromYaml(yaml);
    ASSERT_TRUE(source.ok()) << source.status().message();
    options.config = *std::move(source);
    options.log_sink = std::make_shared<log::MemorySink>();
    std::vector<server::ServiceSpec> specs{Spec()};
    if (with_cluster) specs.push_back(FakeK8sSpec());
    auto process = server::Process::Start(std::move(options), std::move(specs));
    ASSERT_TRUE(process.ok()) << process.status().message();
    process_ = *std::move(process);
    channel_.emplace(process_->ChannelAs("gateway"));
    stub_ = PredictService::NewStub(channel_->Get());
  }
  void TearDown() override {
    if (process_) process_->Stop(absl::Seconds(5));
  }
  template <typename Req, typename Resp>
  absl::StatusOr<Resp> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Req&, Resp*),
                            const Req& request) {
    const base::Context caller = base::Context::Background()
                                     .WithTimeout(absl::Seconds(60))
                                     .WithPrincipal({"test", base::Role::kAdmin});
    return rpc::Call(caller, channel_->identity(), *stub_, method, request);
  }
  absl::StatusOr<v1::PlanReplicasResponse> Plan(const v1::PlanReplicasRequest& request) {
    return Call(&Stub::PlanReplicas, request);
  }
  absl::StatusOr<v1::ReplayReplicasResponse> Replay(const v1::ReplayReplicasRequest& request) {
    return Call(&Stub::ReplayReplicas, request);
  }

  std::unique_ptr<server::Process> process_;
  std::optional<rpc::Channel> channel_;
  std::unique_ptr<Stub> stub_;
};

template <typename Request>
Request WithHistory(int days, double begin = 1'700'006'400) {
  Request request;
  for (int i = 0; i < days * 288; ++i) {
    request.mutable_history()->add_times(begin + 300.0 * i);
    request.mutable_history()->add_values(LoadAt(begin + 300.0 * i));
  }
  return request;
}

TEST_F(ReplicasServiceTest, PlansFromAHistoryGivenWithTheRequest) {
  Start("{}");
  auto request = WithHistory<v1::PlanReplicasRequest>(8);
  request.set_capacity_qps(20);
  request.set_target_utilization(0.7);
  const auto plan = Plan(request);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  ASSERT_GT(plan->steps_size(), 3);
  EXPECT_EQ(plan->steps(0).start_time().seconds(), 1'700'006'400 + 8 * 86400);
  EXPECT_EQ(plan->model(), "load_forest");
  EXPECT_EQ(plan->capacity_source(), "given");
  EXPECT_NEAR(plan->quantile(), 10.0 / 12, 1e-9);
  EXPECT_GE(plan->steps(0).replicas(), plan->reactive_replicas());
  EXPECT_EQ(plan->reactive_replicas(), static_cast<int>(std::ceil(plan->current_qps() / 14)));
  EXPECT_FALSE(plan->has_current_replicas());
  EXPECT_NE(plan->summary().zh().find("副本"), std::string::npos);
  EXPECT_NE(plan->summary().en().find("replicas"), std::string::npos);
  for (int i = 1; i < plan->steps_size(); ++i) {
    EXPECT_NE(plan->steps(i).replicas(), plan->steps(i - 1).replicas()) << "only changes are told";
  }
}

TEST_F(ReplicasServiceTest, APlanMadeAnewBeforeABurstIsThereBeforeIt) {
  Start("{}");
  auto request = WithHistory<v1::PlanReplicasRequest>(8);
  request.set_capacity_qps(20);
  request.set_horizon_seconds(300);
  // The last known sample is that of 30 min past the four hours; the burst is in the next.
  for (int i = 0; i < 7; ++i) {
    request.mutable_history()->add_times(1'700'006'400 + 8 * 86400 + 300.0 * i);
    request.mutable_history()->add_values(LoadAt(300.0 * i));
  }
  const auto plan = Plan(request);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  ASSERT_EQ(plan->steps_size(), 1);
  EXPECT_EQ(plan->steps(0).decided_by(), "forecast");
  EXPECT_GE(plan->steps(0).replicas() * 20 * 0.7, LoadAt(2100));
  EXPECT_LT(plan->reactive_replicas() * 20, LoadAt(2100))
      << "the load of the moment alone would saturate";
  const auto again = Plan(request);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->SerializeAsString(), plan->SerializeAsString());
}

TEST_F(ReplicasServiceTest, ReadsAWorkloadFromTheClusterAndMeasuresWhatItsPodsServe) {
  const auto prometheus = CartPrometheus();
  ASSERT_NE(prometheus, nullptr);
  Start("prometheus: {url: '127.0.0.1:" + std::to_string(prometheus->port()) + "'}", true);
  v1::PlanReplicasRequest request;
  request.mutable_workload()->set_namespace_("shop");
  request.mutable_workload()->set_name("cart");
  const auto plan = Plan(request);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->current_replicas(), 4);
  EXPECT_EQ(plan->capacity_source(), "measured") << plan->ledger().ShortDebugString();
  EXPECT_NEAR(plan->capacity_qps(), (1.0 - 0.02) / 0.01, 1)
      << "0.9 cores of the app and 0.1 of the proxy";
  EXPECT_NE(plan->autoscaler().raw().find("cart-hpa"), std::string::npos);
  EXPECT_NE(plan->summary().en().find("minReplicas"), std::string::npos);
  EXPECT_GE(plan->steps(0).replicas(), 3) << "the autoscaler's least";
  v1::PredictRequest predict;
  *predict.mutable_workload() = request.workload();
  const auto now = Call(&Stub::Predict, predict);
  ASSERT_TRUE(now.ok()) << now.status().message();
  EXPECT_EQ(now->current_instances(), 4);
  EXPECT_EQ(now->instances(), plan->steps(0).replicas()) << now->reason().en();
  EXPECT_NE(now->reason().en().find("measured"), std::string::npos);
  v1::ReplayReplicasRequest replay;
  *replay.mutable_workload() = request.workload();
  replay.set_start_time(static_cast<double>(plan->steps(0).start_time().seconds()) - 6 * 3600);
  const auto replayed = Replay(replay);
  ASSERT_TRUE(replayed.ok()) << replayed.status().message();
  EXPECT_EQ(replayed->capacity_source(), "measured");
  // 60 % of the 0.2 cores its pods request are 12 % of the 1.0 they may use: many pods.
  EXPECT_EQ(replayed->outcomes(1).name(), "hpa 60%");
  EXPECT_GT(replayed->outcomes(1).pods_over_oracle(), 1.5);
  EXPECT_NEAR(replayed->step_count(), 72, 1);
  request.mutable_workload()->set_name("card");
  EXPECT_EQ(base::DetailOf(Plan(request).status()).reason, "WORKLOAD");
  EXPECT_EQ(Plan(request).status().code(), absl::StatusCode::kNotFound);
  request.mutable_workload()->set_name("x\"} or up{");
  EXPECT_EQ(Plan(request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ReplicasServiceTest, SaysWhatItCouldNotReadAndHowItGuessed) {
  Start("{}");
  v1::PlanReplicasRequest nothing;
  nothing.mutable_workload()->set_name("cart");
  EXPECT_EQ(base::DetailOf(Plan(nothing).status()).reason, "NO_LOAD_SOURCE");
  auto request = WithHistory<v1::PlanReplicasRequest>(8);
  request.set_horizon_seconds(300);
  const auto plan = Plan(request);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->capacity_source(), "history");
  ASSERT_EQ(plan->ledger().not_checked_size(), 1);
  EXPECT_EQ(plan->ledger().not_checked(0).source(), "capacity");
  auto brief = WithHistory<v1::PlanReplicasRequest>(8);
  brief.mutable_history()->mutable_times()->Truncate(20);
  brief.mutable_history()->mutable_values()->Truncate(20);
  const auto reactive = Plan(brief);
  ASSERT_TRUE(reactive.ok()) << reactive.status().message();
  EXPECT_EQ(reactive->model(), "reactive");
}

TEST_F(ReplicasServiceTest, MeasuresTheCapacityFromUseGivenWithTheRequest) {
  Start("{}");
  auto request = WithHistory<v1::PlanReplicasRequest>(3);
  request.set_horizon_seconds(300);
  request.set_current_replicas(5);
  request.mutable_usage()->set_cores_per_pod(0.5);
  for (int i = 0; i < request.history().times_size(); ++i) {
    request.mutable_usage()->mutable_cpu_cores()->add_times(request.history().times(i) + 20);
    request.mutable_usage()->mutable_cpu_cores()->add_values(0.1 +
                                                             0.02 * request.history().values(i));
  }
  const auto plan = Plan(request);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  EXPECT_EQ(plan->capacity_source(), "measured");
  EXPECT_NEAR(plan->capacity_qps(), 0.48 / 0.02, 0.2);
}

TEST_F(ReplicasServiceTest, ReplaysTheLastHoursAndComparesWithAutoscalers) {
  Start("{}");
  auto request = WithHistory<v1::ReplayReplicasRequest>(8);
  request.set_start_time(1'700'006'400 + 7.5 * 86400);
  request.set_capacity_qps(20);
  request.set_pod_start_seconds(0);
  request.add_hpa_targets(0.6);
  request.add_hpa_targets(0.7);
  request.set_include_replicas(true);
  const auto replay = Replay(request);
  ASSERT_TRUE(replay.ok()) << replay.status().message();
  EXPECT_EQ(replay->step_count(), 144);
  ASSERT_EQ(replay->outcomes_size(), 5);
  EXPECT_EQ(replay->outcomes(0).name(), "plan");
  EXPECT_EQ(replay->outcomes(1).name(), "hpa 60%");
  EXPECT_EQ(replay->outcomes(2).name(), "hpa 70%");
  EXPECT_EQ(replay->outcomes(3).name(), "oracle");
  EXPECT_EQ(replay->outcomes(3).cost(), 0);
  EXPECT_EQ(replay->outcomes(4).name(), "static peak");
  EXPECT_EQ(replay->outcomes(0).saturated_minutes(), 0);
  EXPECT_GT(replay->outcomes(2).saturated_minutes(), 4);
  EXPECT_LT(replay->outcomes(0).cost(), replay->outcomes(1).cost());
  int steps = 0;
  for (const auto& [term, count] : replay->decided_by()) steps += count;
  EXPECT_EQ(steps, 144);
  // What an outside scorer would find is what is answered.
  const v1::ReplayOutcome& hpa = replay->outcomes(2);
  ASSERT_EQ(hpa.replicas_size(), 144);
  int saturated = 0;
  for (int i = 0; i < 144; ++i)
    saturated += request.history().values(7 * 288 + 144 + i) > hpa.replicas(i) * 20 ? 1 : 0;
  EXPECT_NEAR(hpa.saturated_minutes(), saturated * 5, 1e-9);
  EXPECT_NE(replay->summary().en().find("HorizontalPodAutoscaler at 60% you would have had"),
            std::string::npos)
      << replay->summary().en();
  EXPECT_NE(replay->summary().zh().find("饱和"), std::string::npos);
}

TEST_F(ReplicasServiceTest, RefusesWhatCannotBeWithTheFieldAndANextStep) {
  Start("{}");
  const auto plan_reason = [&](auto change) {
    auto request = WithHistory<v1::PlanReplicasRequest>(1);
    change(request);
    return base::DetailOf(Plan(request).status()).reason;
  };
  EXPECT_EQ(plan_reason([](auto& r) { r.set_capacity_qps(0); }), "CAPACITY");
  EXPECT_EQ(plan_reason([](auto& r) { r.set_capacity_qps(std::nan("")); }), "CAPACITY");
  EXPECT_EQ(plan_reason([](auto& r) { r.set_target_utilization(1.2); }), "TARGET");
  EXPECT_EQ(plan_reason([](auto& r) { r.set_min_replicas(0); }), "REPLICAS");
  EXPECT_EQ(plan_reason([](auto& r) { r.set_min_replicas(5), r.set_max_replicas(4); }), "REPLICAS");
  EXPECT_EQ(plan_reason([](auto& r) { r.set_shortage_cost(-1); }), "COST");
  EXPECT_EQ(plan_reason([](auto& r) { r.set_horizon_seconds(1e9); }), "HORIZON");
  EXPECT_EQ(plan_reason([](auto& r) { r.set_step_seconds(-5); }), "HORIZON");
  EXPECT_EQ(plan_reason([](auto& r) { r.set_pod_start_seconds(-1); }), "POD_START");
  EXPECT_EQ(plan_reason([](auto& r) { r.mutable_prometheus()->set_query("up"); }), "HISTORY");
  EXPECT_EQ(plan_reason([](auto& r) { r.mutable_history()->mutable_values()->Truncate(3); }),
            "HISTORY");
  EXPECT_EQ(plan_reason([](auto& r) { r.mutable_workload()->set_kind("DaemonSet"); }), "WORKLOAD");
  const auto replay_reason = [&](auto change) {
    auto request = WithHistory<v1::ReplayReplicasRequest>(1);
    change(request);
    return base::DetailOf(Replay(request).status()).reason;
  };
  EXPECT_EQ(replay_reason([](auto& r) { r.set_start_time(5); }), "START_TIME");
  EXPECT_EQ(replay_reason([](auto& r) { r.set_start_time(1e12); }), "START_TIME");
  EXPECT_EQ(replay_reason([](auto& r) { r.add_hpa_targets(0); }), "TARGET");
  EXPECT_EQ(replay_reason([](auto& r) { r.clear_history(); }), "HISTORY");
  EXPECT_EQ(replay_reason([](auto& r) {
              r.mutable_history()->mutable_times()->Truncate(4),
                  r.mutable_history()->mutable_values()->Truncate(4);
            }),
            "HISTORY_TOO_SHORT");
}

TEST_F(ReplicasServiceTest, PutsNothingBeforeTheActionGateYetAndSaysSo) {
  Start("{}");
  v1::ProposeReplicasRequest request;
  request.mutable_workload()->set_name("cart");
  const absl::Status status = Call(&Stub::ProposeReplicas, request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(status.message().find("action gate"), absl::string_view::npos);
}

}  // namespace
}  // namespace opsmesh::predict
