#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/behaviour/testing_cluster.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kWeb = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default, annotations: {kubernetes.io/change-cause: first}}
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "nginx:1"}]}}
)";

Json Image(const std::string& image) {
  return {{"spec",
           {{"template", {{"spec", {{"containers", {{{"name", "web"}, {"image", image}}}}}}}}}}};
}

std::vector<Json> Active(TestCluster& cluster) {
  std::vector<Json> active;
  for (Json& set : cluster.List("apps", "replicasets")) {
    if (IntAt(set, {"spec", "replicas"}) > 0) active.push_back(std::move(set));
  }
  return active;
}

TEST(DeploymentTest, GetsItsPodsAndBecomesAvailable) {
  TestCluster cluster;
  cluster.Apply(kWeb);
  cluster.Run(absl::Seconds(5));
  const Json web = cluster.Get("apps", "deployments", "web");
  EXPECT_EQ(web["status"]["replicas"], 4);
  EXPECT_EQ(web["status"]["readyReplicas"], 4);
  EXPECT_EQ(web["status"]["observedGeneration"], 1);
  EXPECT_FALSE(web["status"].contains("unavailableReplicas"));
  EXPECT_EQ(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
  EXPECT_EQ(TextAt(ConditionOf(web["status"], "Available"), "reason"), "MinimumReplicasAvailable");
  EXPECT_EQ(TextAt(ConditionOf(web["status"], "Progressing"), "reason"), "NewReplicaSetAvailable");
  EXPECT_THAT(TextAt(ConditionOf(web["status"], "Progressing"), "message"),
              HasSubstr("has successfully progressed."));
  const auto sets = cluster.List("apps", "replicasets");
  ASSERT_EQ(sets.size(), 1u);
  const std::string hash = sets[0]["metadata"]["labels"]["pod-template-hash"];
  EXPECT_EQ(sets[0]["metadata"]["name"], "web-" + hash);
  EXPECT_EQ(sets[0]["spec"]["selector"]["matchLabels"]["pod-template-hash"], hash);
  EXPECT_EQ(sets[0]["metadata"]["annotations"]["kubernetes.io/change-cause"], "first");
  EXPECT_EQ(sets[0]["metadata"]["annotations"]["deployment.kubernetes.io/max-replicas"], "5");
  EXPECT_EQ(sets[0]["metadata"]["ownerReferences"][0]["uid"], web["metadata"]["uid"]);
  const auto pods = cluster.List("", "pods");
  ASSERT_EQ(pods.size(), 4u);
  EXPECT_THAT(pods[0]["metadata"]["name"].get<std::string>(), StartsWith("web-" + hash + "-"));
  EXPECT_EQ(pods[0]["metadata"]["generateName"], "web-" + hash + "-");
  EXPECT_THAT(cluster.Events("web"), ElementsAre("ScalingReplicaSet: Scaled up replica set web-" +
                                                 hash + " from 0 to 4 (x1)"));
  EXPECT_EQ(cluster.Events("web-" + hash).size(), 4u);
}

TEST(DeploymentTest, NeverGoesBelowOrAboveItsLimitsWhileItRolls) {
  TestCluster cluster;
  cluster.Apply(kWeb);
  cluster.Run(absl::Seconds(5));
  cluster.Patch("apps", "deployments", "web", Image("nginx:2"));
  for (int i = 0; i < 100; ++i) {
    cluster.Run(absl::Milliseconds(200));
    int ready = 0, alive = 0;
    for (const Json& pod : cluster.List("", "pods")) {
      if (BeingDeleted(pod)) continue;
      ++alive;
      ready += TextAt(ConditionOf(pod["status"], "Ready"), "status") == "True";
    }
    EXPECT_GE(ready, 3);
    EXPECT_LE(alive, 5);
  }
  const Json web = cluster.Get("apps", "deployments", "web");
  EXPECT_EQ(web["status"]["updatedReplicas"], 4);
  EXPECT_EQ(web["status"]["replicas"], 4);
  EXPECT_EQ(web["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
  EXPECT_EQ(Active(cluster).size(), 1u);
  EXPECT_EQ(cluster.List("", "pods").size(), 4u);
}

TEST(DeploymentTest, GoingBackTakesTheOldSetWithANewRevision) {
  TestCluster cluster;
  cluster.Apply(kWeb);
  cluster.Run(absl::Seconds(5));
  cluster.Patch("apps", "deployments", "web", Image("nginx:2"));
  cluster.Run(absl::Seconds(30));
  cluster.Patch("apps", "deployments", "web", Image("nginx:1"));
  cluster.Run(absl::Seconds(30));
  const auto active = Active(cluster);
  ASSERT_EQ(active.size(), 1u);
  EXPECT_EQ(active[0]["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "3");
  EXPECT_EQ(active[0]["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"], "1");
  EXPECT_EQ(cluster.List("apps", "replicasets").size(), 2u);
}

TEST(DeploymentTest, ARolloutThatHangsKeepsServingAndMissesItsDeadline) {
  TestCluster cluster;
  cluster.Apply(kWeb);
  cluster.Run(absl::Seconds(5));
  cluster.kubelet().broken_images.insert("nginx:bad");
  cluster.Patch("apps", "deployments", "web", Image("nginx:bad"));
  cluster.Run(absl::Minutes(5));
  Json web = cluster.Get("apps", "deployments", "web");
  EXPECT_EQ(web["status"]["availableReplicas"], 3);
  EXPECT_EQ(web["status"]["updatedReplicas"], 2);
  EXPECT_EQ(web["status"]["unavailableReplicas"], 2);
  EXPECT_EQ(TextAt(ConditionOf(web["status"], "Progressing"), "status"), "True");
  cluster.Run(absl::Minutes(6));
  web = cluster.Get("apps", "deployments", "web");
  EXPECT_EQ(TextAt(ConditionOf(web["status"], "Progressing"), "status"), "False");
  EXPECT_EQ(TextAt(ConditionOf(web["status"], "Progressing"), "reason"),
            "ProgressDeadlineExceeded");
  EXPECT_THAT(TextAt(ConditionOf(web["status"], "Progressing"), "message"),
              HasSubstr("has timed out progressing."));
  EXPECT_EQ(TextAt(ConditionOf(web["status"], "Available"), "status"), "True");
}

TEST(DeploymentTest, RecreateStartsNothingBeforeTheOldPodsAreGone) {
  TestCluster cluster;
  cluster.Apply(kWeb);
  cluster.Patch("apps", "deployments", "web",
                {{"spec", {{"strategy", {{"type", "Recreate"}, {"rollingUpdate", nullptr}}}}}});
  cluster.Run(absl::Seconds(5));
  cluster.Patch("apps", "deployments", "web", Image("nginx:2"));
  bool were_gone = false;
  for (int i = 0; i < 100; ++i) {
    cluster.Run(absl::Milliseconds(100));
    std::set<std::string> images;
    for (const Json& pod : cluster.List("", "pods"))
      images.insert(pod["spec"]["containers"][0]["image"]);
    EXPECT_LE(images.size(), 1u);
    were_gone |= images.contains("nginx:2");
  }
  EXPECT_TRUE(were_gone);
  EXPECT_EQ(cluster.Get("apps", "deployments", "web")["status"]["readyReplicas"], 4);
}

TEST(DeploymentTest, APausedDeploymentScalesButDoesNotRoll) {
  TestCluster cluster;
  cluster.Apply(kWeb);
  cluster.Run(absl::Seconds(5));
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"paused", true}}}});
  cluster.Patch("apps", "deployments", "web", Image("nginx:2"));
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"replicas", 6}}}});
  cluster.Run(absl::Minutes(20));
  EXPECT_EQ(cluster.List("apps", "replicasets").size(), 1u);
  Json web = cluster.Get("apps", "deployments", "web");
  EXPECT_EQ(web["status"]["readyReplicas"], 6);
  EXPECT_EQ(TextAt(ConditionOf(web["status"], "Progressing"), "reason"), "DeploymentPaused");
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"paused", nullptr}}}});
  cluster.Run(absl::Minutes(1));
  web = cluster.Get("apps", "deployments", "web");
  EXPECT_EQ(web["status"]["updatedReplicas"], 6);
  EXPECT_EQ(TextAt(ConditionOf(web["status"], "Progressing"), "reason"), "NewReplicaSetAvailable");
}

TEST(DeploymentTest, AScalingDuringARolloutIsSharedBySize) {
  TestCluster cluster;
  cluster.Apply(kWeb);
  cluster.Patch("apps", "deployments", "web",
                {{"spec",
                  {{"replicas", 10},
                   {"strategy", {{"rollingUpdate", {{"maxSurge", 3}, {"maxUnavailable", 2}}}}}}}});
  cluster.Run(absl::Seconds(5));
  cluster.kubelet().broken_images.insert("nginx:bad");
  cluster.Patch("apps", "deployments", "web", Image("nginx:bad"));
  cluster.Run(absl::Seconds(30));
  // The documentation's example: 8 old and 5 new ones become 11 and 7 at 15 replicas.
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"replicas", 15}}}});
  cluster.Run(absl::Seconds(30));
  std::vector<int64_t> sizes;
  for (const Json& set : Active(cluster)) sizes.push_back(IntAt(set, {"spec", "replicas"}));
  EXPECT_THAT(sizes, testing::UnorderedElementsAre(11, 7));
}

TEST(DeploymentTest, KeepsAsManyOldSetsAsItIsTold) {
  TestCluster cluster;
  cluster.Apply(kWeb);
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"revisionHistoryLimit", 2}}}});
  for (int i = 2; i < 8; ++i) {
    cluster.Run(absl::Seconds(60));
    cluster.Patch("apps", "deployments", "web", Image("nginx:" + std::to_string(i)));
  }
  cluster.Run(absl::Seconds(60));
  EXPECT_EQ(cluster.List("apps", "replicasets").size(), 3u);
}

TEST(ReplicaSetTest, RemovesTheUnreadyTheCheapAndTheYoungFirst) {
  TestCluster cluster;
  cluster.Apply(kWeb);
  cluster.Run(absl::Seconds(5));
  const auto pods = cluster.List("", "pods");
  cluster.Patch(
      "", "pods", pods[2]["metadata"]["name"],
      {{"metadata", {{"annotations", {{"controller.kubernetes.io/pod-deletion-cost", "-5"}}}}}});
  Json status = pods[0]["status"];
  SetCondition(status, "Ready", "False", "x", "", cluster.engine().Now(), Json());
  cluster.Patch("", "pods", pods[0]["metadata"]["name"], {{"status", status}});
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"replicas", 2}}}});
  cluster.Run(absl::Milliseconds(10));
  std::set<std::string> going;
  for (const Json& pod : cluster.List("", "pods")) {
    if (BeingDeleted(pod)) going.insert(pod["metadata"]["name"]);
  }
  EXPECT_EQ(going,
            (std::set<std::string>{pods[0]["metadata"]["name"], pods[2]["metadata"]["name"]}));
}

TEST(ReplicaSetTest, SaysWhyPodsAreRefusedAndTriesAgain) {
  TestCluster cluster;
  cluster.Apply(
      "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small}\nspec: {hard: {pods: '2'}}\n");
  cluster.Apply(kWeb);
  cluster.Run(absl::Seconds(20));
  const Json web = cluster.Get("apps", "deployments", "web");
  EXPECT_EQ(web["status"]["readyReplicas"], 2);
  EXPECT_EQ(TextAt(ConditionOf(web["status"], "ReplicaFailure"), "reason"), "FailedCreate");
  EXPECT_THAT(TextAt(ConditionOf(web["status"], "ReplicaFailure"), "message"),
              HasSubstr("exceeded quota: small"));
  const auto events = cluster.Events(cluster.List("apps", "replicasets")[0]["metadata"]["name"]);
  EXPECT_THAT(events, Contains(HasSubstr("FailedCreate: Error creating: pods \"web-")));
  EXPECT_EQ(cluster.Get("", "resourcequotas", "small")["status"]["used"]["pods"], "2");
  cluster.Delete("", "resourcequotas", "small");
  cluster.Run(absl::Minutes(5));
  EXPECT_EQ(cluster.Get("apps", "deployments", "web")["status"]["readyReplicas"], 4);
  EXPECT_TRUE(
      ConditionOf(cluster.Get("apps", "deployments", "web")["status"], "ReplicaFailure").is_null());
}

TEST(ReplicaSetTest, TakesInOrphansAndLetsStrangersGo) {
  TestCluster cluster;
  cluster.Apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: lone, labels: {app: web}}\nspec: {containers: "
      "[{name: c, image: i}]}\n");
  cluster.Apply(
      "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: rs}\nspec: {replicas: 3, selector: "
      "{matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: "
      "[{name: c, "
      "image: i}]}}}\n");
  cluster.Run(absl::Seconds(5));
  EXPECT_EQ(cluster.List("", "pods").size(), 3u);
  EXPECT_EQ(TextAt(ControllerOf(cluster.Get("", "pods", "lone")), "name"), "rs");
  cluster.Patch("", "pods", "lone", {{"metadata", {{"labels", {{"app", "debug"}}}}}});
  cluster.Run(absl::Seconds(5));
  EXPECT_TRUE(ControllerOf(cluster.Get("", "pods", "lone")).is_null());
  EXPECT_EQ(cluster.List("", "pods").size(), 4u);
}

TEST(EngineTest, AnObjectOfOddShapeDoesNotStopTheOthers) {
  TestCluster cluster;
  // As a folder may bring it: nobody validated it.
  (void)cluster.store().Create(
      cluster.engine().Type("apps", "deployments"),
      Json::parse(
          R"({"metadata":{"name":"odd","namespace":"default","annotations":"text"},"spec":{"replicas":"many","selector":{"matchLabels":{"a":"b"}},"template":[1]},"status":7})"));
  (void)cluster.store().Create(
      cluster.engine().Type("", "pods"),
      Json::parse(
          R"({"metadata":{"name":"odd","namespace":"default","ownerReferences":{}},"spec":[],"status":"x"})"));
  (void)cluster.store().Create(
      cluster.engine().Type("", "services"),
      Json::parse(
          R"({"metadata":{"name":"odd","namespace":"default"},"spec":{"selector":{"a":1},"ports":{}}})"));
  cluster.Apply(kWeb);
  cluster.Run(absl::Minutes(1));
  EXPECT_EQ(cluster.Get("apps", "deployments", "web")["status"]["readyReplicas"], 4);
}

TEST(EngineTest, ImpossibleSizesDoNotStopTime) {
  TestCluster cluster(1, false);
  cluster.Apply(kWeb);
  cluster.Apply(
      "apiVersion: batch/v1\nkind: Job\nmetadata: {name: big}\nspec: {parallelism: 2000000000, "
      "completions: 2000000000, template: {spec: {restartPolicy: Never, containers: [{name: c, "
      "image: i}]}}}\n");
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"replicas", 2000000000}}}});
  cluster.Run(absl::Seconds(1));
  EXPECT_GE(cluster.List("", "pods").size(), 500u);
  EXPECT_LE(cluster.List("", "pods").size(), 700u);
}

TEST(EngineTest, TheSameSeedGivesTheSameBytesAfterAnHourOfChurn) {
  auto run = [](uint64_t seed) {
    TestCluster cluster(seed);
    cluster.Apply(kWeb);
    for (int i = 0; i < 12; ++i) {
      cluster.Run(absl::Minutes(5));
      cluster.Patch("apps", "deployments", "web", Image("nginx:" + std::to_string(i % 7)));
      cluster.Patch("apps", "deployments", "web", {{"spec", {{"replicas", 3 + i % 5}}}});
    }
    return cluster.Dump();
  };
  const std::string first = run(7);
  EXPECT_GT(first.size(), 10000u);
  EXPECT_EQ(first, run(7));
  EXPECT_NE(first, run(8));
}

}  // namespace
}  // namespace opsmesh::kubesim
