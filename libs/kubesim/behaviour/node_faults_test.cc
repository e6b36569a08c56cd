// Faults of nodes: what is seen of each in the API and in the cluster's Prometheus, and that
// clearing mends it.
#include "gmock/gmock.h"
#include "libs/kubesim/behaviour/faults_testing.h"

namespace opsmesh::kubesim {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

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

}  // namespace
}  // namespace opsmesh::kubesim
