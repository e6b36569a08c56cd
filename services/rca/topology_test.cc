#include "services/rca/topology.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/rca/call_hints.h"
#include "services/rca/node_faults.h"
#include "services/rca/ownership.h"

namespace opsmesh::rca {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST(WorkloadOfName, KnowsTheNamesKubernetesMakes) {
  EXPECT_EQ(WorkloadOfName("web-7d9c5b6f4d-x2x7p"), "web");
  EXPECT_EQ(WorkloadOfName("node-agent-4gdmx"), "node-agent");
  EXPECT_EQ(WorkloadOfName("redis-0"), "redis");
  EXPECT_EQ(WorkloadOfName("kube-apiserver-node-1"), "kube-apiserver-node");
  EXPECT_EQ(WorkloadOfName("standalone"), "standalone");
  EXPECT_EQ(WorkloadOfName("my-cache"), "my-cache") << "no end Kubernetes would make";
}

constexpr char kDeployment[] = R"({"spec":{"template":{"spec":{"containers":[{
  "args":["--db=orders-db.payments.svc.cluster.local:5432","cart"],
  "env":[{"name":"CART_URL","value":"http://cart/api"},{"name":"CACHE_HOST","value":"redis"},
         {"name":"GREETING","value":"search the catalog"},{"name":"MAIL","value":"smtp://mail.example.com:25"},
         {"name":"QUEUE","value":"amqp://user:pw@queue:5672"},{"name":"SECRET","valueFrom":{}}]}]}}}})";

TEST(CallHints, FindsAddressesOfServicesAndNoBareWords) {
  const ServiceNames services = {{"shop", "cart"},   {"shop", "redis"}, {"shop", "catalog"},
                                 {"shop", "search"}, {"shop", "queue"}, {"payments", "orders-db"}};
  EXPECT_THAT(CallHints(kDeployment, "shop", services),
              ElementsAre(Pair("payments", "orders-db"), Pair("shop", "cart"),
                          Pair("shop", "queue"), Pair("shop", "redis")));
  EXPECT_THAT(CallHints("no json", "shop", services), IsEmpty());
  EXPECT_THAT(CallHints(R"({"spec":{"template":{"spec":{"containers":7}}}})", "shop", services),
              IsEmpty());
}

constexpr double kBegin = 1.7e9;

MetricSeries Series(std::string metric, std::map<std::string, std::string> labels,
                    size_t points = 60, double level = 5) {
  MetricSeries s;
  s.metric = std::move(metric);
  s.labels = std::move(labels);
  for (size_t i = 0; i < points; ++i) {
    s.times.push_back(kBegin + 60.0 * static_cast<double>(i));
    s.values.push_back(level + 0.1 * static_cast<double>((i * 7919) % 7));
  }
  return s;
}

TEST(AssignServices, TellsWhoIsMeasuredFromWhoMeasures) {
  Topology topology;
  topology.AddPod("shop", "web-7d9c5b6f4d-x2x7p",
                  {.node = "n1", .workload = {"Deployment", "shop", "web"}});
  topology.AddPod("shop", "web-7d9c5b6f4d-bbbbb",
                  {.node = "n2", .workload = {"Deployment", "shop", "web"}});
  topology.AddNodeAddress("10.0.0.1", "n1");
  topology.AddServicePod("shop", "web-svc", "web-7d9c5b6f4d-x2x7p");
  topology.AddCall({"Deployment", "shop", "web"}, "shop", "db");
  topology.AddCall({"Deployment", "shop", "web"}, "shop", "web-svc");
  analytics::CauseInput input;
  const std::map<std::string, std::string> scraped = {
      {"namespace", "shop"}, {"service", "kubelet"}, {"job", "kubelet"}, {"id", "/x"}};
  auto one = scraped, two = scraped;
  one["pod"] = "web-7d9c5b6f4d-x2x7p";
  one["id"] = "/y";
  two["pod"] = "web-7d9c5b6f4d-bbbbb";
  const Names names = AssignServices(
      {Series("container_cpu_usage_seconds_total", one),
       Series("container_cpu_usage_seconds_total", two),
       Series("http_requests_total", {{"namespace", "shop"}, {"service", "web-svc"}}),
       Series("http_requests_total", {{"namespace", "shop"}, {"service", "db"}}),
       Series("node_load1", {{"instance", "10.0.0.1:9100"}, {"job", "node-exporter"}}),
       Series("kube_deployment_status_replicas_unavailable",
              {{"namespace", "pay"}, {"deployment", "api"}, {"pod", "kube-state-metrics-0"}})},
      topology, input);
  ASSERT_EQ(input.series.size(), 6u);
  EXPECT_EQ(input.series[0].service, "web");
  EXPECT_EQ(input.series[0].metric, "container_cpu_usage_seconds_total{pod=web-7d9c5b6f4d-x2x7p}");
  EXPECT_EQ(input.series[2].service, "web") << "the one workload behind the service";
  EXPECT_EQ(input.series[2].metric, "http_requests_total");
  EXPECT_EQ(input.series[3].service, "db");
  EXPECT_EQ(input.series[4].service, "n1");
  EXPECT_EQ(input.series[5].service, "api");
  EXPECT_EQ(names.at("web"), (CauseObject{"Deployment", "shop", "web"}));
  EXPECT_EQ(names.at("n1").kind, "Node");
  EXPECT_THAT(input.edges, ElementsAre(Pair("web", "db")));
}

TEST(AssignServices, PutsTheNamespaceBeforeANameThatTwoNamespacesHave) {
  analytics::CauseInput input;
  AssignServices({Series("requests", {{"namespace", "a"}, {"service", "api"}}),
                  Series("requests", {{"namespace", "b"}, {"service", "api"}}),
                  Series("requests", {{"namespace", "b"}, {"service", "web"}})},
                 Topology(), input);
  EXPECT_EQ(input.series[0].service, "a/api");
  EXPECT_EQ(input.series[1].service, "b/api");
  EXPECT_EQ(input.series[2].service, "web");
}

TEST(AssignServices, MakesCallsOfMeshLabels) {
  analytics::CauseInput input;
  MetricSeries call = Series("latency.avg", {{"source_workload", "web"},
                                             {"source_workload_namespace", "shop"},
                                             {"destination_workload", "db"},
                                             {"destination_workload_namespace", "shop"}});
  call.titled = true;
  AssignServices({std::move(call)}, Topology(), input);
  EXPECT_EQ(input.series[0].service, analytics::kEdgeService);
  EXPECT_EQ(input.series[0].metric, "web>db.latency_avg");
  EXPECT_THAT(input.edges, ElementsAre(Pair("web", "db")));
}

/// Nine pods of three workloads on three nodes.
Topology ThreeNodes(std::vector<std::pair<std::string, std::string>>* pods) {
  Topology topology;
  for (const char* workload : {"a", "b", "c"}) {
    for (int node = 1; node <= 3; ++node) {
      const std::string pod = std::string(workload) + "-" + std::to_string(node);
      topology.AddPod(
          "ns", pod,
          {.node = "n" + std::to_string(node), .workload = {"DaemonSet", "ns", workload}});
      pods->emplace_back(pod, "n" + std::to_string(node));
    }
  }
  return topology;
}

struct Judged {
  analytics::CauseInput input;
  analytics::CauseResult result;
  ExtraSteps steps;
};

Judged Judge(std::vector<MetricSeries> series, const Topology& topology) {
  Judged judged;
  const NodeFaults faults(series, topology);
  for (MetricSeries& made : faults.Reporting()) series.push_back(std::move(made));
  const Names names = AssignServices(std::move(series), topology, judged.input);
  judged.result = analytics::RankCauses(judged.input);
  faults.Promote(judged.input, names, judged.result, judged.steps);
  return judged;
}

TEST(NodeFaults, ANodeWhosePodsFallSilentTogetherIsTheCause) {
  std::vector<std::pair<std::string, std::string>> pods;
  const Topology topology = ThreeNodes(&pods);
  std::vector<MetricSeries> series;
  for (const auto& [pod, node] : pods) {
    series.push_back(
        Series("container_cpu", {{"namespace", "ns"}, {"pod", pod}}, node == "n2" ? 40 : 60));
  }
  const Judged judged = Judge(std::move(series), topology);
  ASSERT_FALSE(judged.result.ranked.empty());
  EXPECT_EQ(judged.result.ranked[0].service, "n2");
  ASSERT_TRUE(judged.steps.contains("n2"));
  EXPECT_THAT(judged.steps.at("n2")[0].en(), HasSubstr("3 of 3 pods on node n2"));
  EXPECT_NEAR(*judged.result.onset_time, kBegin + 60 * 40, 180);
}

TEST(NodeFaults, ANodeWhosePodsAloneDeviateIsTheCause) {
  std::vector<std::pair<std::string, std::string>> pods;
  const Topology topology = ThreeNodes(&pods);
  std::vector<MetricSeries> series;
  for (const auto& [pod, node] : pods) {
    series.push_back(Series("container_cpu", {{"namespace", "ns"}, {"pod", pod}}));
    if (node != "n3") continue;
    for (size_t i = 40; i < 60; ++i) series.back().values[i] += 30;
  }
  const Judged judged = Judge(std::move(series), topology);
  EXPECT_EQ(judged.result.ranked[0].service, "n3");
  EXPECT_THAT(judged.steps.at("n3")[0].en(), HasSubstr("3 of 3 pods on node n3"));
}

TEST(NodeFaults, AWorkloadThatDeviatesOnEveryNodeIsNoFaultOfANode) {
  std::vector<std::pair<std::string, std::string>> pods;
  const Topology topology = ThreeNodes(&pods);
  std::vector<MetricSeries> series;
  for (const auto& [pod, node] : pods) {
    series.push_back(Series("container_cpu", {{"namespace", "ns"}, {"pod", pod}}));
    if (pod[0] != 'b') continue;
    for (size_t i = 40; i < 60; ++i) series.back().values[i] += 30;
  }
  const Judged judged = Judge(std::move(series), topology);
  EXPECT_EQ(judged.result.ranked[0].service, "b");
  EXPECT_THAT(judged.steps, IsEmpty());
}

TEST(NodeFaults, ARollOutIsNoLoss) {
  Topology topology;
  std::vector<MetricSeries> series;
  for (int i = 0; i < 4; ++i) {
    const std::string old = "web-6d9c5b6f4d-" + std::string(5, static_cast<char>('b' + i));
    topology.AddPod("ns", old, {.node = "n1", .workload = {"Deployment", "ns", "web"}});
    series.push_back(Series("container_cpu", {{"namespace", "ns"}, {"pod", old}}, 40));
    const std::string fresh = "web-7d9c5b6f4d-" + std::string(5, static_cast<char>('b' + i));
    topology.AddPod("ns", fresh, {.node = "n2", .workload = {"Deployment", "ns", "web"}});
    series.push_back(Series("container_cpu", {{"namespace", "ns"}, {"pod", fresh}}));
    series.back().times.erase(series.back().times.begin(), series.back().times.begin() + 38);
    series.back().values.erase(series.back().values.begin(), series.back().values.begin() + 38);
  }
  const NodeFaults faults(series, topology);
  for (const MetricSeries& made : faults.Reporting())
    EXPECT_FALSE(made.labels.contains("deployment")) << made.name;
}

}  // namespace
}  // namespace opsmesh::rca
