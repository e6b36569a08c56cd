// The rules over the small cluster: what is broken is found with its cause, what is healthy is left
// alone.
#include <algorithm>
#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/k8s/fake_cluster.h"
#include "services/k8s/finding.h"

namespace opsmesh::k8s {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class DiagnosisTest : public ::testing::Test {
 protected:
  Picture At(const std::string& ns) {
    return Picture(cluster_->Picture(ctx_), ns, FakeCluster::Now());
  }
  std::vector<Finding> Of(const std::string& ns) {
    Picture picture = At(ns);
    return DiagnoseAll(picture);
  }
  // "CODE kind name", in the order found.
  static std::vector<std::string> Brief(const std::vector<Finding>& findings) {
    std::vector<std::string> out;
    for (const Finding& f : findings)
      out.push_back(f.code + " " + f.object.kind + " " + f.object.name);
    return out;
  }
  const Finding& Get(const std::vector<Finding>& findings, const std::string& code,
                     const std::string& name) {
    for (const Finding& f : findings) {
      if (f.code == code && f.object.name == name) return f;
    }
    ADD_FAILURE() << "no " << code << " about " << name;
    static const Finding none;
    return none;
  }

  base::Context ctx_ = base::Context::Background();
  std::unique_ptr<FakeCluster> cluster_ = FakeCluster::FromFile("small_cluster.json");
};

TEST_F(DiagnosisTest, FindsEveryCrashInPaymentsWithItsCause) {
  const std::vector<Finding> findings = Of("payments");
  EXPECT_THAT(Get(findings, "CRASH_LOOP", "ledger-5d4f-a").summary.en,
              HasSubstr("last exit code 3"));
  EXPECT_THAT(Get(findings, "CRASH_LOOP", "ledger-5d4f-a").summary.zh, HasSubstr("退出码 3"));
  EXPECT_THAT(Get(findings, "OOM_KILLED", "oom-5d4f-a").cause.en,
              HasSubstr("memory limit of 128Mi"));
  EXPECT_THAT(Get(findings, "CRASH_LOOP", "cmd-5d4f-a").cause.en,
              HasSubstr("command was not found"));
  EXPECT_THAT(Get(findings, "CRASH_LOOP", "segv-5d4f-a").cause.en, HasSubstr("segmentation fault"));
  const Finding& term = Get(findings, "CRASH_LOOP", "term-5d4f-a");
  EXPECT_THAT(term.cause.en, HasSubstr("liveness probe failed (27 times)"));
  EXPECT_TRUE(term.untrusted);
  EXPECT_THAT(Get(findings, "IMAGE_PULL", "fraud-5d4f-a").cause.en,
              HasSubstr("no such image or tag"));
}

TEST_F(DiagnosisTest, NamesTheCauseOfAnUnavailableDeploymentByItsPods) {
  const std::vector<Finding> findings = Of("payments");
  EXPECT_THAT(Get(findings, "WORKLOAD_UNAVAILABLE", "ledger").cause.en, HasSubstr("CRASH_LOOP"));
  EXPECT_EQ(Get(findings, "WORKLOAD_UNAVAILABLE", "ledger").severity, Severity::kCritical);
}

TEST_F(DiagnosisTest, FindsExactlyWhatIsBrokenInShop) {
  EXPECT_EQ(Brief(Of("shop")),
            (std::vector<std::string>{
                "INGRESS_NO_SERVICE Ingress shop", "INGRESS_WRONG_PORT Ingress shop",
                "JOB_FAILED Job migrate", "SERVICE_WRONG_PORT Service badport",
                "SERVICE_NO_ENDPOINTS Service orphan", "NODE_PRESSURE Node n2",
                "HPA_NO_METRICS HorizontalPodAutoscaler cart", "NODE_CORDONED Node n2"}));
}

TEST_F(DiagnosisTest, LeavesHealthyThingsAlone) {
  std::set<std::string> names;
  for (const Finding& f : Of("")) names.insert(f.object.kind + "/" + f.object.name);
  for (const char* healthy :
       {"Deployment/web", "Deployment/idle", "Service/idle", "Service/external", "Service/web",
        "Job/backup", "Pod/backup-x1", "Pod/leaving", "Pod/lonely", "Pod/cart-5d4f-a",
        "PersistentVolumeClaim/waits", "StatefulSet/db", "Pod/db-0", "Node/n1", "Pod/migrate-p1"}) {
    EXPECT_EQ(names.count(healthy), 0u) << healthy;
  }
}

TEST_F(DiagnosisTest, ExplainsASelectorWithATypoByTheNearestWorkload) {
  const Finding& f = Get(Of("shop"), "SERVICE_NO_ENDPOINTS", "orphan");
  EXPECT_THAT(f.cause.en, HasSubstr("Deployment web"));
  EXPECT_THAT(f.cause.en, HasSubstr("'wbe' / 'web'"));
}

TEST_F(DiagnosisTest, ExplainsAnAutoscalerWithoutRequests) {
  EXPECT_THAT(Get(Of("shop"), "HPA_NO_METRICS", "cart").cause.en, HasSubstr("requests.cpu"));
}

TEST_F(DiagnosisTest, ExplainsWhyAPodCannotBeScheduledWithTheRoomThereIs) {
  const Finding& f = Get(Of("infra"), "UNSCHEDULABLE", "giant-5d4f-a");
  EXPECT_THAT(f.cause.en, HasSubstr("requests 900"));
  EXPECT_THAT(
      f.cause.en,
      HasSubstr("2500m"));  // n1: 4 cores, three web pods of 500m; n2 is cordoned, n3 not ready
  EXPECT_THAT(f.cause.en, HasSubstr("taints"));
}

TEST_F(DiagnosisTest, NamesTheMissingConfigMap) {
  const Finding& f = Get(Of("infra"), "MISSING_CONFIGMAP", "needs-config");
  EXPECT_THAT(f.summary.en, HasSubstr("ConfigMap not-there does not exist"));
  EXPECT_EQ(f.severity, Severity::kCritical);
}

TEST_F(DiagnosisTest, SeesAProbeOnAPortThatNoContainerDeclares) {
  const Finding& f = Get(Of("infra"), "PROBE_FAILING", "probe-5d4f-a");
  EXPECT_THAT(f.cause.en, HasSubstr("connection refused"));
  EXPECT_THAT(f.cause.en, HasSubstr("none of the ports"));
}

TEST_F(DiagnosisTest, FindsEvictionStuckTerminationClaimAndQuotaInInfra) {
  const std::vector<std::string> brief = Brief(Of("infra"));
  for (const char* expected :
       {"POD_EVICTED Pod evicted", "STUCK_TERMINATING Pod stuck",
        "PVC_PENDING PersistentVolumeClaim data", "QUOTA_EXHAUSTED ResourceQuota compute"}) {
    EXPECT_THAT(brief, Contains(expected));
  }
  EXPECT_THAT(Get(Of("infra"), "PVC_PENDING", "data").cause.en,
              HasSubstr("storage class fast does not exist"));
}

TEST_F(DiagnosisTest, ReportsNodesAndDaemonSetsOfTheWholeCluster) {
  const std::vector<std::string> brief = Brief(Of(""));
  for (const char* expected : {"NODE_NOT_READY Node n3", "NODE_PRESSURE Node n2",
                               "NODE_CORDONED Node n2", "WORKLOAD_UNAVAILABLE DaemonSet proxy"}) {
    EXPECT_THAT(brief, Contains(expected));
  }
}

TEST_F(DiagnosisTest, GivesTheSameFindingsInTheSameOrderEveryTimeWorstFirst) {
  const std::vector<Finding> first = Of("");
  EXPECT_EQ(Brief(first), Brief(Of("")));
  EXPECT_TRUE(std::is_sorted(first.begin(), first.end(), [](const Finding& a, const Finding& b) {
    return a.severity > b.severity;
  }));
  for (const Finding& f : first) {
    EXPECT_FALSE(f.summary.zh.empty() || f.summary.en.empty() || f.cause.zh.empty() ||
                 f.cause.en.empty())
        << f.code;
    EXPECT_FALSE(f.next_step.zh.empty() || f.next_step.en.empty() || f.evidence.empty())
        << f.code << " " << f.object.name;
  }
}

TEST_F(DiagnosisTest, FoldsPodsOfOneWorkloadInTheSameState) {
  FakeCluster cluster(R"([
    {"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}},
    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"x-1","namespace":"a","uid":"1","creationTimestamp":"2026-01-10T10:00:00Z","ownerReferences":[{"apiVersion":"apps/v1","kind":"StatefulSet","name":"x","uid":"9","controller":true}]},
     "spec":{"containers":[{"name":"m","image":"i"}]},"status":{"phase":"Running","containerStatuses":[{"name":"m","ready":false,"restartCount":5,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":1,"reason":"Error","finishedAt":"2026-01-10T11:59:00Z"}}}]}},
    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"x-2","namespace":"a","uid":"2","creationTimestamp":"2026-01-10T10:00:00Z","ownerReferences":[{"apiVersion":"apps/v1","kind":"StatefulSet","name":"x","uid":"9","controller":true}]},
     "spec":{"containers":[{"name":"m","image":"i"}]},"status":{"phase":"Running","containerStatuses":[{"name":"m","ready":false,"restartCount":4,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"exitCode":1,"reason":"Error","finishedAt":"2026-01-10T11:59:00Z"}}}]}}])");
  Picture picture(cluster.Picture(ctx_), "a", FakeCluster::Now());
  const std::vector<Finding> findings = DiagnoseAll(picture);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].affected, 2);
  EXPECT_THAT(findings[0].summary.en, HasSubstr("2 pods"));
}

TEST_F(DiagnosisTest, ConcludesNothingFromAKindItMayNotRead) {
  cluster_->Forbid("configmaps");
  cluster_->Forbid("services");
  Picture picture = At("");
  const std::vector<Finding> findings = DiagnoseAll(picture);
  for (const Finding& f : findings) {
    EXPECT_NE(f.code, "MISSING_CONFIGMAP");
    EXPECT_NE(f.code, "INGRESS_NO_SERVICE");
  }
  const auto& failed = picture.ledger().failed;
  EXPECT_TRUE(std::any_of(failed.begin(), failed.end(), [](const LedgerEntry& e) {
    return e.subject == "services" && e.reason.find("Add a rule") != std::string::npos;
  }));
}

TEST_F(DiagnosisTest, QuotesClusterTextWithoutControlCharacters) {
  FakeCluster cluster(R"([{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}},
    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"a","uid":"1","creationTimestamp":"2026-01-10T10:00:00Z"},"spec":{"containers":[{"name":"m","image":"i"}]},
     "status":{"phase":"Failed","reason":"Evicted","message":"low \u001b[31mmemory\u202e txt"}}])");
  Picture picture(cluster.Picture(ctx_), "a", FakeCluster::Now());
  const std::vector<Finding> findings = DiagnoseAll(picture);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_THAT(findings[0].cause.en, HasSubstr("low memory txt"));
  EXPECT_THAT(findings[0].cause.en, Not(HasSubstr("\x1b")));
  EXPECT_TRUE(findings[0].untrusted);
}

}  // namespace
}  // namespace opsmesh::k8s
