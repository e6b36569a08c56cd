// Every tool against the small cluster, called as a caller calls it: by name, with JSON arguments.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "libs/base/ids.h"
#include "services/k8s/tools_fixture.h"

namespace opsmesh::k8s {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(ToolsTest, KnowsAllEightyTwoNamesOfTheDocuments) {
  EXPECT_EQ(registry_.List("", true).size(), 82u);
  for (const Tool* tool : registry_.List("", true)) {
    std::string kebab = tool->name;
    std::replace(kebab.begin(), kebab.end(), '_', '-');
    EXPECT_EQ(*registry_.Find(kebab), tool);
    EXPECT_FALSE(tool->description.zh.empty() || tool->description.en.empty()) << tool->name;
  }
  EXPECT_EQ((*registry_.Find("k8s-get-pods"))->name, "list_kubernetes_pods");
}

TEST_F(ToolsTest, GivesEveryToolAClosedSchemaWithoutEndpointOrIdentity) {
  for (const Tool* tool : registry_.List("", true)) {
    const auto schema = base::ParseJson(SchemaOf(tool->params));
    ASSERT_TRUE(schema.ok()) << tool->name;
    EXPECT_EQ((*schema)["additionalProperties"], false) << tool->name;
    for (const auto& [name, property] : (*schema)["properties"].items()) {
      EXPECT_FALSE(property["description"].get<std::string>().empty()) << tool->name << "." << name;
      for (const char* word : {"server", "url", "endpoint", "token", "kubeconfig", "user",
                               "impersonate", "context", "credential"}) {
        EXPECT_EQ(name.find(word), std::string::npos) << tool->name << "." << name;
      }
    }
  }
}

TEST_F(ToolsTest, SuggestsTheNearestNameOfAnUnknownTool) {
  const absl::Status status = Try("list_kubernetes_pod").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(base::DetailOf(status).hint, HasSubstr("list_kubernetes_pods"));
}

TEST_F(ToolsTest, CountsAndListsPodsOfANamespace) {
  const ToolResult result = Run("list_kubernetes_pods", R"({"namespace":"shop"})");
  EXPECT_EQ(Data(result)["total"], 8);
  EXPECT_EQ(Data(result)["by_status"]["Running"], 5);
  EXPECT_EQ(Data(result)["by_status"]["Error"], 2);
  EXPECT_EQ(Data(result)["by_status"]["Completed"], 1);
  EXPECT_THAT(result.text.en,
              HasSubstr("8 pods in namespace shop: 5 Running, 2 Error, 1 Completed."));
  EXPECT_THAT(result.text.zh, HasSubstr("命名空间 shop 中共有 8 个 Pod"));
  EXPECT_THAT(result.text.en, HasSubstr("web-5d4f-a"));
  EXPECT_EQ(FactOf(result, "pods.total"), "8");
}

TEST_F(ToolsTest, ListsPodsUnderBothDocumentedNamesAlike) {
  EXPECT_EQ(Run("list_pods_from_namespace", R"({"namespace":"shop"})").json,
            Run("list_kubernetes_pods", R"({"namespace":"shop"})").json);
  EXPECT_EQ(Data(Run("list_pods_all_namespaces"))["total"], 22);
  EXPECT_EQ(Data(Run("list_kubernetes_pods", R"({"namespace":"*"})", {"", "shop"}))["total"], 22);
  EXPECT_EQ(Data(Run("list_kubernetes_pods", "{}", {"", "shop"}))["total"], 8);
}

TEST_F(ToolsTest, ANodeUnderPressureIsNotHealthyAndOneWithBrokenPodsIs) {
  const auto ill =
      Run("kubectl_get_resources", R"({"resource_type":"nodes","where":["healthy=false"]})");
  EXPECT_EQ(Data(ill)["matched"], 2);  // n2 is short of memory, n3 is silent
  const auto health = [this](const std::string& name) {
    return Run("describe_kubernetes_resource",
               R"({"resource_type":"Node","name":")" + name + R"("})")
        .text.en;
  };
  EXPECT_THAT(health("n1"), HasSubstr("no problems found"));
  EXPECT_THAT(health("n2"), HasSubstr("is not healthy: Node n2 is short of memory"));
  EXPECT_THAT(health("n3"), HasSubstr("is not healthy: Node n3 is not ready"));
}

TEST_F(ToolsTest, ListsTheOtherKinds) {
  EXPECT_EQ(Data(Run("get_kubernetes_namespaces"))["total"], 5);
  EXPECT_EQ(Data(Run("list_namespaces"))["total"], 5);
  const ToolResult nodes = Run("list_kubernetes_nodes");
  EXPECT_EQ(Data(nodes)["total"], 3);
  EXPECT_THAT(nodes.text.en, HasSubstr("v1.32.4"));
  EXPECT_THAT(nodes.text.en, HasSubstr("MemoryPressure"));
  EXPECT_EQ(Data(Run("list_kubernetes_deployments", R"({"namespace":"shop"})"))["total"], 3);
  EXPECT_EQ(Data(Run("list_deployments_from_namespace", R"({"namespace":"shop"})"))["total"], 3);
  EXPECT_EQ(Data(Run("list_deployments_all_namespaces"))["total"], 11);
  EXPECT_EQ(Data(Run("list_kubernetes_services", R"({"namespace":"shop"})"))["total"], 6);
  EXPECT_EQ(Data(Run("list_services_from_namespace", R"({"namespace":"shop"})"))["total"], 6);
  EXPECT_EQ(Data(Run("list_daemonsets_from_namespace", R"({"namespace":"kube-system"})"))["total"],
            1);
  EXPECT_EQ(Data(Run("list_configmaps_from_namespace", R"({"namespace":"shop"})"))["total"], 2);
}

TEST_F(ToolsTest, NeverShowsTheValueOfASecret) {
  const ToolResult list = Run("list_secrets_from_namespace", R"({"namespace":"shop"})");
  EXPECT_THAT(list.text.en, HasSubstr("password"));
  const ToolResult yaml =
      Run("get_kubernetes_resource_yaml",
          R"({"resource_type":"secret","name":"web-secret","namespace":"shop"})");
  for (const ToolResult* r : {&list, &yaml}) {
    EXPECT_THAT(r->json + r->text.en + r->text.zh, Not(HasSubstr("c2VjcmV0LWNhbmFyeQ")));
    EXPECT_THAT(r->json + r->text.en + r->text.zh, Not(HasSubstr("secret-canary")));
  }
}

TEST_F(ToolsTest, ShowsEventsNewestFirstAndMarksThemUntrusted) {
  const ToolResult result = Run("get_events", R"({"namespace":"payments","type":"Warning"})");
  EXPECT_EQ(Data(result)["matched"], 3);
  EXPECT_TRUE(result.untrusted);
  EXPECT_THAT(result.text.en, HasSubstr("Unhealthy"));
  EXPECT_EQ(Data(Run("get_events_all_namespaces"))["total"], 5);
  EXPECT_EQ(Data(Run("list_kubernetes_events", R"({"reason":"FailedScheduling"})"))["matched"], 1);
  EXPECT_EQ(Data(Run("list_kubernetes_events", R"({"since":"1m"})"))["matched"], 0);
}

TEST_F(ToolsTest, SaysWhereAnUnknownNamespaceOrNameMayBe) {
  EXPECT_THAT(base::DetailOf(Try("list_kubernetes_pods", R"({"namespace":"shp"})").status()).hint,
              HasSubstr("'shop'"));
  EXPECT_THAT(
      base::DetailOf(Try("get_pod_details", R"({"namespace":"shop","pod_name":"db-0"})").status())
          .hint,
      HasSubstr("kube-system"));
  EXPECT_THAT(
      base::DetailOf(
          Try("get_deployment_details", R"({"namespace":"shop","deployment_name":"wbe"})").status())
          .hint,
      HasSubstr("'web'"));
}

TEST_F(ToolsTest, DescribesADeploymentWithImagePodsAndHealth) {
  const ToolResult result =
      Run("get_deployment_details", R"({"namespace":"shop","deployment_name":"web"})");
  for (const char* part : {"registry.example.com/web:1.4", "3/3", "web-5d4f-b", "healthy"})
    EXPECT_THAT(result.text.en, HasSubstr(part));
  EXPECT_EQ(Data(result)["health"], "healthy");
  const ToolResult pod =
      Run("describe_kubernetes_resource",
          R"({"resource_type":"pod","name":"ledger-5d4f-a","namespace":"payments"})");
  EXPECT_EQ(Data(pod)["health"], "failed");
  EXPECT_THAT(pod.text.en, HasSubstr("BackOff"));
  EXPECT_EQ(
      Data(Run(
          "get_resource_health",
          R"({"namespace":"shop","resource_type":"deployment","resource_name":"idle"})"))["health"],
      "healthy");
}

TEST_F(ToolsTest, ListsAllResourcesOfANamespace) {
  const ToolResult result = Run("list_all_resources", R"({"namespace":"shop"})");
  EXPECT_EQ(FactOf(result, "pods.total"), "8");
  EXPECT_EQ(FactOf(result, "deployments.total"), "3");
}

TEST_F(ToolsTest, ReadsTheLogAndItsTail) {
  std::vector<std::string> lines;
  for (int i = 1; i <= 200; ++i)
    lines.push_back("line " + std::to_string(i) + (i == 150 ? " \x1b[31mERROR\x1b[0m" : ""));
  cluster_->SetLog("shop/web-5d4f-a/web", lines);
  EXPECT_EQ(
      Data(Run("get_pod_logs", R"({"namespace":"shop","pod_name":"web-5d4f-a"})"))["line_count"],
      50);
  EXPECT_EQ(Data(Run("get_kubernetes_pod_logs",
                     R"({"namespace":"shop","pod_name":"web-5d4f-a"})"))["line_count"],
            100);
  const ToolResult head = Run("get_kubernetes_pod_logs",
                              R"({"namespace":"shop","pod_name":"web-5d4f-a","head_lines":2})");
  EXPECT_EQ(Data(head)["lines"], (json{"line 1", "line 2"}));
  EXPECT_TRUE(head.truncated);
  const ToolResult found =
      Run("get_kubernetes_pod_logs",
          R"({"namespace":"shop","pod_name":"web-5d4f-a","contains":"error"})");
  EXPECT_EQ(Data(found)["lines"], (json{"line 150 ERROR"}));
  EXPECT_TRUE(found.untrusted);
}

TEST_F(ToolsTest, AnswersWhyThereIsNoLog) {
  const ToolResult none = Run("get_kubernetes_pod_logs",
                              R"({"namespace":"shop","pod_name":"web-5d4f-a","previous":true})");
  EXPECT_THAT(none.text.en, HasSubstr("no log of a previous run"));
  EXPECT_EQ(none.ledger.failed.size(), 1u);
}

TEST_F(ToolsTest, FindsFailingPendingAndRestartingPods) {
  const ToolResult failed = Run("get_failed_kubernetes_pods");
  EXPECT_EQ(Data(failed)["total"], 9)
      << failed.text.en;  // six in payments; needs-config, probe and evicted in infra
  EXPECT_EQ(Data(Run("get_failed_kubernetes_pods", R"({"namespace":"shop"})"))["total"], 0);
  EXPECT_EQ(Data(Run("get_pending_kubernetes_pods"))["total"], 3);
  const ToolResult restarts = Run("get_high_restart_kubernetes_pods");
  EXPECT_EQ(Data(restarts)["items"][0]["name"], "term-5d4f-a");
  EXPECT_EQ(Data(restarts)["total"], 2);
  EXPECT_EQ(Data(Run("get_high_restart_kubernetes_pods", R"({"threshold":3})"))["total"], 5);
}

TEST_F(ToolsTest, AddsUpTheCapacityOfTheNodes) {
  const ToolResult result = Run("get_kubernetes_node_capacity", R"({"node_name":"n1"})");
  // n1: three web pods of 500m and 256Mi, oom of 64Mi; finished pods count nothing.
  EXPECT_DOUBLE_EQ(Data(result)["items"][0]["cpu_requested"], 1.5);
  EXPECT_DOUBLE_EQ(Data(result)["items"][0]["memory_requested"], (3 * 256 + 64) * 1024.0 * 1024.0);
  ASSERT_EQ(result.ledger.not_checked.size(), 1u);
  EXPECT_EQ(result.ledger.not_checked[0].source, "metrics API");
}

TEST_F(ToolsTest, FindsWhatNothingUses) {
  const json data = Data(Run("get_kubernetes_orphaned_resources", R"({"namespace":"shop"})"));
  EXPECT_EQ(data["by_kind"], (json{{"ConfigMap", 1}, {"Secret", 1}, {"Service", 1}}));
}

TEST_F(ToolsTest, DiagnosesAPodANamespaceAndTheCluster) {
  EXPECT_THAT(
      Run("diagnose_kubernetes_pod_issues", R"({"namespace":"payments","pod_name":"oom-5d4f-a"})")
          .text.zh,
      HasSubstr("OOMKilled"));
  EXPECT_THAT(
      Run("diagnose_kubernetes_pod_issues", R"({"namespace":"shop","pod_name":"web-5d4f-a"})")
          .text.en,
      HasSubstr("no problems found"));
  EXPECT_GT(Data(Run("diagnose_kubernetes_pod_issues"))["total"], 20);
}

TEST_F(ToolsTest, AnswersTheClusterGroup) {
  EXPECT_THAT(Run("verify_kubernetes_connection").text.en, HasSubstr("v1.32.4"));
  EXPECT_THAT(Run("get_kubernetes_contexts").text.en, HasSubstr("test-context"));
  EXPECT_THAT(Run("list_kubernetes_api_resources", R"({"name_contains":"deploy"})").text.en,
              HasSubstr("deployments"));
  EXPECT_THAT(Run("explain_kubernetes_resource",
                  R"({"resource_type":"deploy","field_path":"spec.replicas"})")
                  .text.zh,
              HasSubstr("副本数"));
  EXPECT_THAT(Run("kubernetes_troubleshooting_guide", R"({"topic":"crash-loop"})").text.en,
              HasSubstr("exit code"));
}

TEST_F(ToolsTest, ChecksEachKindOfTheAnalysisGroup) {
  const auto codes = [&](const std::string& tool, const std::string& arguments = "{}") {
    std::vector<std::string> out;
    const json data = Data(Run(tool, arguments));
    const json& diagnosis = data.contains("diagnosis") ? data["diagnosis"] : data;
    for (const json& f : diagnosis["findings"])
      out.push_back(f["code"].get<std::string>() + " " + f["object"]["name"].get<std::string>());
    return out;
  };
  using List = std::vector<std::string>;
  EXPECT_EQ(codes("check_kubernetes_resource_quotas"), (List{"QUOTA_EXHAUSTED compute"}));
  EXPECT_EQ(codes("check_kubernetes_persistent_volumes"), (List{"PVC_PENDING data"}));
  EXPECT_EQ(codes("check_kubernetes_ingress"),
            (List{"INGRESS_NO_SERVICE shop", "INGRESS_WRONG_PORT shop"}));
  EXPECT_EQ(codes("check_kubernetes_daemonsets"), (List{"WORKLOAD_UNAVAILABLE proxy"}));
  EXPECT_EQ(codes("check_kubernetes_statefulsets"), (List{}));
  EXPECT_EQ(codes("check_kubernetes_jobs"), (List{"JOB_FAILED migrate"}));
  EXPECT_EQ(codes("check_kubernetes_hpa_status"), (List{"HPA_NO_METRICS cart"}));
  EXPECT_EQ(codes("check_kubernetes_endpoints", R"({"namespace":"shop"})"),
            (List{"SERVICE_WRONG_PORT badport", "SERVICE_NO_ENDPOINTS orphan"}));
  EXPECT_EQ(codes("check_kubernetes_endpoints", R"({"namespace":"shop","service_name":"web"})"),
            (List{}));
  EXPECT_EQ(codes("analyze_deployment_configurations",
                  R"({"namespace":"shop","deployment_name":"cart"})"),
            (List{"NO_READINESS_PROBE cart", "NO_REQUESTS cart", "NO_MEMORY_LIMIT cart",
                  "NO_DISRUPTION_BUDGET cart"}));
  EXPECT_EQ(Data(Run("check_kubernetes_network_policies", R"({"namespace":"shop"})"))["open_pods"],
            5);
}

TEST_F(ToolsTest, TracesChainsRestartsAndEvents) {
  const ToolResult whole =
      Run("trace_service_chain", R"({"namespace":"shop","service_name":"web"})");
  EXPECT_THAT(whole.text.en, HasSubstr("is whole: 3 ready endpoints"));
  EXPECT_THAT(whole.text.en, HasSubstr("shop.example.com/"));
  const ToolResult broken =
      Run("trace_service_chain", R"({"namespace":"shop","service_name":"orphan"})");
  EXPECT_THAT(broken.text.zh, HasSubstr("不通"));
  const ToolResult timeline =
      Run("get_resource_events_timeline",
          R"({"namespace":"payments","resource_type":"deployment","resource_name":"ledger"})");
  EXPECT_EQ(Data(timeline)["total"], 1);
  EXPECT_EQ(Data(Run("check_oom_events"))["total"], 1);
  EXPECT_EQ(Data(Run("check_oom_events", R"({"namespace":"shop"})"))["total"], 0);
  EXPECT_EQ(Data(Run("analyze_pod_restart_pattern", R"({"namespace":"payments"})"))["total"], 5);
  EXPECT_EQ(
      Data(Run("analyze_pod_restart_pattern", R"({"namespace":"payments"})"))["items"][0]["pod"],
      "term-5d4f-a");
  cluster_->SetLog("payments/ledger-5d4f-a/main/previous",
                   {"starting", "cannot open /etc/ledger/db.conf"});
  const ToolResult crash =
      Run("get_pod_crash_report", R"({"namespace":"payments","pod_name":"ledger-5d4f-a"})");
  EXPECT_THAT(crash.text.en, HasSubstr("cannot open /etc/ledger/db.conf"));
  EXPECT_TRUE(crash.untrusted);
  EXPECT_THAT(Run("correlate_pod_issues", R"({"namespace":"payments"})").text.en,
              HasSubstr("Deployment payments/ledger: 2 problems"));
}

TEST_F(ToolsTest, AnswersQuestionsAboutRollouts) {
  EXPECT_EQ(Data(Run("get_deployment_revision_history",
                     R"({"namespace":"shop","deployment_name":"web"})"))["total"],
            1);
  EXPECT_EQ(
      Reason("compare_deployment_revisions", R"({"namespace":"shop","deployment_name":"web"})"),
      "REVISION_NOT_FOUND");
  EXPECT_EQ(Reason("rollback_deployment", R"({"namespace":"shop","deployment_name":"web"})"),
            "REVISION_NOT_FOUND");
  // n1 has 2.5 cores left by requests, a web pod takes 500m; n2 is cordoned and n3 not ready.
  const json room = Data(Run("check_scaling_capacity",
                             R"({"namespace":"shop","deployment_name":"web","replicas":8})"));
  EXPECT_EQ(room["room"], 5);
  EXPECT_EQ(room["enough"], true);
  EXPECT_EQ(Data(Run("check_scaling_capacity",
                     R"({"namespace":"shop","deployment_name":"web","replicas":9})"))["enough"],
            false);
  EXPECT_EQ(Data(Run("monitor_scaling_progress",
                     R"({"namespace":"shop","deployment_name":"web"})"))["state"],
            "complete");
  EXPECT_EQ(
      Data(Run("wait_for_pod_ready", R"({"namespace":"shop","pod_name":"web-5d4f-a"})"))["ready"],
      true);
}

TEST_F(ToolsTest, DoesNotGuessTheRoomOfNodesItMayNotRead) {
  const auto plan = [&] {
    return base::DetailOf(Try("scale_deployment",
                              R"({"namespace":"shop","deployment_name":"web","replicas":5})")
                              .status())
        .metadata.at("plan_en");
  };
  EXPECT_THAT(plan(), Not(HasSubstr("cannot be checked")));
  cluster_->Forbid("nodes");
  EXPECT_THAT(plan(), HasSubstr("cannot be checked"));
  EXPECT_THAT(plan(), Not(HasSubstr("are needed")));
}

TEST_F(ToolsTest, AnswersAWriteWithThePlanAndChangesNothing) {
  const absl::Status status =
      Try("scale_deployment", R"({"namespace":"shop","deployment_name":"web","replicas":5})")
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  const auto metadata = base::DetailOf(status).metadata;
  EXPECT_THAT(metadata.at("plan_en"), HasSubstr("from 3 replicas (3 ready) to 5"));
  EXPECT_THAT(metadata.at("plan_zh"), HasSubstr("从 3 个副本"));
  EXPECT_EQ((*base::ParseJson(metadata.at("action")))["body"]["spec"]["replicas"], 5);
  // Without a namespace the only deployment of that name is meant.
  EXPECT_THAT(
      base::DetailOf(Try("scale_deployment", R"({"deployment_name":"cart","replicas":3})").status())
          .metadata.at("plan_en"),
      HasSubstr("HPA cart"));
  EXPECT_THAT(
      base::DetailOf(Try("restart_pod", R"({"namespace":"shop","pod_name":"web-5d4f-a"})").status())
          .metadata.at("plan_en"),
      HasSubstr("Deployment web replaces it"));
  EXPECT_EQ(
      Try("scale_deployment", R"({"deployment_name":"nothing","replicas":3})").status().code(),
      absl::StatusCode::kNotFound);
}

TEST_F(ToolsTest, ShowsTheCachedPictureWithItsAgeWhenTheApiserverIsDown) {
  cluster_->GoDown(absl::Minutes(7));
  const ToolResult pods = Run("list_kubernetes_pods", R"({"namespace":"shop"})");
  EXPECT_EQ(Data(pods)["total"], 8);
  ASSERT_FALSE(pods.ledger.failed.empty());
  EXPECT_THAT(pods.ledger.failed[0].reason, HasSubstr("does not answer"));
  EXPECT_NEAR(*pods.ledger.checked[0].age_seconds, 422, 1);
  EXPECT_THAT(Run("get_pod_details", R"({"namespace":"shop","pod_name":"web-5d4f-a"})").text.en,
              HasSubstr("Running"));
  EXPECT_EQ(Try("verify_kubernetes_connection").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Try("get_pod_logs", R"({"namespace":"shop","pod_name":"web-5d4f-a"})").status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(ToolsTest, NamesTheRuleToAddWhenAKindIsForbidden) {
  cluster_->Forbid("pods");
  const absl::Status status = Try("list_kubernetes_pods").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(base::DetailOf(status).hint, HasSubstr("Add a rule"));
}

TEST_F(ToolsTest, RemembersAnAnswerUntilTheClusterChanges) {
  const ToolResult first = Run("list_kubernetes_pods");
  clock_.Advance(absl::Seconds(10));
  const ToolResult again = Run("list_kubernetes_pods");
  EXPECT_EQ(first.json, again.json);
  EXPECT_NEAR(*again.ledger.checked[0].age_seconds, *first.ledger.checked[0].age_seconds + 10,
              0.01);
  cluster_->Touch();
  EXPECT_NE(Run("list_kubernetes_pods").json, first.json);  // ages have moved on
}

}  // namespace
}  // namespace opsmesh::k8s
