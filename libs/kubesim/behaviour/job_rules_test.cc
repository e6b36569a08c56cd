// Jobs whose end depends on which pods end how: limits an index, success and failure policies,
// replacement.
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/kubesim/behaviour/controllers/common.h"
#include "libs/kubesim/behaviour/testing_cluster.h"
#include "libs/kubesim/store/json_path.h"

namespace opsmesh::kubesim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// An indexed Job whose pods run until EndPod() ends them.
std::string IndexedJob(const std::string& more) {
  return "apiVersion: batch/v1\nkind: Job\nmetadata: {name: grid, namespace: default}\nspec:\n"
         "  completionMode: Indexed\n  completions: 4\n  parallelism: 4\n" +
         more +
         "  template: {spec: {restartPolicy: Never, containers: [{name: c, image: \"work:1\"}]}}\n";
}

class JobRulesTest : public testing::Test {
 protected:
  // Pods of an index that have not ended, by name.
  std::vector<std::string> Running(int index) {
    std::vector<std::string> names;
    for (const Json& pod : cluster_.List("", "pods")) {
      const std::string phase = TextAt(pod, {"status", "phase"});
      if (phase == "Succeeded" || phase == "Failed" || BeingDeleted(pod)) continue;
      if (TextAt(At(pod, {"metadata", "labels"}), "batch.kubernetes.io/job-completion-index") ==
          std::to_string(index))
        names.push_back(TextAt(pod, {"metadata", "name"}));
    }
    return names;
  }
  void EndPod(int index, int code) {
    const auto names = Running(index);
    ASSERT_EQ(names.size(), 1u) << "index " << index;
    const Json terminated = {{"exitCode", code},
                             {"finishedAt", base::Rfc3339(cluster_.engine().Now())}};
    cluster_.Patch(
        "", "pods", names[0],
        {{"status",
          {{"phase", code == 0 ? "Succeeded" : "Failed"},
           {"containerStatuses", {{{"name", "c"}, {"state", {{"terminated", terminated}}}}}}}}});
    cluster_.Run(absl::Seconds(1));
  }
  Json Status() { return At(cluster_.Get("batch", "jobs", "grid"), "status"); }
  std::string Reason(const char* condition) {
    return TextAt(ConditionOf(Status(), condition), "reason");
  }
  TestCluster cluster_;
};

TEST_F(JobRulesTest, AnIndexIsTriedAsOftenAsItsOwnLimitSaysAndTheOthersGoOn) {
  cluster_.Apply(IndexedJob("  backoffLimitPerIndex: 1\n"));
  EXPECT_EQ(cluster_.Get("batch", "jobs", "grid")["spec"]["backoffLimit"], 2147483647);
  cluster_.Run(absl::Seconds(3));
  EndPod(2, 1);
  EXPECT_THAT(Running(2), IsEmpty()) << "ten seconds of back-off come first";
  cluster_.Run(absl::Seconds(12));
  ASSERT_EQ(Running(2).size(), 1u);
  const Json again = cluster_.Get("", "pods", Running(2)[0]);
  EXPECT_EQ(again["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"], "1");
  EXPECT_EQ(Status()["failed"], 1);
  EXPECT_EQ(Status()["failedIndexes"], "");
  EndPod(2, 1);
  EXPECT_EQ(Status()["failedIndexes"], "2");
  for (int index : {0, 1, 3}) EndPod(index, 0);
  cluster_.Run(absl::Seconds(5));
  EXPECT_EQ(Status()["completedIndexes"], "0,1,3");
  EXPECT_EQ(Status()["failed"], 2);
  EXPECT_EQ(Reason("Failed"), "FailedIndexes");
  EXPECT_EQ(TextAt(ConditionOf(Status(), "Failed"), "message"), "Job has failed indexes");
  EXPECT_EQ(Reason("FailureTarget"), "FailedIndexes");
}

TEST_F(JobRulesTest, MoreFailedIndexesThanAllowedEndTheJobAtOnce) {
  cluster_.Apply(IndexedJob("  backoffLimitPerIndex: 0\n  maxFailedIndexes: 1\n"));
  cluster_.Run(absl::Seconds(3));
  EndPod(0, 1);
  EXPECT_EQ(Reason("FailureTarget"), "");
  EndPod(1, 1);
  EXPECT_EQ(Reason("FailureTarget"), "MaxFailedIndexesExceeded");
  cluster_.Run(absl::Seconds(10));
  EXPECT_EQ(Reason("Failed"), "MaxFailedIndexesExceeded");
  EXPECT_EQ(Status()["failedIndexes"], "0,1");
  for (int index : {2, 3}) EXPECT_THAT(Running(index), IsEmpty()) << "the others are stopped";
}

TEST_F(JobRulesTest, AFailurePolicyCanGiveAnIndexUpOrTheWholeJob) {
  cluster_.Apply(IndexedJob(
      "  backoffLimitPerIndex: 5\n  podFailurePolicy: {rules: [{action: FailIndex, onExitCodes: "
      "{operator: In, values: [42]}}, {action: FailJob, onExitCodes: {operator: In, values: "
      "[7]}}]}\n"));
  EXPECT_EQ(cluster_.Get("batch", "jobs", "grid")["spec"]["podReplacementPolicy"], "Failed");
  cluster_.Run(absl::Seconds(3));
  EndPod(3, 42);
  EXPECT_EQ(Status()["failedIndexes"], "3");
  EndPod(1, 7);
  cluster_.Run(absl::Seconds(10));
  EXPECT_EQ(Reason("Failed"), "PodFailurePolicy");
  EXPECT_THAT(TextAt(ConditionOf(Status(), "Failed"), "message"),
              testing::MatchesRegex("Container c for pod default/grid-1-..... failed with exit "
                                    "code 7 matching FailJob rule at index 1"));
}

TEST_F(JobRulesTest, AnIgnoredFailureCountsForNothingButIsWaitedFor) {
  cluster_.Apply(IndexedJob(
      "  backoffLimitPerIndex: 0\n  podFailurePolicy: {rules: [{action: Ignore, onExitCodes: "
      "{operator: In, values: [143]}}]}\n"));
  cluster_.Run(absl::Seconds(3));
  EndPod(0, 143);
  cluster_.Run(absl::Seconds(15));
  ASSERT_EQ(Running(0).size(), 1u) << "it is tried again";
  const Json annotations = cluster_.Get("", "pods", Running(0)[0])["metadata"]["annotations"];
  EXPECT_EQ(annotations["batch.kubernetes.io/job-index-failure-count"], "0");
  EXPECT_EQ(annotations["batch.kubernetes.io/job-index-ignored-failure-count"], "1");
  EXPECT_EQ(Status()["failedIndexes"], "");
  EXPECT_FALSE(Status().contains("failed"));
}

TEST_F(JobRulesTest, ASuccessPolicyEndsTheJobWhenEnoughIndexesSucceeded) {
  cluster_.Apply(IndexedJob(
      "  successPolicy: {rules: [{succeededIndexes: \"1-2\"}, {succeededIndexes: \"0,3\", "
      "succeededCount: 1}]}\n"));
  cluster_.Run(absl::Seconds(3));
  EndPod(1, 0);
  EXPECT_EQ(Reason("SuccessCriteriaMet"), "");
  EndPod(3, 0);
  EXPECT_EQ(Reason("SuccessCriteriaMet"), "SuccessPolicy");
  EXPECT_EQ(TextAt(ConditionOf(Status(), "SuccessCriteriaMet"), "message"),
            "Matched rules at index 1");
  EXPECT_EQ(Reason("Complete"), "") << "pods still stop";
  cluster_.Run(absl::Seconds(5));
  EXPECT_EQ(Reason("Complete"), "SuccessPolicy");
  EXPECT_TRUE(Status().contains("completionTime"));
  EXPECT_EQ(Status()["completedIndexes"], "1,3");
}

TEST_F(JobRulesTest, ReplacementWaitsForTheEndOfAPodOrNotAsToldAndTerminatingOnesAreShown) {
  for (const char* policy : {"Failed", "TerminatingOrFailed"}) {
    TestCluster cluster;
    cluster.Apply(std::string("apiVersion: batch/v1\nkind: Job\nmetadata: {name: one, namespace: "
                              "default}\nspec:\n  podReplacementPolicy: ") +
                  policy +
                  "\n  template: {spec: {restartPolicy: Never, containers: [{name: c, image: "
                  "\"work:1\"}]}}\n");
    cluster.Run(absl::Seconds(3));
    ASSERT_EQ(cluster.List("", "pods").size(), 1u);
    cluster.Delete("", "pods", cluster.List("", "pods")[0]["metadata"]["name"]);
    cluster.Run(absl::Seconds(1));  // the stand-in takes two to stop it
    EXPECT_EQ(cluster.Get("batch", "jobs", "one")["status"]["terminating"], 1) << policy;
    size_t fresh = 0;
    for (const Json& pod : cluster.List("", "pods")) fresh += !BeingDeleted(pod);
    if (std::string_view(policy) == "Failed") {
      EXPECT_EQ(fresh, 0u);
    }
    cluster.Run(absl::Seconds(30));
    fresh = 0;
    for (const Json& pod : cluster.List("", "pods")) fresh += !BeingDeleted(pod);
    EXPECT_EQ(fresh, 1u) << policy;
    EXPECT_EQ(cluster.Get("batch", "jobs", "one")["status"]["terminating"], 0) << policy;
  }
}

}  // namespace
}  // namespace opsmesh::kubesim
