// Objects that the API takes, or that lie in a folder, and that once ended or stopped the cluster.
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "libs/kubesim/behaviour/controllers/job_indexes.h"
#include "libs/kubesim/behaviour/node_testing.h"

namespace opsmesh::kubesim {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class HostileBehaviourTest : public NodesTest {
 protected:
  void SetUp() override {
    NodesTest::SetUp();
    AddNode("n1");
  }
  size_t Count(const char* group, const char* plural) {
    return engine().store().List(engine().Type(group, plural)).objects.size();
  }
};

TEST_F(HostileBehaviourTest, APodMayNameOneClaimTwice) {
  Apply(
      "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: "
      "[ReadWriteOnce], resources: {requests: {storage: 1Gi}}}");
  Pod("twice", "image: busybox, command: [sleep, '60']",
      "volumes: [{name: a, persistentVolumeClaim: {claimName: data}}, {name: b, "
      "persistentVolumeClaim: {claimName: data}}]");
  Run(absl::Seconds(5));
  ASSERT_FALSE(engine().client().Delete(engine().Type("", "pods"), "default", "twice", {}));
  ASSERT_FALSE(
      engine().client().Delete(engine().Type("", "persistentvolumeclaims"), "default", "data", {}));
  Run(absl::Minutes(1));
  EXPECT_TRUE(GetPod("twice").is_null());
  EXPECT_TRUE(Get("persistentvolumeclaims", "data").is_null());
}

TEST_F(HostileBehaviourTest, AnImageMayBecomeNonsenseWhileItIsPulled) {
  Pod("changed", "image: 'postgres:16'");
  Run(absl::Milliseconds(800));
  ASSERT_EQ(Waiting("changed"), "ContainerCreating");
  ASSERT_TRUE(engine()
                  .client()
                  .Change(engine().Type("", "pods"), "default", "changed",
                          [](Json& pod) {
                            pod["spec"]["containers"][0]["image"] = "Bad IMAGE";
                            return true;
                          })
                  .ok());
  Run(absl::Minutes(2));
  EXPECT_EQ(Waiting("changed"), "InvalidImageName");
}

TEST_F(HostileBehaviourTest, ACertificateMapWithoutDataStopsNoNamespace) {
  const ResourceType& maps = engine().Type("", "configmaps");
  Run(absl::Seconds(1));
  if (!engine().store().Get(maps, "kube-system", "kube-root-ca.crt")) {
    Apply(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kube-root-ca.crt, namespace: "
        "kube-system}");
  } else {
    ASSERT_TRUE(engine()
                    .client()
                    .Change(maps, "kube-system", "kube-root-ca.crt",
                            [](Json& map) {
                              map.erase("data");
                              return true;
                            })
                    .ok());
  }
  Apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fresh}");
  Run(absl::Seconds(5));
  EXPECT_NE(engine().store().Get(engine().Type("", "serviceaccounts"), "fresh", "default"),
            nullptr);
}

TEST_F(HostileBehaviourTest, ACronJobThatMissedYearsMakesOneJob) {
  const ResourceType& type = engine().Type("batch", "cronjobs");
  auto documents = ParseYaml(
      "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: old, namespace: default, uid: u-old, "
      "creationTimestamp: '2020-01-01T00:00:00Z'}\nspec: {schedule: '* * * * *', "
      "concurrencyPolicy: Allow, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, "
      "containers: [{name: c, image: busybox, command: [sleep, '3600']}]}}}}}");
  ASSERT_TRUE(documents.ok());
  ASSERT_TRUE(engine().client().Put(type, *(*documents)[0].value).ok());
  Run(absl::Seconds(20));
  EXPECT_LE(Count("batch", "jobs"), 2u);
  EXPECT_GE(Count("batch", "jobs"), 1u);
}

TEST(JobIndexesTest, ManyIntervalsHoldNoMoreThanOne) {
  std::string text = "0-2147483646";
  for (int i = 1; i < 50; ++i) text += "," + std::to_string(i * 2'000'000) + "-2147483646";
  EXPECT_THAT(ParseIndexes(text, 2147483647), SizeIs(1'000'000));
}

TEST(HostileFolderTest, PodsWithoutAStatusAreScheduledAndRun) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / "hostile_behaviour_folder";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "pods.yaml")
      << "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: default}\nspec: {containers: "
         "[{name: c, image: busybox, command: [sleep, '3600']}]}\n---\napiVersion: v1\nkind: Pod\n"
         "metadata: {name: b, namespace: default}\nspec: {containers: [{name: c, image: busybox, "
         "command: [sleep, '3600']}]}\n";
  auto made = Simulator::Create({.content = Content::kFolder,
                                 .cluster_dir = folder.string(),
                                 .live = true,
                                 .virtual_time = true});
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_TRUE((*made)->Advance(absl::Seconds(60)).ok());
  Engine& engine = *(*made)->engine();
  for (const char* name : {"a", "b"}) {
    const ObjectPtr pod = engine.store().Get(engine.Type("", "pods"), "default", name);
    ASSERT_NE(pod, nullptr);
    EXPECT_EQ(TextAt(pod->Parse(), {"status", "phase"}), "Running") << name;
  }
}

}  // namespace
}  // namespace opsmesh::kubesim
