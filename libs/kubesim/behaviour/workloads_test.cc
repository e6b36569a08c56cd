#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/behaviour/controllers/job_indexes.h"
#include "libs/kubesim/behaviour/testing_cluster.h"
#include "libs/kubesim/objects/cron_schedule.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

Json Image(const std::string& container, const std::string& image) {
  return {
      {"spec",
       {{"template", {{"spec", {{"containers", {{{"name", container}, {"image", image}}}}}}}}}}};
}

std::vector<std::string> Names(const std::vector<Json>& objects) {
  std::vector<std::string> names;
  for (const Json& object : objects) names.push_back(object["metadata"]["name"]);
  return names;
}

constexpr const char* kDb = R"(
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: csi.example.com
volumeBindingMode: Immediate
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: default}
spec:
  serviceName: db
  replicas: 3
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "pg:1"}]}}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]
)";

TEST(StatefulSetTest, StartsOnePodAfterTheOtherEachWithItsClaim) {
  TestCluster cluster;
  cluster.Apply(kDb);
  cluster.Run(absl::Milliseconds(500));
  EXPECT_THAT(Names(cluster.List("", "pods")), ElementsAre("db-0"));
  cluster.Run(absl::Seconds(10));
  EXPECT_THAT(Names(cluster.List("", "pods")), ElementsAre("db-0", "db-1", "db-2"));
  EXPECT_THAT(Names(cluster.List("", "persistentvolumeclaims")),
              ElementsAre("data-db-0", "data-db-1", "data-db-2"));
  const Json db = cluster.Get("apps", "statefulsets", "db");
  EXPECT_EQ(db["status"]["readyReplicas"], 3);
  EXPECT_EQ(db["status"]["currentRevision"], db["status"]["updateRevision"]);
  const Json pod = cluster.Get("", "pods", "db-1");
  EXPECT_EQ(pod["spec"]["hostname"], "db-1");
  EXPECT_EQ(pod["spec"]["subdomain"], "db");
  EXPECT_EQ(pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"], "1");
  EXPECT_EQ(pod["metadata"]["labels"]["controller-revision-hash"], db["status"]["updateRevision"]);
  EXPECT_THAT(
      cluster.Events("db"),
      Contains("SuccessfulCreate: create Claim data-db-0 Pod db-0 in StatefulSet db success (x1)"));
  EXPECT_THAT(cluster.Events("db"),
              Contains("SuccessfulCreate: create Pod db-2 in StatefulSet db successful (x1)"));
}

TEST(StatefulSetTest, RollsFromTheHighestAndStopsAtThePartition) {
  TestCluster cluster;
  cluster.Apply(kDb);
  cluster.Run(absl::Seconds(10));
  cluster.Patch("apps", "statefulsets", "db",
                {{"spec", {{"updateStrategy", {{"rollingUpdate", {{"partition", 1}}}}}}}});
  cluster.Patch("apps", "statefulsets", "db", Image("db", "pg:2"));
  cluster.Run(absl::Milliseconds(500));
  EXPECT_TRUE(BeingDeleted(cluster.Get("", "pods", "db-2")));
  EXPECT_FALSE(BeingDeleted(cluster.Get("", "pods", "db-1")));
  cluster.Run(absl::Seconds(30));
  EXPECT_EQ(cluster.Get("", "pods", "db-0")["spec"]["containers"][0]["image"], "pg:1");
  EXPECT_EQ(cluster.Get("", "pods", "db-1")["spec"]["containers"][0]["image"], "pg:2");
  Json db = cluster.Get("apps", "statefulsets", "db");
  EXPECT_EQ(db["status"]["updatedReplicas"], 2);
  EXPECT_EQ(db["status"]["currentReplicas"], 1);
  EXPECT_NE(db["status"]["currentRevision"], db["status"]["updateRevision"]);
  // A lost pod below the partition comes back as it was.
  cluster.Delete("", "pods", "db-0");
  cluster.Run(absl::Seconds(10));
  EXPECT_EQ(cluster.Get("", "pods", "db-0")["spec"]["containers"][0]["image"], "pg:1");
  cluster.Patch("apps", "statefulsets", "db",
                {{"spec", {{"updateStrategy", {{"rollingUpdate", {{"partition", 0}}}}}}}});
  cluster.Run(absl::Seconds(30));
  db = cluster.Get("apps", "statefulsets", "db");
  EXPECT_EQ(db["status"]["currentRevision"], db["status"]["updateRevision"]);
  EXPECT_EQ(cluster.List("apps", "controllerrevisions").size(), 2u);
}

TEST(StatefulSetTest, AnUnhealthyPodStopsTheRollout) {
  TestCluster cluster;
  cluster.Apply(kDb);
  cluster.Run(absl::Seconds(10));
  cluster.kubelet().broken_images.insert("pg:bad");
  cluster.Patch("apps", "statefulsets", "db", Image("db", "pg:bad"));
  cluster.Run(absl::Minutes(5));
  EXPECT_EQ(cluster.Get("", "pods", "db-2")["spec"]["containers"][0]["image"], "pg:bad");
  EXPECT_EQ(cluster.Get("", "pods", "db-1")["spec"]["containers"][0]["image"], "pg:1");
}

TEST(StatefulSetTest, ShrinksFromTheTopAndKeepsOrDropsTheClaimsAsTold) {
  TestCluster cluster;
  cluster.Apply(kDb);
  cluster.Run(absl::Seconds(10));
  cluster.Patch("apps", "statefulsets", "db", {{"spec", {{"replicas", 2}}}});
  cluster.Run(absl::Seconds(10));
  EXPECT_THAT(Names(cluster.List("", "pods")), ElementsAre("db-0", "db-1"));
  EXPECT_EQ(cluster.List("", "persistentvolumeclaims").size(), 3u);
  cluster.Patch("apps", "statefulsets", "db",
                {{"spec", {{"persistentVolumeClaimRetentionPolicy", {{"whenScaled", "Delete"}}}}}});
  cluster.Run(absl::Seconds(5));
  cluster.Patch("apps", "statefulsets", "db", {{"spec", {{"replicas", 1}}}});
  cluster.Run(absl::Seconds(20));
  EXPECT_THAT(Names(cluster.List("", "persistentvolumeclaims")),
              ElementsAre("data-db-0", "data-db-2"));
}

TEST(StatefulSetTest, ParallelStartsAllAtOnceAndOnDeleteWaitsForTheDeletion) {
  TestCluster cluster;
  cluster.Apply(
      "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: p}\nspec: {replicas: 3, "
      "serviceName: p, podManagementPolicy: Parallel, updateStrategy: {type: OnDelete}, selector: "
      "{matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, "
      "image: 'i:1'}]}}}\n");
  cluster.Run(absl::Milliseconds(500));
  EXPECT_EQ(cluster.List("", "pods").size(), 3u);
  cluster.Patch("apps", "statefulsets", "p", Image("c", "i:2"));
  cluster.Run(absl::Seconds(10));
  EXPECT_EQ(cluster.Get("", "pods", "p-2")["spec"]["containers"][0]["image"], "i:1");
  cluster.Delete("", "pods", "p-2");
  cluster.Run(absl::Seconds(10));
  EXPECT_EQ(cluster.Get("", "pods", "p-2")["spec"]["containers"][0]["image"], "i:2");
}

std::string Nodes(int count) {
  std::string yaml;
  for (int i = 2; i <= count; ++i) {  // the cluster has a node-1
    yaml += "apiVersion: v1\nkind: Node\nmetadata: {name: node-" + std::to_string(i) +
            ", labels: {disk: " + (i % 2 ? "ssd" : "hdd") + "}}\nspec: {}\nstatus: {}\n---\n";
  }
  return yaml;
}

constexpr const char* kAgent = R"(
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: default}
spec:
  selector: {matchLabels: {app: agent}}
  template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: agent, image: "agent:1"}]}}
)";

// The stand-in kubelet puts every pod on one node: agents are bound here by their affinity.
void Bind(TestCluster& cluster) {
  cluster.kubelet().node = "";
  for (const Json& pod : cluster.List("", "pods")) {
    if (pod["spec"].contains("nodeName")) continue;
    const Json node =
        pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
           ["nodeSelectorTerms"][0]["matchFields"][0]["values"][0];
    cluster.Patch("", "pods", pod["metadata"]["name"], {{"spec", {{"nodeName", node}}}});
  }
  cluster.Run(absl::Seconds(3));
}

TEST(DaemonSetTest, PutsAPodOnEveryNodeThatTakesIt) {
  TestCluster cluster;
  cluster.kubelet().node = "";
  cluster.Apply(Nodes(4));
  cluster.Patch(
      "", "nodes", "node-4",
      {{"spec", {{"taints", {{{"key", "own"}, {"value", "x"}, {"effect", "NoSchedule"}}}}}}});
  cluster.Apply(kAgent);
  cluster.Run(absl::Seconds(1));
  Bind(cluster);
  Json agent = cluster.Get("apps", "daemonsets", "agent");
  EXPECT_EQ(agent["status"]["desiredNumberScheduled"], 3);
  EXPECT_EQ(agent["status"]["numberReady"], 3);
  EXPECT_EQ(agent["status"]["updatedNumberScheduled"], 3);
  cluster.Apply("apiVersion: v1\nkind: Node\nmetadata: {name: node-5}\nspec: {}\n");
  cluster.Run(absl::Seconds(1));
  EXPECT_EQ(cluster.List("", "pods").size(), 4u);
  cluster.Patch("apps", "daemonsets", "agent",
                {{"spec", {{"template", {{"spec", {{"nodeSelector", {{"disk", "ssd"}}}}}}}}}});
  cluster.Run(absl::Seconds(10));
  agent = cluster.Get("apps", "daemonsets", "agent");
  EXPECT_EQ(agent["status"]["desiredNumberScheduled"], 2);
}

TEST(DaemonSetTest, RollsOneNodeAfterTheOther) {
  TestCluster cluster;
  cluster.kubelet().node = "";
  cluster.Apply(Nodes(3));
  cluster.Apply(kAgent);
  cluster.Run(absl::Seconds(1));
  Bind(cluster);
  cluster.Patch("apps", "daemonsets", "agent", Image("agent", "agent:2"));
  bool went = false;
  for (int i = 0; i < 10; ++i) {
    cluster.Run(absl::Milliseconds(100));
    int going = 0;
    for (const Json& pod : cluster.List("", "pods")) going += BeingDeleted(pod);
    EXPECT_LE(going, 1);
    went |= going == 1;
    Bind(cluster);
  }
  EXPECT_TRUE(went);
  const Json agent = cluster.Get("apps", "daemonsets", "agent");
  EXPECT_EQ(agent["status"]["updatedNumberScheduled"], 3);
  EXPECT_EQ(cluster.List("apps", "controllerrevisions").size(), 2u);
}

std::string Job(const std::string& name, const std::string& image, const std::string& more) {
  return "apiVersion: batch/v1\nkind: Job\nmetadata: {name: " + name + "}\nspec: {" + more +
         "template: {spec: {restartPolicy: Never, containers: [{name: c, image: '" + image +
         "'}]}}}\n";
}

TEST(JobTest, RunsUntilEnoughPodsSucceeded) {
  TestCluster cluster;
  cluster.kubelet().completing_images.insert("ok");
  cluster.Apply(Job("sum", "ok", "completions: 5, parallelism: 2, "));
  cluster.Run(absl::Seconds(3));
  Json job = cluster.Get("batch", "jobs", "sum");
  EXPECT_EQ(job["status"]["active"], 2);
  EXPECT_EQ(cluster.List("", "pods")[0]["metadata"]["finalizers"],
            Json::array({"batch.kubernetes.io/job-tracking"}));
  cluster.Run(absl::Seconds(30));
  job = cluster.Get("batch", "jobs", "sum");
  EXPECT_EQ(job["status"]["succeeded"], 5);
  EXPECT_TRUE(job["status"].contains("completionTime"));
  EXPECT_EQ(TextAt(ConditionOf(job["status"], "Complete"), "reason"), "CompletionsReached");
  EXPECT_EQ(TextAt(ConditionOf(job["status"], "SuccessCriteriaMet"), "status"), "True");
  EXPECT_EQ(cluster.List("", "pods").size(), 5u);
  EXPECT_FALSE(cluster.List("", "pods")[0]["metadata"].contains("finalizers"));
  EXPECT_THAT(cluster.Events("sum"), Contains("Completed: Job completed (x1)"));
}

TEST(JobTest, BacksOffAndGivesUp) {
  TestCluster cluster;
  cluster.kubelet().failing_images.insert("bad");
  cluster.Apply(Job("migrate", "bad", "backoffLimit: 2, "));
  cluster.Run(absl::Seconds(14));
  EXPECT_EQ(cluster.List("", "pods").size(), 1u);  // the second comes 10 s after the first failed
  cluster.Run(absl::Seconds(3));
  EXPECT_EQ(cluster.List("", "pods").size(), 2u);
  cluster.Run(absl::Minutes(2));
  const Json job = cluster.Get("batch", "jobs", "migrate");
  EXPECT_EQ(job["status"]["failed"], 3);
  EXPECT_EQ(TextAt(ConditionOf(job["status"], "Failed"), "reason"), "BackoffLimitExceeded");
  EXPECT_THAT(cluster.Events("migrate"),
              Contains("BackoffLimitExceeded: Job has reached the specified backoff limit (x1)"));
}

TEST(JobTest, HasDeadlinesIndexesSuspensionAndATimeToLive) {
  TestCluster cluster;
  cluster.kubelet().completing_images.insert("ok");
  cluster.Apply(Job("slow", "nginx", "activeDeadlineSeconds: 20, "));
  cluster.Apply(Job(
      "indexed", "ok",
      "completionMode: Indexed, completions: 3, parallelism: 3, ttlSecondsAfterFinished: 60, "));
  cluster.Apply(Job("later", "ok", "suspend: true, "));
  cluster.Run(absl::Seconds(40));
  EXPECT_EQ(TextAt(ConditionOf(cluster.Get("batch", "jobs", "slow")["status"], "Failed"), "reason"),
            "DeadlineExceeded");
  const Json indexed = cluster.Get("batch", "jobs", "indexed");
  EXPECT_EQ(indexed["status"]["completedIndexes"], "0-2");
  EXPECT_EQ(
      TextAt(ConditionOf(cluster.Get("batch", "jobs", "later")["status"], "Suspended"), "status"),
      "True");
  std::set<std::string> hosts;
  for (const Json& pod : cluster.List("", "pods")) {
    if (pod["spec"].contains("hostname")) hosts.insert(pod["spec"]["hostname"]);
  }
  EXPECT_EQ(hosts, (std::set<std::string>{"indexed-0", "indexed-1", "indexed-2"}));
  cluster.Patch("batch", "jobs", "later", {{"spec", {{"suspend", false}}}});
  cluster.Run(absl::Minutes(2));
  EXPECT_EQ(
      TextAt(ConditionOf(cluster.Get("batch", "jobs", "later")["status"], "Complete"), "status"),
      "True");
  EXPECT_TRUE(cluster.Get("batch", "jobs", "indexed").is_null());
}

TEST(JobTest, IndexesAreWrittenAsRanges) {
  EXPECT_EQ(FormatIndexes({0, 1, 2, 5, 7, 8}), "0-2,5,7,8");
  EXPECT_EQ(ParseIndexes("0-2,5,7,8", 8), (std::set<int64_t>{0, 1, 2, 5, 7}));
}

TEST(CronJobTest, RunsOnScheduleAndKeepsSomeHistory) {
  TestCluster cluster;
  cluster.kubelet().completing_images.insert("ok");
  cluster.Apply(
      "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: tick}\nspec: {schedule: '*/5 * * * "
      "*', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, "
      "image: ok}]}}}}}\n");
  cluster.Run(absl::Minutes(5) + absl::Seconds(2));
  auto jobs = cluster.List("batch", "jobs");
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs[0]["metadata"]["name"],
            "tick-" + std::to_string(absl::ToUnixSeconds(cluster.engine().Now()) / 60));
  Json cron = cluster.Get("batch", "cronjobs", "tick");
  EXPECT_EQ(cron["status"]["active"][0]["name"], jobs[0]["metadata"]["name"]);
  EXPECT_EQ(cron["status"]["lastScheduleTime"], "2025-12-01T01:05:00Z");
  cluster.Run(absl::Minutes(55) + absl::Seconds(20));
  EXPECT_EQ(cluster.List("batch", "jobs").size(), 3u);
  cron = cluster.Get("batch", "cronjobs", "tick");
  EXPECT_TRUE(cron["status"].contains("lastSuccessfulTime"));
  EXPECT_FALSE(cron["status"].contains("active"));
}

TEST(CronJobTest, ForbidWaitsAndReplaceReplaces) {
  for (const std::string policy : {"Forbid", "Replace", "Allow"}) {
    TestCluster cluster;
    cluster.Apply(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: tick}\nspec: {schedule: '* * * * "
        "*', concurrencyPolicy: " +
        policy +
        ", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, "
        "image: endless}]}}}}}\n");
    cluster.Run(absl::Minutes(3) + absl::Seconds(10));
    EXPECT_EQ(cluster.List("batch", "jobs").size(), policy == "Allow" ? 3u : 1u) << policy;
    if (policy == "Forbid") {
      EXPECT_THAT(cluster.Events("tick"),
                  Contains(HasSubstr(
                      "JobAlreadyActive: Not starting job because prior execution is running")));
    }
  }
}

TEST(CronScheduleTest, KnowsListsRangesStepsNamesAndZones) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const absl::Time start =
      absl::FromCivil(absl::CivilSecond(2025, 12, 1, 1, 0, 0), utc);  // a Monday
  const std::tuple<const char*, const char*> cases[] = {
      {"*/15 * * * *", "2025-12-01T01:15:00Z"},  {"0 0 * * sun", "2025-12-07T00:00:00Z"},
      {"30 4 2,15 * 5", "2025-12-02T04:30:00Z"}, {"0 12 29 2 *", "2028-02-29T12:00:00Z"},
      {"@hourly", "2025-12-01T02:00:00Z"},       {"@every 90s", "2025-12-01T01:01:30Z"},
      {"@every 1ms", "2025-12-01T01:00:01Z"},    {"5-10/5 2 * jan *", "2026-01-01T02:05:00Z"}};
  for (const auto& [text, next] : cases) {
    auto schedule = CronSchedule::Parse(text, utc);
    ASSERT_TRUE(schedule.ok()) << text;
    EXPECT_EQ(base::Rfc3339(schedule->Next(start)), next) << text;
  }
  for (const char* text :
       {"", "* * * *", "61 * * * *", "* * * * 8", "a b c d e", "*/0 * * * *", "5-1 * * * *"}) {
    EXPECT_FALSE(CronSchedule::Parse(text, utc).ok()) << text;
  }
  for (const char* never : {"0 0 31 2 *", ", * * * *"})
    EXPECT_EQ(CronSchedule::Parse(never, utc)->Next(start), absl::InfiniteFuture()) << never;
}

}  // namespace
}  // namespace opsmesh::kubesim
