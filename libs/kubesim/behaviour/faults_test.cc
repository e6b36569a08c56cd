// Faults of workloads and of the cluster: what is seen of each in the API and in the cluster's
// Prometheus, and that clearing mends it. Those of nodes: node_faults_test.cc.
#include "gmock/gmock.h"
#include "libs/kubesim/behaviour/faults/catalogue.h"
#include "libs/kubesim/behaviour/faults_testing.h"

namespace opsmesh::kubesim {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

TEST_F(FaultTest, KillIsARestart) {
  const std::string pod = TextAt(AnyPod(), {"metadata", "name"});
  EXPECT_EQ(Inject("kill", "pod/default/" + pod), "done") << "it happens once";
  Live(absl::Seconds(45));
  EXPECT_EQ(IntAt(Container(pod), "restartCount"), 1);
  EXPECT_EQ(IntAt(Container(pod), {"lastState", "terminated", "exitCode"}), 137);
  EXPECT_EQ(ReadyPods(), 2);
  EXPECT_EQ(Value("sum(kube_pod_container_status_restarts_total{pod=\"" + pod + "\"})"), 1);
  EXPECT_TRUE(simulator_->faults()->List().empty());
}

TEST_F(FaultTest, CrashIsACrashLoopWithTheExitCode) {
  const std::string id = Inject("crash", kCart, {{"code", "42"}, {"message", "panic: no disk"}});
  Live(absl::Minutes(2));
  EXPECT_EQ(ReadyPods(), 0);
  EXPECT_THAT(AllEvents(),
              Contains(HasSubstr("BackOff: Back-off restarting failed container c in pod cart-")));
  EXPECT_EQ(IntAt(ListAt(AnyPod(), {"status", "containerStatuses"})[0],
                  {"lastState", "terminated", "exitCode"}),
            42);
  EXPECT_THAT(Log(TextAt(AnyPod(), {"metadata", "name"}), true), Contains("panic: no disk"));
  EXPECT_GE(Value("sum(increase(kube_pod_container_status_restarts_total[2m]))"), 2);
  EXPECT_GE(Value("sum(kube_pod_container_status_last_terminated_exitcode == 42)"), 42);
  EXPECT_EQ(Value("sum(kube_deployment_status_replicas_available{deployment=\"cart\"})"), 0);
  Clear(id);
  Live(absl::Minutes(6));
  EXPECT_EQ(ReadyPods(), 2);
}

TEST_F(FaultTest, ImagesThatCannotBePulledShowAsSuch) {
  const std::string id = Inject("image-pull", kCart);
  Live(absl::Minutes(1));
  EXPECT_EQ(ReadyPods(), 0);
  EXPECT_THAT(State(AnyPod()), HasSubstr("ImagePull"));
  EXPECT_THAT(AllEvents(),
              Contains(HasSubstr("Failed to pull image \"registry.example.com/shop/cart:1\"")));
  EXPECT_EQ(Value("sum(kube_pod_container_status_waiting_reason{reason=~\"ErrImagePull|"
                  "ImagePullBackOff\"})"),
            2);
  Clear(id);
  Live(absl::Minutes(2));
  EXPECT_EQ(ReadyPods(), 2);
}

TEST_F(FaultTest, ALeakEndsByTheLimitAgainAndAgain) {
  const std::string id = Inject("memory-leak", kCart);
  Live(absl::Minutes(2));
  EXPECT_EQ(ReadyPods(), 0);
  EXPECT_THAT(State(AnyPod()), HasSubstr("OOMKilled"));
  EXPECT_EQ(Value("sum(kube_pod_container_status_last_terminated_reason{reason=\"OOMKilled\"})"),
            2);
  EXPECT_GE(Value("sum(increase(kube_pod_container_status_restarts_total[2m]))"), 2);
  Clear(id);
  Live(absl::Minutes(6));
  EXPECT_EQ(ReadyPods(), 2);
}

TEST_F(FaultTest, AFailingProbeTakesPodsOutOfTheirService) {
  const std::string id =
      Inject("probe-failure", kCart, {{"message", "HTTP probe failed with statuscode: 500"}});
  Live(absl::Minutes(1));
  EXPECT_EQ(ReadyPods(), 0);
  EXPECT_THAT(
      AllEvents(),
      Contains("Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 500"));
  EXPECT_EQ(Value("sum(kube_pod_status_ready{condition=\"true\"})"), 0);
  EXPECT_EQ(Value("sum(kube_endpoint_address_available{endpoint=\"cart\"}) or vector(0)"), 0);
  Clear(id);
  Live(absl::Seconds(45));
  EXPECT_EQ(ReadyPods(), 2);
}

TEST_F(FaultTest, AFailingProbeFailsInTheWordsOfItsKind) {
  for (const auto& [name, probe, words] :
       {std::tuple("tcp", "tcpSocket: {port: 6379}", ":6379: connect: connection refused"),
        std::tuple("grpc", "grpc: {port: 6379}",
                   "service unhealthy (responded with \"NOT_SERVING\")")}) {
    Apply(
        fmt::format("apiVersion: v1\nkind: Pod\nmetadata: {{name: {0}}}\nspec:\n  containers:\n"
                    "  - {{name: c, image: 'redis:7.2.5', readinessProbe: {{{1}}}}}\n",
                    name, probe));
    Inject("probe-failure", fmt::format("pod/default/{}", name));
    Live(absl::Minutes(1));
    EXPECT_THAT(AllEvents(),
                Contains(AllOf(HasSubstr("Unhealthy: Readiness probe failed: "), HasSubstr(words))))
        << name;
  }
}

TEST_F(FaultTest, SlowAnswersFailProbesAndShowAsLatency) {
  const char* median =
      "histogram_quantile(0.5, sum by (le) (rate(http_request_duration_seconds_bucket[1m])))";
  Live(absl::Minutes(2));
  const double before = Value(median);
  EXPECT_LT(before, 0.5);
  // Below the probe's timeout nothing fails, yet requests take longer.
  std::string id = Inject("slow-responses", kCart, {{"seconds", "0.8"}});
  Live(absl::Minutes(3));
  EXPECT_EQ(ReadyPods(), 2);
  EXPECT_GT(Value(median), before + 0.4);
  Clear(id);
  id = Inject("slow-responses", kCart, {{"seconds", "5"}});
  Live(absl::Minutes(1));
  EXPECT_EQ(ReadyPods(), 0);
  EXPECT_THAT(AllEvents(), Contains(HasSubstr("Readiness probe failed: Get \"http://10.244.")));
  EXPECT_THAT(AllEvents(),
              Contains(HasSubstr(
                  "context deadline exceeded (Client.Timeout exceeded while awaiting headers)")));
  Clear(id);
  Live(absl::Minutes(3));
  EXPECT_EQ(ReadyPods(), 2);
  EXPECT_LT(Value(median), before + 0.2);
}

TEST(FaultInTheDemoTest, WithoutMetricsTheAutoscalerGoesBlind) {
  auto made = Simulator::Create({.content = Content::kDemo, .live = true, .virtual_time = true});
  ASSERT_TRUE(made.ok());
  Simulator& simulator = **made;
  auto scaling_active = [&] {
    const ObjectPtr object = simulator.store().Get(
        simulator.engine()->Type("autoscaling", "horizontalpodautoscalers"), "shop", "nginx");
    const Json json = object->Parse();
    for (const Json& one : ListAt(json, {"status", "conditions"})) {
      if (TextAt(one, "type") == "ScalingActive")
        return TextAt(one, "status") + " " + TextAt(one, "reason");
    }
    return std::string();
  };
  ASSERT_TRUE(simulator.Advance(absl::Minutes(1)).ok());
  EXPECT_EQ(scaling_active(), "True ValidMetricFound");
  const auto fault = simulator.faults()->Inject("no-metrics", "cluster", {});
  ASSERT_TRUE(fault.ok());
  ASSERT_TRUE(simulator.Advance(absl::Minutes(1)).ok());
  EXPECT_EQ(scaling_active(), "False FailedGetResourceMetric");
  prometheus::Metrics metrics(simulator.store(), simulator.store().clock(), 1);
  const auto query = promql::Parse(
      "kube_horizontalpodautoscaler_status_condition{horizontalpodautoscaler=\"nginx\", "
      "condition=\"ScalingActive\", status=\"false\"}");
  const auto answer = promql::Engine(metrics).Instant(
      base::Context::Background(), *query, absl::ToUnixMillis(simulator.store().clock().Now()));
  ASSERT_TRUE(answer.ok() && answer->rows.size() == 1u);
  EXPECT_EQ(answer->rows[0].points[0].v, 1);
  ASSERT_TRUE(simulator.faults()->Clear(fault->id).ok());
  ASSERT_TRUE(simulator.Advance(absl::Minutes(2)).ok());
  EXPECT_EQ(scaling_active(), "True ValidMetricFound");
}

TEST_F(FaultTest, WithoutNamesCallsFail) {
  Apply(
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: front}\nspec: {replicas: 1, "
      "selector: {matchLabels: {app: front}}, template: {metadata: {labels: {app: front}}, spec: "
      "{containers: "
      "[{name: c, image: 'registry.example.com/shop/front:1', ports: [{containerPort: 8080}], env: "
      "[{name: CART_URL, value: 'http://cart'}]}]}}}\n---\n"
      "apiVersion: v1\nkind: Service\nmetadata: {name: front}\nspec: {selector: {app: front}, "
      "ports: [{name: http, port: 80, targetPort: 8080}]}");
  Pod("asks",
      "image: busybox, command: [sh, -c, 'while true; do nslookup cart >/dev/null 2>&1 && echo "
      "found || echo lost; sleep 5; done']");
  Live(absl::Minutes(2));
  EXPECT_EQ(Log("asks").back(), "found");
  const char* errors =
      "sum(rate(http_requests_total{service=\"front\", code=~\"5..\"}[1m])) / "
      "sum(rate(http_requests_total{service=\"front\"}[1m]))";
  EXPECT_LT(Value(errors), 0.05);
  const std::string id = Inject("dns", "namespace/default");
  Live(absl::Minutes(3));
  EXPECT_EQ(Log("asks").back(), "lost");
  EXPECT_GT(Value(errors), 0.3);
  Clear(id);
  Live(absl::Minutes(3));
  EXPECT_EQ(Log("asks").back(), "found");
  EXPECT_LT(Value(errors), 0.05);
}

TEST_F(FaultTest, AFaultThatWillNotBeSeenSaysSo) {
  Pod("plain", "image: nginx");
  Apply(
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: none}\nspec: {replicas: 0, "
      "selector: {matchLabels: {app: none}}, template: {metadata: {labels: {app: none}}, spec: "
      "{containers: [{name: c, image: nginx}]}}}");
  Live(absl::Seconds(30));
  struct Case {
    const char* kind;
    const char* target;
    std::map<std::string, std::string> parameters;
    const char* note;
  };
  const std::string about = "pod/default/plain";
  for (const Case& one : {
           Case{"probe-failure", about.c_str(), {}, "has a readiness probe"},
           Case{"probe-failure", kCart, {{"probe", "liveness"}}, "has a liveness probe"},
           Case{"probe-failure", kCart, {{"probe", "all"}}, ""},
           Case{"memory-leak", about.c_str(), {}, "has a memory limit"},
           Case{"memory-leak", kCart, {}, ""},
           Case{"slow-responses", about.c_str(), {}, "http_request_duration_seconds"},
           Case{"slow-responses", kCart, {{"seconds", "0.5"}}, "gives up before 0.5 s"},
           Case{"slow-responses", kCart, {}, ""},
           Case{"slow-pull", kCart, {}, "start from now on"},
           Case{"slow-disk", kCart, {}, "start from now on"},
           Case{"slow-disk", "node/n1", {}, ""},
           Case{"image-pull", kCart, {{"restart", "false"}}, "start from now on"},
           Case{"image-pull", "image/nobody-has:this", {}, "those that come"},
           Case{"crash", "deployment/default/none", {}, "those that come"},
           Case{"kill", "deployment/default/none", {}, "nothing was ended"},
       }) {
    std::string note;
    const auto fault = simulator_->faults()->Inject(one.kind, one.target, one.parameters, &note);
    ASSERT_TRUE(fault.ok()) << fault.status();
    if (std::string(one.note).empty()) {
      EXPECT_EQ(note, "") << one.kind << " " << one.target;
    } else {
      EXPECT_THAT(note, HasSubstr(one.note)) << one.kind << " " << one.target;
    }
    if (fault->id != "done") Clear(fault->id);
  }
  const std::string first = Inject("kubelet-stopped", "node/n1");
  std::string note;
  ASSERT_TRUE(simulator_->faults()->Inject("memory-pressure", "node/n1", {}, &note).ok());
  EXPECT_THAT(note, HasSubstr("while " + first + " (kubelet-stopped) is on"));
  ASSERT_TRUE(simulator_->faults()->Inject("kubelet-stopped", "node/n1", {}, &note).ok());
  EXPECT_THAT(note, HasSubstr(first + " is the same fault"));
}

TEST(FaultTargetTest, TakesKindsAsKubectlDoes) {
  for (const auto& [text, canonical] :
       {std::pair("deploy/shop/cart", "deployment/shop/cart"),
        std::pair("deployments/shop/cart", "deployment/shop/cart"),
        std::pair("po/shop/cart-1", "pod/shop/cart-1"), std::pair("sts/a/b", "statefulset/a/b"),
        std::pair("no/node-1", "node/node-1"), std::pair("nodes/node-1", "node/node-1"),
        std::pair("ns/shop", "namespace/shop"), std::pair("cluster", "cluster")}) {
    const auto target = FaultTarget::Parse(text);
    ASSERT_TRUE(target.has_value()) << text;
    EXPECT_EQ(target->ToString(), canonical);
  }
  for (const char* text :
       {"", "/", "s", "s/x", "deployment/shop", "cart", "node", "cluster/x", "pod//x"})
    EXPECT_FALSE(FaultTarget::Parse(text).has_value()) << text;
}

TEST(FaultCatalogueTest, NamesSixteenKindsWithTargetEffectAndUndoing) {
  EXPECT_EQ(FaultCatalogue().size(), 16u);
  for (const FaultKind& kind : FaultCatalogue()) {
    EXPECT_FALSE(kind.targets.empty() || kind.effect.empty() || kind.undone.empty()) << kind.name;
    EXPECT_EQ(FindFaultKind(kind.name), &kind);
  }
}

}  // namespace
}  // namespace opsmesh::kubesim
