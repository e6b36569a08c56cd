#include "gtest/gtest.h"
#include "libs/kubesim/api/fake_door.h"

namespace opsmesh::kubesim {
namespace {

constexpr int64_t kGi = int64_t{1} << 30;

class KubeletPagesTest : public testing::Test {
 protected:
  void SetUp() override {
    door_.AddNamespace("shop");
    door_.store.catalog().EnableMetrics();
    AddNode("n1", "True");
    AddNode("n2", "Unknown");
    AddPod("web", "n1", "Running");
    AddPod("done", "n1", "Succeeded");
    AddPod("elsewhere", "n2", "Running");
  }

  void Store(const char* group, const char* version, const char* plural, Json object) {
    ASSERT_TRUE(
        door_.store.Create(MustFind(door_.store, group, version, plural), std::move(object), true)
            .ok());
  }
  void AddNode(const std::string& name, const std::string& ready) {
    Store("", "v1", "nodes",
          {{"metadata", {{"name", name}, {"creationTimestamp", "2026-01-01T00:00:00Z"}}},
           {"status",
            {{"capacity", {{"memory", "8Gi"}}},
             {"addresses", {{{"type", "InternalIP"}, {"address", "10.0.0.7"}}}},
             {"conditions", {{{"type", "Ready"}, {"status", ready}}}}}}});
  }
  void AddPod(const std::string& name, const std::string& node, const std::string& phase) {
    Store("", "v1", "pods",
          {{"metadata", {{"name", name}, {"namespace", "shop"}, {"uid", "uid-" + name}}},
           {"spec", {{"nodeName", node}, {"containers", {{{"name", "c"}, {"image", "nginx"}}}}}},
           {"status", {{"phase", phase}, {"startTime", "2026-01-02T00:00:00Z"}}}});
    Store("metrics.k8s.io", "v1beta1", "pods",
          {{"metadata", {{"name", name}, {"namespace", "shop"}}},
           {"containers", {{{"name", "c"}, {"usage", {{"cpu", "100m"}, {"memory", "1Gi"}}}}}}});
  }
  std::shared_ptr<RecordedExchange> Ask(const std::string& path,
                                        const std::string& method = "GET") {
    return door_.Send(method, "/api/v1/nodes/" + path);
  }

  FakeDoor door_;
};

TEST_F(KubeletPagesTest, TheSummaryHasTheRunningPodsOfTheNodeAndAddsUpToIt) {
  const Json summary = Ask("n1/proxy/stats/summary")->json();
  ASSERT_EQ(summary["pods"].size(), 1u);
  const Json& pod = summary["pods"][0];
  EXPECT_EQ(pod["podRef"], Json({{"name", "web"}, {"namespace", "shop"}, {"uid", "uid-web"}}));
  EXPECT_EQ(pod["startTime"], "2026-01-02T00:00:00Z");
  ASSERT_EQ(pod["containers"].size(), 1u);
  EXPECT_NEAR(pod["cpu"]["usageNanoCores"].get<double>(), 1e8, 1e7);
  EXPECT_NEAR(pod["memory"]["workingSetBytes"].get<double>(), kGi, 0.1 * kGi);
  const Json& node = summary["node"];
  EXPECT_EQ(node["nodeName"], "n1");
  EXPECT_GT(node["cpu"]["usageNanoCores"], pod["cpu"]["usageNanoCores"]);
  EXPECT_EQ(node["memory"]["availableBytes"].get<int64_t>() +
                node["memory"]["workingSetBytes"].get<int64_t>(),
            8 * kGi);
  // What `kubectl top` is told.
  const Json top = door_.Get("/apis/metrics.k8s.io/v1beta1/nodes/n1");
  EXPECT_EQ(top["usage"]["cpu"],
            std::to_string(node["cpu"]["usageNanoCores"].get<int64_t>()) + "n");
}

TEST(KubeletPagesWithoutMetricsTest, TheSummaryStandsWithoutContainers) {
  FakeDoor door;
  door.AddNamespace("shop");
  door.Post("/api/v1/nodes", {{"metadata", {{"name", "n1"}}}});
  ASSERT_TRUE(door.store
                  .Create(MustFind(door.store, "", "v1", "pods"),
                          {{"metadata", {{"name", "web"}, {"namespace", "shop"}}},
                           {"spec", {{"nodeName", "n1"}}},
                           {"status", {{"phase", "Running"}}}},
                          true)
                  .ok());
  const Json summary = door.Get("/api/v1/nodes/n1/proxy/stats/summary");
  ASSERT_EQ(summary["pods"].size(), 1u);
  EXPECT_EQ(summary["pods"][0]["containers"], Json::array());
}

TEST_F(KubeletPagesTest, PodsAreThoseBoundToTheNode) {
  const Json pods = Ask("n1:10250/proxy/pods")->json();
  EXPECT_EQ(pods["kind"], "PodList");
  ASSERT_EQ(pods["items"].size(), 2u);
  EXPECT_EQ(pods["items"][0]["metadata"]["name"], "done");
  EXPECT_EQ(Ask("n1/proxy/healthz")->response().body, "ok");
}

TEST_F(KubeletPagesTest, WhatIsNotServedOrNotThereIsSaid) {
  EXPECT_EQ(Ask("n1/proxy/runningpods/")->code(), 404);
  EXPECT_EQ(Ask("n1/proxy/stats/summary", "POST")->code(), 405);
  EXPECT_EQ(Ask("n3/proxy/healthz")->code(), 404);
  const auto silent = Ask("n2/proxy/stats/summary");
  EXPECT_EQ(silent->code(), 503);
  EXPECT_EQ(silent->json()["message"],
            "error trying to reach service: dial tcp 10.0.0.7:10250: connect: connection refused");
}

}  // namespace
}  // namespace opsmesh::kubesim
