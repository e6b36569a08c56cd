// What a real kube-controller-manager does and tests/e2e/controller_judge found otherwise here
// once.
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/behaviour/testing_cluster.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

Json JudgedImage(const std::string& image) {
  return {{"spec",
           {{"template",
             {{"spec", {{"containers", Json::array({{{"name", "web"}, {"image", image}}})}}}}}}}};
}

TEST(JudgedTest, AStuckRolloutThatIsShrunkKeepsItsAvailability) {
  TestCluster cluster;
  cluster.kubelet().broken_images = {"nginx:broken"};
  cluster.Apply(R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 10
  strategy: {rollingUpdate: {maxSurge: 3, maxUnavailable: 2}}
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: "nginx:1"}]}}
)");
  cluster.Run(absl::Seconds(10));
  cluster.Patch("apps", "deployments", "web", JudgedImage("nginx:broken"));
  cluster.Run(absl::Seconds(30));
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"replicas", 15}}}});
  cluster.Run(absl::Seconds(30));
  cluster.Patch("apps", "deployments", "web", {{"spec", {{"replicas", 6}}}});
  cluster.Run(absl::Seconds(30));
  const Json status = cluster.Get("apps", "deployments", "web")["status"];
  EXPECT_EQ(status["availableReplicas"], 4) << "6 - maxUnavailable";
  EXPECT_EQ(status["replicas"], 9) << "6 + maxSurge";
}

TEST(JudgedTest, ANamesakeTakesRevisionsAndPodsInAsTheyAre) {
  TestCluster cluster;
  const std::string manifest = R"(
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: default}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: web, image: "nginx:1"}]}}
)";
  cluster.Apply(manifest);
  cluster.Run(absl::Seconds(20));
  const std::string uid = TextAt(cluster.Get("", "pods", "db-0"), {"metadata", "uid"});
  cluster.Delete("apps", "statefulsets", "db", {{"propagationPolicy", "Orphan"}});
  cluster.Run(absl::Seconds(5));
  cluster.Apply(manifest);
  cluster.Run(absl::Seconds(20));
  EXPECT_EQ(TextAt(cluster.Get("", "pods", "db-0"), {"metadata", "uid"}), uid);
  const auto revisions = cluster.List("apps", "controllerrevisions");
  ASSERT_EQ(revisions.size(), 1u);
  EXPECT_EQ(TextAt(ControllerOf(revisions[0]), "uid"),
            TextAt(cluster.Get("apps", "statefulsets", "db"), {"metadata", "uid"}));
}

TEST(JudgedTest, ADaemonSetFollowsANodeAndNumbersItsTemplates) {
  TestCluster cluster;
  cluster.Run(absl::Seconds(1));
  cluster.Patch("", "nodes", "node-1",
                {{"metadata", {{"labels", {{"kubernetes.io/os", "linux"}, {"zone", "a"}}}}}}, "");
  cluster.Apply(R"(
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: default}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      containers: [{name: web, image: "nginx:1"}]
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: In, values: [a]}]}]
)");
  cluster.Run(absl::Seconds(10));
  auto pods = cluster.List("", "pods");
  ASSERT_EQ(pods.size(), 1u);
  const Json& term =
      At(pods[0], {"spec", "affinity", "nodeAffinity",
                   "requiredDuringSchedulingIgnoredDuringExecution"})["nodeSelectorTerms"][0];
  EXPECT_TRUE(term.contains("matchFields"));
  EXPECT_FALSE(term.contains("matchExpressions")) << "the node was chosen by them";
  EXPECT_EQ(TextAt(cluster.Get("", "nodes", "node-1", ""),
                   {"metadata", "labels", "beta.kubernetes.io/os"}),
            "linux");
}

TEST(JudgedTest, AnOwnerOfAKindThatIsNotServedKeepsItsObjects) {
  TestCluster cluster;
  cluster.Apply(R"(
apiVersion: v1
kind: ConfigMap
metadata:
  name: kept
  namespace: default
  ownerReferences: [{apiVersion: example.com/v1, kind: Nothing, name: x, uid: 11111111-2222-3333-4444-666666666666}]
)");
  cluster.Run(absl::Minutes(5));
  EXPECT_FALSE(cluster.Get("", "configmaps", "kept").is_null());
}

TEST(JudgedTest, PatienceWithATaintEndsThoughNobodySaysWhenItCame) {
  TestCluster cluster;
  cluster.Apply(R"(
apiVersion: v1
kind: Pod
metadata: {name: brief, namespace: default}
spec:
  containers: [{name: web, image: "nginx:1"}]
  tolerations: [{key: dedicated, operator: Exists, effect: NoExecute, tolerationSeconds: 20}]
---
apiVersion: v1
kind: Pod
metadata: {name: patient, namespace: default}
spec:
  containers: [{name: web, image: "nginx:1"}]
  tolerations: [{key: dedicated, operator: Exists, effect: NoExecute, tolerationSeconds: 600}]
)");
  cluster.Run(absl::Seconds(10));
  const Json taint = {{"key", "dedicated"}, {"value", "x"}, {"effect", "NoExecute"}};
  cluster.Patch("", "nodes", "node-1", {{"spec", {{"taints", Json::array({taint})}}}}, "");
  cluster.Run(absl::Seconds(15));
  EXPECT_FALSE(cluster.Get("", "pods", "brief").is_null());
  cluster.Run(absl::Seconds(15));
  EXPECT_TRUE(cluster.Get("", "pods", "brief").is_null());
  cluster.Patch("", "nodes", "node-1", {{"spec", {{"taints", nullptr}}}}, "");
  cluster.Run(absl::Minutes(20));
  EXPECT_FALSE(cluster.Get("", "pods", "patient").is_null());
  EXPECT_THAT(cluster.Events("patient"),
              Contains(HasSubstr("Cancelling deletion of Pod default/patient")));
}

TEST(JudgedTest, EndpointsOfAServiceWithoutSelectorAreMirrored) {
  TestCluster cluster;
  cluster.Apply(R"(
apiVersion: v1
kind: Service
metadata: {name: outside, namespace: default}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: outside, namespace: default, labels: {team: a}}
subsets:
- addresses: [{ip: 192.0.2.80}]
  notReadyAddresses: [{ip: 192.0.2.81}]
  ports: [{port: 80}]
)");
  cluster.Run(absl::Seconds(5));
  auto slices = cluster.List("discovery.k8s.io", "endpointslices");
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_EQ(ListAt(slices[0], {"endpoints"}).size(), 2u);
  EXPECT_EQ(TextAt(At(slices[0], {"metadata", "labels"}), "endpointslice.kubernetes.io/managed-by"),
            "endpointslicemirroring-controller.k8s.io");
  EXPECT_EQ(TextAt(slices[0]["ports"][0], "name"), "");
  EXPECT_TRUE(slices[0]["ports"][0].contains("name"));
  cluster.Delete("", "endpoints", "outside");
  cluster.Run(absl::Seconds(5));
  EXPECT_TRUE(cluster.List("discovery.k8s.io", "endpointslices").empty());
}

TEST(JudgedTest, AVolumeThatIsLostOrTakenIsSaid) {
  TestCluster cluster;
  cluster.Apply(R"(
apiVersion: v1
kind: PersistentVolume
metadata: {name: kept}
spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /tmp/x}, storageClassName: manual, persistentVolumeReclaimPolicy: Retain, claimRef: {namespace: default, name: mine}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: thief, namespace: default}
spec: {accessModes: [ReadWriteOnce], storageClassName: manual, resources: {requests: {storage: 5Gi}}, volumeName: kept}
)");
  cluster.Run(absl::Seconds(5));
  EXPECT_EQ(TextAt(cluster.Get("", "persistentvolumes", "kept", ""), {"status", "phase"}),
            "Available")
      << "reserved is not bound";
  cluster.Apply(R"(
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: mine, namespace: default}
spec: {accessModes: [ReadWriteOnce], storageClassName: manual, resources: {requests: {storage: 1Gi}}}
)");
  cluster.Run(absl::Minutes(1));
  EXPECT_EQ(TextAt(cluster.Get("", "persistentvolumeclaims", "mine"), {"status", "phase"}),
            "Bound");
  EXPECT_THAT(cluster.Events("thief"),
              Contains(HasSubstr("volume \"kept\" already bound to a different claim.")));
}

std::string OwnedMap(const std::string& name, const std::string& kind, const std::string& owner,
                     const std::string& uid, const std::string& ns = "default") {
  return fmt::format(
      "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {}, namespace: {}, ownerReferences: "
      "[{{apiVersion: v1, kind: {}, name: {}, uid: {}}}]}}}}\n",
      name, ns, kind, owner, uid);
}

TEST(JudgedTest, AnOwnerOfAnotherKindNameOrNamespaceIsNone) {
  TestCluster cluster;
  cluster.Apply(
      "{apiVersion: v1, kind: Namespace, metadata: {name: far}}\n---\n"
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: root, namespace: default}}\n");
  const std::string uid = TextAt(cluster.Get("", "configmaps", "root"), {"metadata", "uid"});
  cluster.Apply(OwnedMap("right", "ConfigMap", "root", uid) + "---\n" +
                OwnedMap("wrong-kind", "Secret", "root", uid) + "---\n" +
                OwnedMap("wrong-name", "ConfigMap", "other", uid) + "---\n" +
                OwnedMap("cross", "ConfigMap", "root", uid, "far"));
  cluster.Run(absl::Seconds(5));
  EXPECT_FALSE(cluster.Get("", "configmaps", "right").is_null());
  EXPECT_TRUE(cluster.Get("", "configmaps", "wrong-kind").is_null());
  EXPECT_TRUE(cluster.Get("", "configmaps", "wrong-name").is_null());
  EXPECT_TRUE(cluster.Get("", "configmaps", "cross", "far").is_null());
  EXPECT_THAT(cluster.Events("cross", "far"),
              Contains(fmt::format("OwnerRefInvalidNamespace: ownerRef [v1/ConfigMap, namespace: "
                                   "far, name: root, uid: {}] does not exist in namespace \"far\" "
                                   "(x1)",
                                   uid)));
}

TEST(JudgedTest, AJobTakesInPodsThatItsSelectorMatchesAndCountsThem) {
  TestCluster cluster;
  cluster.kubelet().completing_images = {"done"};
  for (const char* pod : {"ended", "going"}) {
    cluster.Apply(
        fmt::format("{{apiVersion: v1, kind: Pod, metadata: {{name: {}, namespace: default, "
                    "labels: {{app: own}}"
                    "}}, spec: {{restartPolicy: Never, containers: [{{name: c, image: {}}}]}}}}",
                    pod, pod == std::string("ended") ? "done" : "busybox"));
  }
  cluster.Run(absl::Seconds(10));
  cluster.Apply(R"(
apiVersion: batch/v1
kind: Job
metadata: {name: own, namespace: default}
spec:
  manualSelector: true
  completions: 3
  parallelism: 2
  selector: {matchLabels: {app: own}}
  template:
    metadata: {labels: {app: own}}
    spec: {restartPolicy: Never, containers: [{name: c, image: busybox}]}
)");
  cluster.Run(absl::Seconds(5));
  const Json status = cluster.Get("batch", "jobs", "own")["status"];
  EXPECT_EQ(status["succeeded"], 1) << status;
  EXPECT_EQ(status["active"], 2) << status;
  EXPECT_EQ(cluster.List("", "pods").size(), 3u);
  for (const Json& pod : cluster.List("", "pods"))
    EXPECT_EQ(TextAt(ControllerOf(pod), "name"), "own") << pod["metadata"];
}

TEST(JudgedTest, AStatefulSetNamesThePodThatItTakesIn) {
  TestCluster cluster;
  cluster.Apply(
      "{apiVersion: v1, kind: Pod, metadata: {name: db-0, namespace: default, labels: {app: db}}, "
      "spec: {containers: [{name: c, image: 'nginx:1'}]}}");
  cluster.Run(absl::Seconds(5));
  cluster.Apply(R"(
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: default}
spec:
  replicas: 1
  serviceName: db
  updateStrategy: {type: OnDelete}
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: "nginx:1"}]}}
)");
  cluster.Run(absl::Seconds(5));
  const Json pod = cluster.Get("", "pods", "db-0");
  EXPECT_EQ(TextAt(pod, {"metadata", "labels", "statefulset.kubernetes.io/pod-name"}), "db-0");
  EXPECT_EQ(TextAt(pod, {"metadata", "labels", "apps.kubernetes.io/pod-index"}), "0");
  EXPECT_THAT(cluster.Events("db"),
              Contains("SuccessfulUpdate: update Pod db-0 in StatefulSet db successful (x1)"));
}

TEST(JudgedTest, WhatPeopleMadeIsNotDeletedByAProvisioner) {
  TestCluster cluster;
  for (const auto& [name, source] : std::vector<std::pair<std::string, std::string>>{
           {"csi", "persistentVolumeReclaimPolicy: Delete, csi: {driver: d, volumeHandle: x}"},
           {"home", "persistentVolumeReclaimPolicy: Delete, hostPath: {path: /home/x}"},
           {"temp", "persistentVolumeReclaimPolicy: Delete, hostPath: {path: /tmp/x}"},
           {"scrub", "persistentVolumeReclaimPolicy: Recycle, hostPath: {path: /tmp/y}"}}) {
    cluster.Apply(fmt::format(
        "{{apiVersion: v1, kind: PersistentVolume, metadata: {{name: {0}}}, spec: {{capacity: "
        "{{storage: 1Gi}}, accessModes: [ReadWriteOnce], storageClassName: {0}, {1}}}}}\n---\n"
        "{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: {0}, namespace: "
        "default}}, spec: {{accessModes: [ReadWriteOnce], storageClassName: {0}, resources: "
        "{{requests: {{storage: 1Gi}}}}}}}}",
        name, source));
  }
  cluster.Run(absl::Seconds(5));
  ASSERT_EQ(TextAt(cluster.Get("", "persistentvolumes", "csi", ""), {"status", "phase"}), "Bound");
  for (const char* name : {"csi", "home", "temp", "scrub"})
    cluster.Delete("", "persistentvolumeclaims", name);
  cluster.Run(absl::Seconds(30));
  const Json csi = cluster.Get("", "persistentvolumes", "csi", "")["status"];
  EXPECT_EQ(TextAt(csi, "phase"), "Failed");
  EXPECT_EQ(TextAt(csi, "message"),
            "error getting deleter volume plugin for volume \"csi\": no deletable volume plugin "
            "matched");
  EXPECT_EQ(TextAt(cluster.Get("", "persistentvolumes", "home", ""), {"status", "message"}),
            "host_path deleter only supports /tmp/.+ but received provided /home/x");
  EXPECT_TRUE(cluster.Get("", "persistentvolumes", "temp", "").is_null());
  const Json scrubbed = cluster.Get("", "persistentvolumes", "scrub", "");
  EXPECT_EQ(TextAt(scrubbed, {"status", "phase"}), "Available");
  EXPECT_FALSE(scrubbed["spec"].contains("claimRef"));
}

TEST(JudgedTest, AClaimThatLeftItsClassOpenGetsTheDefaultOneLater) {
  TestCluster cluster;
  for (const char* more : {"open", "none, storageClassName: ''"}) {
    const std::string text = more;
    const size_t comma = text.find(',');
    cluster.Apply(fmt::format(
        "{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: {}, namespace: "
        "default}}, "
        "spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}{}}}}}",
        text.substr(0, comma), comma == std::string::npos ? "" : text.substr(comma)));
  }
  cluster.Run(absl::Seconds(5));
  EXPECT_EQ(TextAt(cluster.Get("", "persistentvolumeclaims", "open"), {"status", "phase"}),
            "Pending");
  cluster.Apply(
      "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: standard, annotations: "
      "{storageclass.kubernetes.io/is-default-class: 'true'}}, provisioner: csi.example.com}");
  cluster.Run(absl::Seconds(30));
  const Json open = cluster.Get("", "persistentvolumeclaims", "open");
  EXPECT_EQ(TextAt(open, {"spec", "storageClassName"}), "standard");
  EXPECT_EQ(TextAt(open, {"status", "phase"}), "Bound");
  EXPECT_EQ(TextAt(cluster.Get("", "persistentvolumeclaims", "none"), {"status", "phase"}),
            "Pending")
      << "no class is a choice";
}

}  // namespace
}  // namespace opsmesh::kubesim
