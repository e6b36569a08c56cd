// Rollouts in their less ordinary turns: rounding, lateness and recovery, owners that change;
// ReplicationControllers.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/behaviour/testing_cluster.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

std::string Web(int replicas, const std::string& more = "") {
  return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: default}\nspec:\n"
         "  replicas: " +
         std::to_string(replicas) + "\n" + more +
         "  selector: {matchLabels: {app: web}}\n"
         "  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "
         "\"nginx:1\"}]}}\n";
}

void SetImage(TestCluster& cluster, const std::string& image) {
  cluster.Patch(
      "apps", "deployments", "web",
      {{"spec",
        {{"template", {{"spec", {{"containers", {{{"name", "web"}, {"image", image}}}}}}}}}}});
}

std::string Progress(TestCluster& cluster, const char* member) {
  return TextAt(ConditionOf(cluster.Get("apps", "deployments", "web")["status"], "Progressing"),
                member);
}

TEST(RolloutTest, SurgeIsRoundedUpAndUnavailabilityDown) {
  TestCluster cluster;
  cluster.kubelet().broken_images = {"nginx:broken"};
  cluster.Apply(Web(10, "  strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}}\n"));
  cluster.Run(absl::Seconds(5));
  SetImage(cluster, "nginx:broken");
  cluster.Run(absl::Minutes(1));
  const Json status = cluster.Get("apps", "deployments", "web")["status"];
  EXPECT_EQ(status["replicas"], 13) << "10 + ceil(2.5)";
  EXPECT_EQ(status["availableReplicas"], 8) << "10 - floor(2.5)";
  EXPECT_EQ(status["updatedReplicas"], 5);
}

TEST(RolloutTest, BothLimitsZeroMeanOneUnavailable) {
  TestCluster cluster;
  cluster.kubelet().broken_images = {"nginx:broken"};
  cluster.Apply(Web(3, "  strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 10%}}\n"));
  cluster.Run(absl::Seconds(5));
  SetImage(cluster, "nginx:broken");
  cluster.Run(absl::Minutes(1));
  const Json status = cluster.Get("apps", "deployments", "web")["status"];
  EXPECT_EQ(status["replicas"], 3);
  EXPECT_EQ(status["availableReplicas"], 2);
}

TEST(RolloutTest, ALateRolloutThatIsMendedProgressesAgain) {
  TestCluster cluster;
  cluster.kubelet().broken_images = {"nginx:broken"};
  cluster.Apply(Web(2, "  progressDeadlineSeconds: 60\n"));
  cluster.Run(absl::Seconds(5));
  SetImage(cluster, "nginx:broken");
  cluster.Run(absl::Minutes(2));
  EXPECT_EQ(Progress(cluster, "reason"), "ProgressDeadlineExceeded");
  EXPECT_EQ(Progress(cluster, "status"), "False");
  SetImage(cluster, "nginx:2");
  cluster.Run(absl::Seconds(2));
  EXPECT_EQ(Progress(cluster, "status"), "True");
  cluster.Run(absl::Minutes(1));
  EXPECT_EQ(Progress(cluster, "reason"), "NewReplicaSetAvailable");
  cluster.Run(absl::Minutes(5));
  EXPECT_EQ(Progress(cluster, "reason"), "NewReplicaSetAvailable") << "who is done is never late";
}

TEST(RolloutTest, APausedRolloutIsNotLateAndGoesOnWhenResumed) {
  TestCluster cluster;
  cluster.kubelet().broken_images = {"nginx:broken"};
  cluster.Apply(Web(2, "  progressDeadlineSeconds: 60\n"));
  cluster.Run(absl::Seconds(5));
  SetImage(cluster, "nginx:broken");
  cluster.Run(absl::Seconds(20));
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"paused", true}}}});
  cluster.Run(absl::Minutes(10));
  EXPECT_EQ(Progress(cluster, "reason"), "DeploymentPaused");
  EXPECT_EQ(Progress(cluster, "status"), "Unknown");
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"paused", nullptr}}}});
  cluster.Run(absl::Seconds(2));
  EXPECT_EQ(Progress(cluster, "reason"), "DeploymentResumed");
  cluster.Run(absl::Minutes(2));
  EXPECT_EQ(Progress(cluster, "reason"), "ProgressDeadlineExceeded");
}

TEST(RolloutTest, ASetWhoseLabelsAreChangedIsLetGoAndAnotherTakesItsPlace) {
  TestCluster cluster;
  cluster.Apply(Web(2));
  cluster.Run(absl::Seconds(5));
  const std::string name = cluster.List("apps", "replicasets")[0]["metadata"]["name"];
  cluster.Patch("apps", "replicasets", name, {{"metadata", {{"labels", {{"app", "other"}}}}}});
  cluster.Run(absl::Seconds(5));
  EXPECT_FALSE(cluster.Get("apps", "replicasets", name)["metadata"].contains("ownerReferences"));
  // Its name is taken, so the next hash is tried.
  EXPECT_EQ(cluster.List("apps", "replicasets").size(), 2u);
  EXPECT_EQ(cluster.Get("apps", "deployments", "web")["status"]["collisionCount"], 1);
  cluster.Patch("apps", "replicasets", name, {{"metadata", {{"labels", {{"app", "web"}}}}}});
  cluster.Run(absl::Seconds(5));
  EXPECT_TRUE(cluster.Get("apps", "replicasets", name)["metadata"].contains("ownerReferences"));
}

TEST(RolloutTest, AThousandPodsRollOutWithinTheirLimits) {
  TestCluster cluster;
  cluster.Apply(Web(1000));
  cluster.Run(absl::Minutes(2));
  ASSERT_EQ(cluster.Get("apps", "deployments", "web")["status"]["availableReplicas"], 1000);
  SetImage(cluster, "nginx:2");
  for (int second = 0; second < 60; ++second) {
    cluster.Run(absl::Seconds(1));
    const Json status = cluster.Get("apps", "deployments", "web")["status"];
    EXPECT_GE(IntAt(status, "availableReplicas"), 750);
    EXPECT_LE(IntAt(status, "replicas"), 1250);
  }
  const Json status = cluster.Get("apps", "deployments", "web")["status"];
  EXPECT_EQ(status["updatedReplicas"], 1000);
  EXPECT_EQ(status["availableReplicas"], 1000);
}

TEST(ReplicationControllerTest, KeepsItsNumberOfPodsAndTakesInOrphans) {
  TestCluster cluster;
  cluster.Apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: stray, namespace: default, labels: {app: old}}\n"
      "spec: {containers: [{name: c, image: \"nginx:1\"}]}\n");
  cluster.Run(absl::Seconds(3));
  cluster.Apply(
      "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: old, namespace: default}\n"
      "spec:\n  replicas: 3\n  selector: {app: old}\n"
      "  template: {metadata: {labels: {app: old}}, spec: {containers: [{name: c, image: "
      "\"nginx:1\"}]}}\n");
  cluster.Run(absl::Seconds(5));
  EXPECT_EQ(cluster.List("", "pods").size(), 3u);
  const Json owner = cluster.Get("", "pods", "stray")["metadata"]["ownerReferences"][0];
  EXPECT_EQ(owner["kind"], "ReplicationController");
  EXPECT_EQ(owner["apiVersion"], "v1");
  Json controller = cluster.Get("", "replicationcontrollers", "old");
  EXPECT_EQ(controller["status"]["readyReplicas"], 3);
  EXPECT_EQ(controller["status"]["fullyLabeledReplicas"], 3);
  EXPECT_THAT(cluster.Events("old"), Contains(StartsWith("SuccessfulCreate: Created pod: old-")));
  cluster.Patch("", "replicationcontrollers", "old", {{"spec", {{"replicas", 1}}}});
  cluster.Run(absl::Seconds(5));
  EXPECT_EQ(cluster.List("", "pods").size(), 1u);
  cluster.Delete("", "replicationcontrollers", "old", {{"propagationPolicy", "Background"}});
  cluster.Run(absl::Seconds(10));
  EXPECT_TRUE(cluster.List("", "pods").empty());
}

}  // namespace
}  // namespace opsmesh::kubesim
