// How volumes and claims decide where a pod may go.
#include "gmock/gmock.h"
#include "libs/kubesim/behaviour/scheduler_testing.h"

namespace opsmesh::kubesim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kStorage = R"(
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: late}
provisioner: csi.example.com
volumeBindingMode: WaitForFirstConsumer
allowedTopologies: [{matchLabelExpressions: [{key: zone, values: [b]}]}]
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: local}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk-a}
spec:
  capacity: {storage: 5Gi}
  accessModes: [ReadWriteOnce]
  storageClassName: local
  local: {path: /mnt}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: In, values: [a]}]}]}}
)";

std::string Claim(const std::string& name, const std::string& storage,
                  const std::string& size = "1Gi", const std::string& mode = "ReadWriteOnce") {
  return fmt::format(
      "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {}}}\nspec: {{accessModes: "
      "[{}], storageClassName: {}, "
      "resources: {{requests: {{storage: {}}}}}}}\n",
      name, mode, storage, size);
}
std::string Using(const std::string& claim) {
  return "volumes: [{name: v, persistentVolumeClaim: {claimName: " + claim + "}}]";
}

TEST_F(SchedulerTest, VolumesDecideWhereAPodMayGo) {
  Node("n1", "zone: a");
  Node("n2", "zone: b");
  Apply(kStorage);
  for (const char* claim : {"late", "big", "disk"})
    Apply(Claim(claim, claim == std::string("late") ? "late" : "local",
                claim == std::string("big") ? "50Gi" : "1Gi"));
  EXPECT_EQ(Why(Using("nowhere")),
            "0/2 nodes are available: persistentvolumeclaim \"nowhere\" not found.");
  EXPECT_THAT(Where(Using("late")), ElementsAre("n2")) << "the class provides in zone b only";
  EXPECT_THAT(Where(Using("disk")), ElementsAre("n1")) << "the only volume stands in zone a";
  EXPECT_EQ(Why(Using("big")),
            "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.");
  Pod("user", "image: nginx", Using("disk"));
  Run(absl::Seconds(10));
  EXPECT_EQ(TextAt(GetPod("user"), {"spec", "nodeName"}), "n1");
  EXPECT_EQ(TextAt(Get("persistentvolumeclaims", "disk"), {"spec", "volumeName"}), "disk-a");
  EXPECT_EQ(Why(Using("disk") + ", nodeSelector: {zone: b}"),
            "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 "
            "node(s) had volume node affinity conflict.");
  Pod("late", "image: nginx", Using("late"));
  Run(absl::Seconds(10));
  EXPECT_EQ(TextAt(GetPod("late"), {"spec", "nodeName"}), "n2");
}

TEST_F(SchedulerTest, ClaimsThatWaitGetVolumesOfOneNodeAndNoneTwice) {
  Node("n1", "");
  Node("n2", "");
  auto volume = [&](const std::string& name, const std::string& node) {
    Apply(fmt::format(
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: {}}}\nspec: {{capacity: "
        "{{storage: 1Gi}}, accessModes: [ReadWriteOnce], storageClassName: local, hostPath: "
        "{{path: /x}}, nodeAffinity: {{required: {{nodeSelectorTerms: [{{matchExpressions: "
        "[{{key: kubernetes.io/hostname, operator: In, values: [{}]}}]}}]}}}}}}",
        name, node));
  };
  auto claim = [&](const std::string& name) {
    Apply(fmt::format(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {}}}\nspec: "
        "{{accessModes: [ReadWriteOnce], storageClassName: local, resources: {{requests: "
        "{{storage: 1Gi}}}}}}",
        name));
  };
  Apply(
      "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: local}\nprovisioner: "
      "kubernetes.io/no-provisioner\nvolumeBindingMode: WaitForFirstConsumer");
  volume("on-n1", "n1");
  volume("first-on-n2", "n2");
  claim("a");
  claim("b");
  Pod("user", "image: nginx",
      "volumes: [{name: a, persistentVolumeClaim: {claimName: a}}, {name: b, "
      "persistentVolumeClaim: {claimName: b}}]");
  Run(absl::Seconds(10));
  EXPECT_THAT(WhyPending("user"),
              HasSubstr("2 node(s) didn't find available persistent volumes to bind"));
  EXPECT_TRUE(At(Get("persistentvolumes", "on-n1"), {"spec", "claimRef"}).is_null());
  volume("second-on-n2", "n2");
  Run(absl::Minutes(1));
  EXPECT_EQ(TextAt(GetPod("user"), {"spec", "nodeName"}), "n2");
  for (const char* name : {"first-on-n2", "second-on-n2"})
    EXPECT_EQ(TextAt(Get("persistentvolumes", name), {"status", "phase"}), "Bound") << name;
}

TEST(StorageViewTest, KnowsWhichVolumesAreFreeAndForWhomOthersAreKept) {
  scheduling::StorageView view;
  const auto volume = [](const std::string& storage, const std::string& claim) {
    Json spec = {{"storageClassName", storage}, {"capacity", {{"storage", "1Gi"}}}};
    if (!claim.empty()) spec["claimRef"] = {{"namespace", "shop"}, {"name", claim}};
    return Json{{"metadata", {{"name", "disk"}}}, {"spec", spec}};
  };
  view.PutVolume(volume("slow", ""));
  view.PutVolume(volume("fast", ""));
  EXPECT_TRUE(view.FreeVolumes("slow").empty()) << "it has another class now";
  EXPECT_THAT(view.FreeVolumes("fast"), ElementsAre("disk"));
  view.AssumeVolume("disk", "shop/cart");
  EXPECT_TRUE(view.FreeVolumes("fast").empty());
  EXPECT_THAT(view.VolumesFor("shop/cart"), ElementsAre("disk"));
  view.PutVolume(volume("fast", "till"));
  EXPECT_TRUE(view.VolumesFor("shop/cart").empty());
  EXPECT_THAT(view.VolumesFor("shop/till"), ElementsAre("disk"));
  view.PutVolume(volume("fast", ""));
  EXPECT_THAT(view.FreeVolumes("fast"), ElementsAre("disk")) << "given back";
  view.DropVolume("disk");
  EXPECT_TRUE(view.FreeVolumes("fast").empty());
  view.AssumeVolume("disk", "shop/cart");
  EXPECT_TRUE(view.VolumesFor("shop/cart").empty()) << "there is no such volume";
}

TEST_F(SchedulerTest, AReadWriteOncePodClaimHasOneUser) {
  Node("n1", "");
  Apply(
      "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: now}\nprovisioner: "
      "csi.example.com");
  Apply(Claim("own", "now", "1Gi", "ReadWriteOncePod"));
  Run(absl::Seconds(5));
  Pod("first", "image: nginx", Using("own"));
  Run(absl::Seconds(5));
  EXPECT_EQ(Phase("first"), "Running");
  EXPECT_EQ(
      Why(Using("own")),
      "0/1 nodes are available: 1 node has pod using PersistentVolumeClaim with the same name and "
      "ReadWriteOncePod access mode.");
}

}  // namespace
}  // namespace opsmesh::kubesim
