// The tools that judge rather than list: use, availability, performance. Each against a cluster
// made for it, so that the right answer can be worked out by hand.
#include <fstream>

#include "gmock/gmock.h"
#include "services/k8s/advice_fixture.h"

namespace opsmesh::k8s {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(AdviceTest, NoToolOfTheContractIsLeftUnbuiltButTheFourThatChangeTheCluster) {
  std::vector<std::string> unavailable;
  const ToolRegistry all = AllTools();
  for (const Tool* tool : all.List("", true)) {
    if (!tool->available) unavailable.push_back(tool->name);
  }
  EXPECT_THAT(unavailable, ElementsAre("delete_kubernetes_resource", "restart_pod",
                                       "rollback_deployment", "scale_deployment"));
}

TEST_F(AdviceTest, RequestsFarAboveUseAreWasteAndTheAdviceFollowsTheHighestPod) {
  Make({Namespace("shop"), Node("n1", "a"), Deployment("shop", "web", 2),
        Pod("shop", "web-1", "web", "n1"), Pod("shop", "web-2", "web", "n1")});
  Use("shop", "web-1", "web", 0.050, 100 * kMiB);
  Use("shop", "web-2", "web", 0.100, 200 * kMiB);
  const json waste = Run("analyze_resource_waste");
  EXPECT_NEAR(waste["sum"]["cpu_unused"].get<double>(), 0.8 - 0.15, 1e-9);
  EXPECT_NEAR(waste["sum"]["memory_unused"].get<double>(), (1024 - 300) * kMiB, 1);
  const json sizing = Run("recommend_resource_right_sizing");
  ASSERT_EQ(sizing["total"], 1);
  EXPECT_NEAR(sizing["items"][0]["cpu_request_advice"].get<double>(), 0.120, 1e-9);
  EXPECT_EQ(sizing["items"][0]["memory_request_advice"].get<double>(), 240 * kMiB);
  const json saving = Run("calculate_cost_savings", R"({"price_per_core_month":"10"})");
  EXPECT_NEAR(saving["saving_per_month"].get<double>(), 2 * (0.4 - 0.12) * 10, 1e-6);
  EXPECT_TRUE(Run("calculate_cost_savings")["saving_per_month"].is_null())
      << "no price, no sum of money";
}

TEST_F(AdviceTest, AContainerKilledForMemoryGetsTwiceItsLimitAlsoWithoutMetrics) {
  Make({Namespace("shop"), Node("n1", "a"), Deployment("shop", "web", 1),
        Pod("shop", "web-1", "web", "n1",
            {{"status",
              {{"containerStatuses",
                json::array(
                    {{{"name", "web"},
                      {"restartCount", 3},
                      {"lastState", {{"terminated", {{"reason", "OOMKilled"}, {"exitCode", 137}}}}},
                      {"state", {{"running", json::object()}}}}})}}}})});
  const json advice = Run("recommend_resource_limits", R"({"deployment_name":"web"})");
  EXPECT_EQ(advice["items"][0]["killed_for_memory"], true);
  EXPECT_EQ(advice["items"][0]["memory_limit_advice"].get<double>(), 2048 * kMiB);
  EXPECT_EQ(advice["metrics"], false);
  EXPECT_FALSE(last_.ledger.not_checked.empty());
}

TEST_F(AdviceTest, EmptyNodesAndWorkloadsScaledToZeroAreIdle) {
  Make({Namespace("shop"), Node("n1", "a"), Node("n2", "b"), Deployment("shop", "web", 1),
        Deployment("shop", "old", 0), Pod("shop", "web-1", "web", "n1")});
  const json idle = Run("identify_idle_resources");
  std::vector<std::string> names;
  for (const json& item : idle["items"]) {
    if (item["kind"] != "Pod") names.push_back(item["name"]);
  }
  EXPECT_THAT(names, ::testing::IsSupersetOf({"n2", "old"}));
  EXPECT_THAT(names, Not(::testing::Contains("n1")));
}

TEST_F(AdviceTest, ReplicasOnOneNodeASingleReplicaAndMissingBudgetsAreTold) {
  Make({Namespace("shop"), Node("n1", "a"), Node("n2", "b"), Deployment("shop", "web", 2),
        Deployment("shop", "api", 1), Pod("shop", "web-1", "web", "n1"),
        Pod("shop", "web-2", "web", "n1"), Pod("shop", "api-1", "api", "n2")});
  const std::vector<std::string> codes =
      Codes(Run("analyze_high_availability", R"({"namespace":"shop"})"));
  EXPECT_THAT(codes,
              ::testing::IsSupersetOf({"ALL_ON_ONE_NODE", "SINGLE_REPLICA", "NO_DISRUPTION_BUDGET",
                                       "NO_SPREADING", "NO_READINESS_PROBE"}));
  const json spread =
      Run("check_pod_distribution", R"({"namespace":"shop","deployment_name":"web"})");
  EXPECT_EQ(spread["items"][0]["nodes"], json({{"n1", 2}}));
  const json advice = Run("recommend_anti_affinity", R"({"namespace":"shop"})");
  EXPECT_EQ(advice["advised"], 1);
  EXPECT_THAT(advice["items"][0]["yaml"].get<std::string>(),
              HasSubstr("topology.kubernetes.io/zone"));
}

TEST_F(AdviceTest, AWorkloadThatIsSpreadAndProtectedHasNothingToFix) {
  const json probe = {{"readinessProbe", {{"httpGet", {{"path", "/"}, {"port", 8080}}}}},
                      {"ports", json::array({{{"containerPort", 8080}}})}};
  const json spread = {
      {"topologySpreadConstraints", json::array({{{"maxSkew", 1},
                                                  {"topologyKey", "kubernetes.io/hostname"},
                                                  {"whenUnsatisfiable", "DoNotSchedule"}}})}};
  const json budget = {
      {"apiVersion", "policy/v1"},
      {"kind", "PodDisruptionBudget"},
      {"metadata", Meta("shop", "web")},
      {"spec", {{"maxUnavailable", 1}, {"selector", {{"matchLabels", {{"app", "web"}}}}}}},
      {"status",
       {{"disruptionsAllowed", 1},
        {"expectedPods", 2},
        {"currentHealthy", 2},
        {"desiredHealthy", 1}}}};
  Make({Namespace("shop"), Node("n1", "a"), Node("n2", "b"),
        Deployment("shop", "web", 2, probe, spread), Pod("shop", "web-1", "web", "n1"),
        Pod("shop", "web-2", "web", "n2"), budget});
  EXPECT_THAT(Codes(Run("analyze_high_availability", R"({"namespace":"shop"})")), ElementsAre());
  EXPECT_THAT(Codes(Run("validate_probe_configuration", R"({"namespace":"shop"})")), ElementsAre());
}

TEST_F(AdviceTest, ProbesOnPortsNobodyDeclaresAndWithoutPatienceAreFound) {
  const json probes = {
      {"readinessProbe", {{"httpGet", {{"path", "/"}, {"port", "http"}}}, {"periodSeconds", 1}}},
      {"livenessProbe",
       {{"tcpSocket", {{"port", 8080}}}, {"failureThreshold", 1}, {"timeoutSeconds", 20}}},
      {"ports", json::array({{{"name", "web"}, {"containerPort", 8080}}})}};
  Make({Namespace("shop"), Deployment("shop", "web", 1, probes)});
  EXPECT_THAT(Codes(Run("validate_probe_configuration")),
              ::testing::IsSupersetOf({"PROBE_PORT_UNDECLARED", "PROBE_TOO_FREQUENT",
                                       "LIVENESS_WITHOUT_PATIENCE", "PROBE_TIMEOUT_ABOVE_PERIOD"}));
}

TEST_F(AdviceTest, HotSpotsAreRankedByUseAndByRequestWhereThereAreNoMetrics) {
  Make({Namespace("shop"), Node("n1", "a"), Pod("shop", "a-1", "a", "n1"),
        Pod("shop", "b-1", "b", "n1")});
  EXPECT_EQ(Run("identify_resource_hotspots")["by"], "request");
  Use("shop", "a-1", "a", 0.1, 900 * kMiB);
  Use("shop", "b-1", "b", 0.9, 100 * kMiB);
  EXPECT_EQ(Run("identify_resource_hotspots", R"({"metric":"cpu"})")["items"][0]["name"], "b-1");
  EXPECT_EQ(
      Run("identify_resource_hotspots", R"({"metric":"memory","limit":1})")["items"][0]["name"],
      "a-1");
  EXPECT_TRUE(last_.truncated);
}

TEST_F(AdviceTest, BusyNodesAndPodsNearTheirLimitSlowTheCluster) {
  Make({Namespace("shop"), Node("n1", "a"), Pod("shop", "a-1", "a", "n1")});
  Use("shop", "a-1", "a", 0.1, 1000 * kMiB);
  kube::NodeUsage node;
  node.name = "n1";
  node.cpu_cores = 3.9;
  node.memory_bytes = 2000 * kMiB;
  cluster_->node_usage = {node};
  EXPECT_THAT(Codes(Run("analyze_cluster_performance")),
              ::testing::IsSupersetOf({"NODE_CPU_BUSY", "MEMORY_NEAR_LIMIT"}));
}

TEST_F(AdviceTest, PressureConditionsAndEvictedPodsAreToldWithTheKubeletsWords) {
  Make({Namespace("shop"),
        Node("n1", "a",
             json::array({{{"type", "Ready"}, {"status", "True"}},
                          {{"type", "MemoryPressure"},
                           {"status", "True"},
                           {"message", "kubelet has insufficient memory available"}}})),
        Pod("shop", "a-1", "a", "n1",
            {{"status",
              {{"phase", "Failed"},
               {"reason", "Evicted"},
               {"message", "The node was low on resource: memory."}}}})});
  const json answer = Run("check_pod_eviction_pressure");
  EXPECT_EQ(answer["nodes_under_pressure"], 1);
  EXPECT_EQ(answer["evicted_pods"], 1);
  EXPECT_THAT(last_.text.en, HasSubstr("low on resource"));
  EXPECT_TRUE(last_.untrusted);
}

TEST_F(AdviceTest, SchedulingLatencyIsTheTimeFromCreationToTheNode) {
  Make({Namespace("shop"), Node("n1", "a"), Pod("shop", "a-1", "a", "n1"),
        Pod("shop", "b-1", "b", "",
            {{"status", {{"phase", "Pending"}, {"conditions", json::array()}}}})});
  const json answer = Run("analyze_scheduling_latency");
  EXPECT_EQ(answer["scheduled"], 1);
  EXPECT_EQ(answer["max_seconds"], 4.0);
  EXPECT_EQ(answer["waiting"], 1);
}

}  // namespace
}  // namespace opsmesh::k8s
