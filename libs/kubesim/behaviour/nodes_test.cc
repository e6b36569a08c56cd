#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/behaviour/testing_cluster.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr const char* kPair =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2, selector: "
    "{matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: "
    "[{name: c, image: i}]}}}\n";

TEST(NodeLifecycleTest, ASilentNodeIsMarkedTaintedAndEmptied) {
  TestCluster cluster;
  cluster.Apply(kPair);
  cluster.Apply(
      "apiVersion: v1\nkind: Node\nmetadata: {name: node-2}\nspec: {}\nstatus: {conditions: "
      "[{type: Ready, status: 'True'}]}\n");
  cluster.Run(absl::Seconds(20));
  const auto pods = cluster.List("", "pods");
  cluster.kubelet().silent_nodes.insert("node-1");
  cluster.Run(absl::Seconds(30));
  EXPECT_EQ(TextAt(ConditionOf(cluster.Get("", "nodes", "node-1")["status"], "Ready"), "status"),
            "True");
  cluster.Run(absl::Seconds(25));
  const Json node = cluster.Get("", "nodes", "node-1");
  EXPECT_EQ(TextAt(ConditionOf(node["status"], "Ready"), "status"), "Unknown");
  EXPECT_EQ(TextAt(ConditionOf(node["status"], "Ready"), "message"),
            "Kubelet stopped posting node status.");
  ASSERT_EQ(node["spec"]["taints"].size(), 2u);
  EXPECT_EQ(node["spec"]["taints"][0]["key"], "node.kubernetes.io/unreachable");
  EXPECT_THAT(cluster.Events("node-1"),
              Contains(HasSubstr("NodeNotReady: Node node-1 status is now: NodeNotReady")));
  EXPECT_THAT(cluster.Events(pods[0]["metadata"]["name"]),
              Contains(HasSubstr("NodeNotReady: Node is not ready")));
  EXPECT_EQ(
      TextAt(ConditionOf(cluster.Get("", "pods", pods[0]["metadata"]["name"])["status"], "Ready"),
             "status"),
      "False");
  EXPECT_FALSE(cluster.Get("apps", "deployments", "web")["status"].contains("readyReplicas"));
  // Pods tolerate that for five minutes.
  cluster.kubelet().node = "node-2";
  cluster.Run(absl::Seconds(280));
  EXPECT_EQ(cluster.List("", "pods").size(), 2u);
  cluster.Run(absl::Seconds(40));
  EXPECT_THAT(cluster.Events(pods[0]["metadata"]["name"]),
              Contains(HasSubstr("TaintManagerEviction: Marking for deletion Pod default/")));
  EXPECT_EQ(cluster.Get("apps", "deployments", "web")["status"]["readyReplicas"], 2);
  for (const Json& pod : cluster.List("", "pods")) EXPECT_EQ(pod["spec"]["nodeName"], "node-2");
}

std::string Nodes(int from, int to, const char* zone) {
  std::string yaml;
  for (int i = from; i < to; ++i) {
    yaml += "---\napiVersion: v1\nkind: Node\nmetadata: {name: m-" + std::to_string(i) +
            ", labels: {topology.kubernetes.io/zone: " + zone +
            "}}\nspec: {}\nstatus: {conditions: [{type: Ready, status: 'True'}]}\n";
  }
  return yaml;
}

// Nodes with a taint of an effect.
int Tainted(TestCluster& cluster, const char* effect) {
  int count = 0;
  for (const Json& node : cluster.List("", "nodes")) {
    for (const Json& taint : ListAt(node, {"spec", "taints"}))
      count += taint["effect"] == effect && taint["key"] == "node.kubernetes.io/unreachable";
  }
  return count;
}

TEST(NodeLifecycleTest, NobodyIsEvictedWhenEveryNodeFallsSilent) {
  TestCluster cluster;
  cluster.Apply(kPair);
  cluster.Apply(Nodes(0, 3, "a"));
  cluster.Run(absl::Seconds(20));
  for (const char* node : {"node-1", "m-0", "m-1", "m-2"})
    cluster.kubelet().silent_nodes.insert(node);
  cluster.Run(absl::Minutes(10));
  EXPECT_EQ(Tainted(cluster, "NoSchedule"), 4);
  EXPECT_EQ(Tainted(cluster, "NoExecute"), 0);
  EXPECT_EQ(cluster.List("", "pods").size(), 2u);
  for (const Json& pod : cluster.List("", "pods")) EXPECT_FALSE(BeingDeleted(pod));
  cluster.kubelet().silent_nodes.clear();
}

TEST(NodeLifecycleTest, NodesOfAZoneAreGivenUpOneAfterTheOtherAndNotWhenMostOfASmallOneIsDown) {
  TestCluster cluster;
  cluster.Apply(Nodes(0, 6, "a"));
  cluster.Apply(Nodes(6, 12, "b"));
  cluster.Run(absl::Seconds(20));
  for (const char* node : {"m-0", "m-1"}) cluster.kubelet().silent_nodes.insert(node);
  cluster.Run(absl::Seconds(57));
  EXPECT_EQ(Tainted(cluster, "NoSchedule"), 2);
  EXPECT_EQ(Tainted(cluster, "NoExecute"), 1) << "the other in ten seconds";
  cluster.Run(absl::Seconds(15));
  EXPECT_EQ(Tainted(cluster, "NoExecute"), 2);
  for (const char* node : {"m-6", "m-7", "m-8", "m-9"}) cluster.kubelet().silent_nodes.insert(node);
  cluster.Run(absl::Minutes(5));
  EXPECT_EQ(Tainted(cluster, "NoSchedule"), 6);
  EXPECT_EQ(Tainted(cluster, "NoExecute"), 2) << "four of six: zone b is left alone";
}

TEST(NodeLifecycleTest, CordonAndPressureAreTaintsToo) {
  TestCluster cluster;
  cluster.Patch("", "nodes", "node-1", {{"spec", {{"unschedulable", true}}}});
  cluster.Run(absl::Seconds(1));
  EXPECT_EQ(cluster.Get("", "nodes", "node-1")["spec"]["taints"][0]["key"],
            "node.kubernetes.io/unschedulable");
  cluster.Patch("", "nodes", "node-1", {{"spec", {{"unschedulable", nullptr}}}});
  cluster.Run(absl::Seconds(1));
  EXPECT_FALSE(cluster.Get("", "nodes", "node-1")["spec"].contains("taints"));
}

TEST(PodCollectorTest, PodsOfANodeThatIsGoneGo) {
  TestCluster cluster;
  cluster.Apply(kPair);
  cluster.Apply("apiVersion: v1\nkind: Node\nmetadata: {name: node-2}\nspec: {}\nstatus: {}\n");
  cluster.Run(absl::Seconds(5));
  cluster.kubelet().node = "node-2";
  cluster.Delete("", "nodes", "node-1");
  cluster.Run(absl::Minutes(2));
  const auto pods = cluster.List("", "pods");
  EXPECT_EQ(pods.size(), 2u);
  for (const Json& pod : pods) EXPECT_EQ(pod["spec"]["nodeName"], "node-2");
}

TEST(DisruptionTest, CountsWhatMayGo) {
  TestCluster cluster;
  cluster.Apply(kPair);
  cluster.Apply(
      "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: most}\nspec: "
      "{maxUnavailable: 1, selector: {matchLabels: {app: web}}}\n");
  cluster.Apply(
      "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: least}\nspec: "
      "{minAvailable: '100%', selector: {matchLabels: {app: web}}}\n");
  cluster.Run(absl::Seconds(5));
  const Json most = cluster.Get("policy", "poddisruptionbudgets", "most")["status"];
  EXPECT_EQ(most["disruptionsAllowed"], 1);
  EXPECT_EQ(most["desiredHealthy"], 1);
  EXPECT_EQ(TextAt(ConditionOf(most, "DisruptionAllowed"), "reason"), "SufficientPods");
  const Json least = cluster.Get("policy", "poddisruptionbudgets", "least")["status"];
  EXPECT_EQ(least["disruptionsAllowed"], 0);
  EXPECT_EQ(least["expectedPods"], 2);
  EXPECT_EQ(TextAt(ConditionOf(least, "DisruptionAllowed"), "reason"), "InsufficientPods");
}

TEST(DisruptionTest, NothingMayGoWhileNobodyKnowsHowManyThereShouldBe) {
  TestCluster cluster;
  cluster.Apply(
      "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: agent}\nspec: {selector: "
      "{matchLabels: "
      "{app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: c, "
      "image: \"a:1\"}]}}}\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: "
      "{name: "
      "share}\nspec: {maxUnavailable: 50%, selector: {matchLabels: {app: "
      "agent}}}\n---\napiVersion: "
      "policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: count}\nspec: {minAvailable: 0, "
      "selector: {matchLabels: {app: agent}}}\n");
  cluster.Run(absl::Seconds(5));
  const Json share = cluster.Get("policy", "poddisruptionbudgets", "share")["status"];
  EXPECT_EQ(share["disruptionsAllowed"], 0);
  EXPECT_EQ(TextAt(ConditionOf(share, "DisruptionAllowed"), "reason"), "SyncFailed");
  EXPECT_EQ(TextAt(ConditionOf(share, "DisruptionAllowed"), "message"),
            "daemonsets.apps does not implement the scale subresource");
  const Json count = cluster.Get("policy", "poddisruptionbudgets", "count")["status"];
  EXPECT_EQ(count["disruptionsAllowed"], 1) << "a number needs no controller";
}

TEST(DisruptionTest, SharesAreOfWhatTheControllersWantAndRoundedUp) {
  TestCluster cluster;
  cluster.kubelet().broken_images = {"x:broken"};
  cluster.Apply(
      "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: old}\nspec: {replicas: 7, "
      "selector: {app: old}, template: {metadata: {labels: {app: old}}, spec: {containers: [{name: "
      "c, image: \"x:1\"}]}}}\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: "
      "{name: most}\nspec: {maxUnavailable: 30%, selector: {matchLabels: {app: old}}}\n---\n"
      "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: least}\nspec: "
      "{minAvailable: 30%, selector: {matchLabels: {app: old}}}\n");
  cluster.Run(absl::Seconds(5));
  const Json most = cluster.Get("policy", "poddisruptionbudgets", "most")["status"];
  EXPECT_EQ(most["expectedPods"], 7);
  EXPECT_EQ(most["desiredHealthy"], 4) << "7 - ceil(2.1)";
  EXPECT_EQ(most["disruptionsAllowed"], 3);
  const Json least = cluster.Get("policy", "poddisruptionbudgets", "least")["status"];
  EXPECT_EQ(least["desiredHealthy"], 3) << "ceil(2.1)";
}

constexpr const char* kClasses = R"(
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard}
provisioner: csi.example.com
allowVolumeExpansion: true
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: late}
provisioner: csi.example.com
volumeBindingMode: WaitForFirstConsumer
)";

std::string Claim(const std::string& name, const std::string& storage, const std::string& size) {
  return "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: " + name +
         "}\nspec: {accessModes: [ReadWriteOnce], storageClassName: '" + storage +
         "', resources: {requests: {storage: " + size + "}}}\n";
}

TEST(VolumeTest, ClaimsAreServedByTheirClass) {
  TestCluster cluster;
  cluster.Apply(kClasses);
  cluster.Apply(Claim("now", "standard", "5Gi"));
  cluster.Apply(Claim("later", "late", "5Gi"));
  cluster.Apply(Claim("never", "missing", "5Gi"));
  cluster.Run(absl::Seconds(20));
  const Json now = cluster.Get("", "persistentvolumeclaims", "now");
  EXPECT_EQ(now["status"]["phase"], "Bound");
  EXPECT_EQ(now["status"]["capacity"]["storage"], "5Gi");
  const Json volume = cluster.Get("", "persistentvolumes", now["spec"]["volumeName"]);
  EXPECT_EQ(volume["status"]["phase"], "Bound");
  EXPECT_EQ(volume["spec"]["persistentVolumeReclaimPolicy"], "Delete");
  EXPECT_THAT(cluster.Events("now"),
              Contains(HasSubstr("ProvisioningSucceeded: Successfully provisioned volume pvc-")));
  EXPECT_THAT(
      cluster.Events("later"),
      Contains(HasSubstr(
          "WaitForFirstConsumer: waiting for first consumer to be created before binding")));
  EXPECT_THAT(cluster.Events("never"),
              Contains(HasSubstr(
                  "ProvisioningFailed: storageclass.storage.k8s.io \"missing\" not found (x2)")));
  cluster.Apply(
      "apiVersion: v1\nkind: Pod\nmetadata: {name: user}\nspec: {containers: [{name: c, image: "
      "i}], volumes: [{name: v, persistentVolumeClaim: {claimName: later}}]}\n");
  cluster.Run(absl::Seconds(20));
  EXPECT_EQ(cluster.Get("", "persistentvolumeclaims", "later")["status"]["phase"], "Bound");
}

TEST(VolumeTest, AClaimTakesTheSmallestVolumeThatFitsAndGivesItBack) {
  TestCluster cluster;
  for (const std::string size : {"20", "8", "2"}) {
    cluster.Apply(
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: pv-" + size +
        "}\nspec: {capacity: {storage: " + size +
        "Gi}, accessModes: [ReadWriteOnce], storageClassName: manual, hostPath: {path: /x}}\n");
  }
  cluster.Apply(Claim("c", "manual", "5Gi"));
  cluster.Run(absl::Seconds(1));
  EXPECT_EQ(cluster.Get("", "persistentvolumeclaims", "c")["spec"]["volumeName"], "pv-8");
  EXPECT_EQ(cluster.Get("", "persistentvolumes", "pv-20")["status"]["phase"], "Available");
  cluster.Delete("", "persistentvolumeclaims", "c");
  cluster.Run(absl::Seconds(1));
  EXPECT_TRUE(cluster.Get("", "persistentvolumeclaims", "c").is_null());
  EXPECT_EQ(cluster.Get("", "persistentvolumes", "pv-8")["status"]["phase"], "Released");
}

TEST(VolumeTest, GrowsWhenTheClassAllows) {
  TestCluster cluster;
  cluster.Apply(kClasses);
  cluster.Apply(Claim("c", "standard", "5Gi"));
  cluster.Run(absl::Seconds(5));
  cluster.Patch("", "persistentvolumeclaims", "c",
                {{"spec", {{"resources", {{"requests", {{"storage", "9Gi"}}}}}}}});
  cluster.Run(absl::Seconds(10));
  EXPECT_EQ(cluster.Get("", "persistentvolumeclaims", "c")["status"]["capacity"]["storage"], "9Gi");
  EXPECT_FALSE(cluster.Get("", "persistentvolumeclaims", "c")["status"].contains("conditions"));
}

}  // namespace
}  // namespace opsmesh::kubesim
