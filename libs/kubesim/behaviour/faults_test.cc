// Every kind of fault: what is seen of it in the API and in the cluster's Prometheus, and that
// clearing mends it.
#include <cmath>

#include "gmock/gmock.h"
#include "libs/kubesim/behaviour/faults/catalogue.h"
#include "libs/kubesim/behaviour/faults/faults.h"
#include "libs/kubesim/behaviour/node_testing.h"
#include "libs/kubesim/prometheus/metrics.h"
#include "libs/kubesim/promql/engine.h"

namespace opsmesh::kubesim {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class FaultTest : public NodesTest {
 protected:
  void SetUp() override {
    NodesTest::SetUp();
    AddNode("n1");
    AddNode("n2");
    Apply(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart}\nspec:\n  replicas: 2\n  "
        "selector: {matchLabels: {app: cart}}\n  template:\n    metadata: {labels: {app: cart}}\n"
        "    spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: "
        "'registry.example.com/shop/cart:1', ports: [{containerPort: 8080}], resources: {requests: "
        "{cpu: 50m}, "
        "limits: {memory: 128Mi}}, readinessProbe: {httpGet: {path: /ready, port: 8080}, "
        "periodSeconds: 5}}]}");
    Apply(
        "apiVersion: v1\nkind: Service\nmetadata: {name: cart}\nspec: {selector: {app: cart}, "
        "ports: [{name: http, port: 80, targetPort: 8080}]}");
    metrics_ = std::make_unique<prometheus::Metrics>(
        engine().store(), engine().store().clock(), 1, true,
        [this] { return simulator_->faults()->Disturbances(); });
    Live(absl::Seconds(40));
  }
  /// Time passes, and Prometheus scrapes.
  void Live(absl::Duration duration) {
    for (absl::Duration left = duration; left > absl::ZeroDuration(); left -= absl::Seconds(15)) {
      Run(std::min(left, absl::Seconds(15)));
      metrics_->Refresh();
    }
  }
  /// The value of an expression with one element now; NaN when it has none.
  double Value(const std::string& expression) {
    const auto query = promql::Parse(expression);
    EXPECT_TRUE(query.ok()) << expression << ": " << query.status();
    auto answer = promql::Engine(*metrics_).Instant(base::Context::Background(), *query,
                                                    absl::ToUnixMillis(engine().Now()));
    EXPECT_TRUE(answer.ok()) << expression << ": " << answer.status();
    if (!answer.ok() || answer->rows.empty()) return NAN;
    EXPECT_EQ(answer->rows.size(), 1u) << expression;
    return answer->rows[0].points[0].v;
  }
  std::string Inject(const std::string& kind, const std::string& target,
                     std::map<std::string, std::string> parameters = {}) {
    auto fault = simulator_->faults()->Inject(kind, target, std::move(parameters));
    EXPECT_TRUE(fault.ok()) << fault.status();
    return fault.ok() ? fault->id : "";
  }
  void Clear(const std::string& id) { ASSERT_TRUE(simulator_->faults()->Clear(id).ok()) << id; }
  int64_t ReadyPods() {
    return IntAt(Get("deployments", "cart", "apps"), {"status", "readyReplicas"});
  }
  Json AnyPod() {
    for (const ObjectPtr& pod : engine().store().List(engine().Type("", "pods")).objects) {
      if (pod->name.starts_with("cart-") &&
          !At(pod->Parse(), {"metadata", "deletionTimestamp"}).is_string())
        return pod->Parse();
    }
    return {};
  }
  std::string State(const Json& pod) {
    const Json& one = ListAt(pod, {"status", "containerStatuses"}).empty()
                          ? pod
                          : ListAt(pod, {"status", "containerStatuses"})[0];
    return TextAt(one, {"state", "waiting", "reason"}) +
           TextAt(one, {"lastState", "terminated", "reason"});
  }
  std::vector<std::string> AllEvents() {
    std::vector<std::string> texts;
    for (const ObjectPtr& object : engine().store().List(engine().Type("", "events")).objects)
      texts.push_back(TextAt(object->Parse(), "reason") + ": " +
                      TextAt(object->Parse(), "message"));
    return texts;
  }
  std::string NodeCondition(const std::string& node, const std::string& type) {
    const Json object = Get("nodes", node);
    for (const Json& one : ListAt(object, {"status", "conditions"})) {
      if (TextAt(one, "type") == type) return TextAt(one, "status") + " " + TextAt(one, "reason");
    }
    return "";
  }

  std::unique_ptr<prometheus::Metrics> metrics_;
};

constexpr char kCart[] = "deployment/default/cart";

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

TEST_F(FaultTest, SlowPullsKeepContainersBeingCreated) {
  const std::string id = Inject("slow-pull", "node/n1", {{"seconds", "60"}});
  Pod("new", "image: 'registry.example.com/shop/other:1'", "nodeName: n1");
  Live(absl::Seconds(45));
  EXPECT_EQ(Waiting("new"), "ContainerCreating");
  EXPECT_THAT(Events("new"),
              Contains("Pulling: Pulling image \"registry.example.com/shop/other:1\""));
  EXPECT_EQ(Value("sum(kube_pod_container_status_waiting_reason{pod=\"new\", "
                  "reason=\"ContainerCreating\"})"),
            1);
  Live(absl::Seconds(45));
  EXPECT_TRUE(Ready("new"));
  EXPECT_THAT(
      Events("new"),
      Contains(HasSubstr("Successfully pulled image \"registry.example.com/shop/other:1\" in 1m")));
  Clear(id);
}

TEST_F(FaultTest, AStoppedKubeletAndACutOffNodeAreNotReadyAndTheirPodsMove) {
  for (const char* kind : {"kubelet-stopped", "node-partition"}) {
    const std::string id = Inject(kind, "node/n1");
    Live(absl::Minutes(1));
    EXPECT_EQ(NodeCondition("n1", "Ready"), "Unknown NodeStatusUnknown") << kind;
    EXPECT_EQ(Value("sum(kube_node_status_condition{node=\"n1\", condition=\"Ready\", "
                    "status=\"unknown\"})"),
              1)
        << kind;
    EXPECT_EQ(Value("sum(up{job=\"node-exporter\"} == 0) or vector(-1)"), 0)
        << "a scrape finds nobody";
    EXPECT_THAT(AllEvents(), Contains("NodeNotReady: Node n1 status is now: NodeNotReady"));
    Live(absl::Minutes(6));
    EXPECT_THAT(AllEvents(),
                Contains(HasSubstr("TaintManagerEviction: Marking for deletion Pod default/cart-")))
        << kind;
    EXPECT_EQ(ReadyPods(), 2) << "on the other node";
    EXPECT_EQ(TextAt(AnyPod(), {"spec", "nodeName"}), "n2") << kind;
    Clear(id);
    Live(absl::Minutes(2));
    EXPECT_EQ(NodeCondition("n1", "Ready"), "True KubeletReady") << kind;
  }
}

TEST_F(FaultTest, WithoutANetworkPluginNoPodGetsASandbox) {
  const std::string id = Inject("network-plugin", "node/n1");
  Live(absl::Seconds(15));
  EXPECT_EQ(NodeCondition("n1", "Ready"), "False KubeletNotReady");
  Pod("new", "image: nginx", "nodeName: n1");
  Live(absl::Seconds(30));
  EXPECT_EQ(Waiting("new"), "ContainerCreating");
  EXPECT_THAT(Events("new"),
              Contains(HasSubstr("FailedCreatePodSandBox: Failed to create pod sandbox")));
  EXPECT_EQ(
      Value("sum(kube_node_status_condition{node=\"n1\", condition=\"Ready\", status=\"false\"})"),
      1);
  Clear(id);
  Live(absl::Seconds(45));
  EXPECT_TRUE(Ready("new"));
  EXPECT_EQ(NodeCondition("n1", "Ready"), "True KubeletReady");
}

TEST_F(FaultTest, PressureIsAConditionATaintAndEvictions) {
  struct Case {
    const char* kind;
    const char* condition;
    const char* event;
    bool evicts;
  };
  for (const Case& one :
       {Case{"memory-pressure", "MemoryPressure", "NodeHasInsufficientMemory", true},
        Case{"disk-pressure", "DiskPressure", "NodeHasDiskPressure", true},
        Case{"pid-pressure", "PIDPressure", "NodeHasInsufficientPID", false}}) {
    Pod(fmt::format("greedy-{}", one.kind), "image: nginx",
        "nodeName: n1");  // asks for nothing and takes something
    Live(absl::Seconds(15));
    const std::string id = Inject(one.kind, "node/n1");
    Live(absl::Seconds(30));
    EXPECT_EQ(NodeCondition("n1", one.condition).substr(0, 4), "True") << one.kind;
    EXPECT_THAT(AllEvents(), Contains(fmt::format("{0}: Node n1 status is now: {0}", one.event)));
    EXPECT_EQ(
        Value(fmt::format(
            "sum(kube_node_status_condition{{node=\"n1\", condition=\"{}\", status=\"true\"}})",
            one.condition)),
        1)
        << one.kind;
    EXPECT_EQ(Value("sum(kube_node_spec_taint{node=\"n1\", effect=\"NoSchedule\"})"), 1)
        << one.kind;
    if (one.evicts) {
      EXPECT_GE(Value("sum(kube_pod_status_reason{reason=\"Evicted\"} == 1)"), 1) << one.kind;
    }
    Clear(id);
    Live(absl::Seconds(45));
    EXPECT_EQ(NodeCondition("n1", one.condition).substr(0, 5), "False") << one.kind;
    EXPECT_EQ(ReadyPods(), 2) << "replaced";
  }
}

TEST_F(FaultTest, ASlowDiskDelaysMountsAndIsBusy) {
  EXPECT_LT(Value("sum(rate(node_disk_io_time_seconds_total{node=\"n1\"}[1m]))"), 0.3);
  const std::string id = Inject("slow-disk", "node/n1", {{"mount_seconds", "40"}});
  Pod("new", "image: nginx", "nodeName: n1");
  Live(absl::Seconds(30));
  EXPECT_EQ(Waiting("new"), "ContainerCreating");
  EXPECT_EQ(Value("sum(kube_pod_container_status_waiting_reason{pod=\"new\", "
                  "reason=\"ContainerCreating\"})"),
            1);
  Live(absl::Seconds(90));
  EXPECT_TRUE(Ready("new"));
  EXPECT_GT(Value("sum(rate(node_disk_io_time_seconds_total{node=\"n1\"}[1m]))"), 0.8);
  EXPECT_LT(Value("sum(rate(node_disk_io_time_seconds_total{node=\"n2\"}[1m]))"), 0.3);
  EXPECT_GT(Value("avg(rate(node_cpu_seconds_total{node=\"n1\", mode=\"iowait\"}[1m]))"), 0.2);
  Clear(id);
  Live(absl::Minutes(2));
  EXPECT_LT(Value("sum(rate(node_disk_io_time_seconds_total{node=\"n1\"}[1m]))"), 0.3)
      << "it is over, and stays in the past";
  EXPECT_GT(Value("sum(rate(node_disk_io_time_seconds_total{node=\"n1\"}[1m] offset 2m))"), 0.8);
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

TEST(FaultCatalogueTest, NamesSixteenKindsWithTargetEffectAndUndoing) {
  EXPECT_EQ(FaultCatalogue().size(), 16u);
  for (const FaultKind& kind : FaultCatalogue()) {
    EXPECT_FALSE(kind.targets.empty() || kind.effect.empty() || kind.undone.empty()) << kind.name;
    EXPECT_EQ(FindFaultKind(kind.name), &kind);
  }
}

}  // namespace
}  // namespace opsmesh::kubesim
