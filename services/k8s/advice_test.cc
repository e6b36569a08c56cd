// The tools that judge rather than list: use, availability, performance, security, reachability.
// Each against a cluster made for it, so that the right answer can be worked out by hand.
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/testing/fake_clock.h"
#include "nlohmann/json.hpp"
#include "services/k8s/fake_cluster.h"
#include "services/k8s/image_reports.h"
#include "services/k8s/pod_security.h"
#include "services/k8s/reachability.h"
#include "services/k8s/tool_runner.h"

namespace opsmesh::k8s {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kMiB = 1024.0 * 1024.0;

json Meta(const std::string& ns, const std::string& name, json labels = json::object()) {
  json meta = {{"name", name},
               {"uid", ns + "-" + name},
               {"creationTimestamp", "2026-01-10T10:00:00Z"},
               {"labels", std::move(labels)}};
  if (!ns.empty()) meta["namespace"] = ns;
  return meta;
}

json Container(const std::string& name, json extra = json::object()) {
  json c = {
      {"name", name},
      {"image", "registry.example.com/" + name + ":1.0"},
      {"resources",
       {{"requests", {{"cpu", "400m"}, {"memory", "512Mi"}}}, {"limits", {{"memory", "1Gi"}}}}}};
  c.merge_patch(extra);
  return c;
}

json Pod(const std::string& ns, const std::string& name, const std::string& app,
         const std::string& node, json extra = json::object()) {
  json pod = {
      {"apiVersion", "v1"},
      {"kind", "Pod"},
      {"metadata", Meta(ns, name, {{"app", app}})},
      {"spec", {{"nodeName", node}, {"containers", json::array({Container(app)})}}},
      {"status",
       {{"phase", "Running"},
        {"podIP", "10.0.0.9"},
        {"conditions", json::array({{{"type", "Ready"}, {"status", "True"}},
                                    {{"type", "PodScheduled"},
                                     {"status", "True"},
                                     {"lastTransitionTime", "2026-01-10T10:00:04Z"}}})},
        {"containerStatuses",
         json::array({{{"name", app},
                       {"ready", true},
                       {"restartCount", 0},
                       {"state", {{"running", {{"startedAt", "2026-01-10T10:00:05Z"}}}}}}})}}}};
  pod.merge_patch(extra);
  return pod;
}

json Deployment(const std::string& ns, const std::string& app, int replicas,
                json container = json::object(), json spec = json::object()) {
  json template_spec = {{"containers", json::array({Container(app, container)})}};
  template_spec.merge_patch(spec);
  return {{"apiVersion", "apps/v1"},
          {"kind", "Deployment"},
          {"metadata", Meta(ns, app)},
          {"spec",
           {{"replicas", replicas},
            {"selector", {{"matchLabels", {{"app", app}}}}},
            {"template", {{"metadata", {{"labels", {{"app", app}}}}}, {"spec", template_spec}}}}}};
}

json Node(const std::string& name, const std::string& zone,
          json conditions = json::array({{{"type", "Ready"}, {"status", "True"}}})) {
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata", Meta("", name, {{"topology.kubernetes.io/zone", zone}})},
          {"status",
           {{"allocatable", {{"cpu", "4"}, {"memory", "8Gi"}, {"pods", "110"}}},
            {"capacity", {{"cpu", "4"}, {"memory", "8Gi"}}},
            {"conditions", std::move(conditions)}}}};
}

json Namespace(const std::string& name, json labels = json::object()) {
  return {{"apiVersion", "v1"},
          {"kind", "Namespace"},
          {"metadata", Meta("", name, std::move(labels))},
          {"status", {{"phase", "Active"}}}};
}

class AdviceTest : public ::testing::Test {
 protected:
  void Make(std::initializer_list<json> objects, const ToolSettings& settings = {}) {
    auto cluster = std::make_unique<FakeCluster>(json(objects).dump());
    cluster_ = cluster.get();
    std::vector<std::unique_ptr<Cluster>> list;
    list.push_back(std::move(cluster));
    clusters_ = std::make_unique<Clusters>(std::move(list));
    registry_ = std::make_unique<ToolRegistry>(AllTools(settings));
    runner_ =
        std::make_unique<ToolRunner>(*registry_, *clusters_, ToolRunnerOptions{.clock = &clock_});
  }
  json Run(const std::string& name, const std::string& arguments = "{}") {
    auto result = runner_->Run(base::Context::Background().WithTimeout(absl::Seconds(20)), name,
                               arguments, {});
    if (!result.ok()) {
      ADD_FAILURE() << name << " " << arguments << ": " << result.status().message();
      return {};
    }
    EXPECT_FALSE(result->text.zh.empty() || result->text.en.empty()) << name;
    EXPECT_FALSE(result->ledger.checked.empty()) << name;
    last_ = *result;
    auto parsed = base::ParseJson(result->json);
    EXPECT_TRUE(parsed.ok()) << name << ": " << result->json.substr(0, 300);
    return parsed.ok() ? *parsed : json();
  }
  static std::vector<std::string> Codes(const json& answer) {
    const json& findings =
        answer.contains("diagnosis") ? answer["diagnosis"]["findings"] : answer["findings"];
    std::vector<std::string> out;
    for (const json& f : findings) out.push_back(f["code"]);
    return out;
  }
  void Use(const std::string& ns, const std::string& pod, const std::string& container, double cpu,
           double memory) {
    kube::PodUsage use;
    use.ns = ns;
    use.name = pod;
    use.containers = {{container, cpu, memory}};
    cluster_->pod_usage.push_back(use);
  }

  testing::FakeClock clock_{FakeCluster::Now()};
  FakeCluster* cluster_ = nullptr;
  std::unique_ptr<Clusters> clusters_;
  std::unique_ptr<ToolRegistry> registry_;
  std::unique_ptr<ToolRunner> runner_;
  ToolResult last_;
};

TEST_F(AdviceTest, NoToolOfTheContractIsLeftUnbuiltButTheFourThatChangeTheCluster) {
  std::vector<std::string> unavailable;
  const ToolRegistry all = AllTools();
  for (const Tool* tool : all.List("", true)) {
    if (!tool->available) unavailable.push_back(tool->name);
  }
  EXPECT_THAT(unavailable, ElementsAre("delete_kubernetes_resource", "restart_pod",
                                       "rollback_deployment", "scale_deployment"));
}

TEST_F(AdviceTest, RequestsFarAboveUseAreWasteAndTheAdviceFollowsTheHighestPod) {
  Make({Namespace("shop"), Node("n1", "a"), Deployment("shop", "web", 2),
        Pod("shop", "web-1", "web", "n1"), Pod("shop", "web-2", "web", "n1")});
  Use("shop", "web-1", "web", 0.050, 100 * kMiB);
  Use("shop", "web-2", "web", 0.100, 200 * kMiB);
  const json waste = Run("analyze_resource_waste");
  EXPECT_NEAR(waste["sum"]["cpu_unused"].get<double>(), 0.8 - 0.15, 1e-9);
  EXPECT_NEAR(waste["sum"]["memory_unused"].get<double>(), (1024 - 300) * kMiB, 1);
  const json sizing = Run("recommend_resource_right_sizing");
  ASSERT_EQ(sizing["total"], 1);
  EXPECT_NEAR(sizing["items"][0]["cpu_request_advice"].get<double>(), 0.120, 1e-9);
  EXPECT_EQ(sizing["items"][0]["memory_request_advice"].get<double>(), 240 * kMiB);
  const json saving = Run("calculate_cost_savings", R"({"price_per_core_month":"10"})");
  EXPECT_NEAR(saving["saving_per_month"].get<double>(), 2 * (0.4 - 0.12) * 10, 1e-6);
  EXPECT_TRUE(Run("calculate_cost_savings")["saving_per_month"].is_null())
      << "no price, no sum of money";
}

TEST_F(AdviceTest, AContainerKilledForMemoryGetsTwiceItsLimitAlsoWithoutMetrics) {
  Make({Namespace("shop"), Node("n1", "a"), Deployment("shop", "web", 1),
        Pod("shop", "web-1", "web", "n1",
            {{"status",
              {{"containerStatuses",
                json::array(
                    {{{"name", "web"},
                      {"restartCount", 3},
                      {"lastState", {{"terminated", {{"reason", "OOMKilled"}, {"exitCode", 137}}}}},
                      {"state", {{"running", json::object()}}}}})}}}})});
  const json advice = Run("recommend_resource_limits", R"({"deployment_name":"web"})");
  EXPECT_EQ(advice["items"][0]["killed_for_memory"], true);
  EXPECT_EQ(advice["items"][0]["memory_limit_advice"].get<double>(), 2048 * kMiB);
  EXPECT_EQ(advice["metrics"], false);
  EXPECT_FALSE(last_.ledger.not_checked.empty());
}

TEST_F(AdviceTest, EmptyNodesAndWorkloadsScaledToZeroAreIdle) {
  Make({Namespace("shop"), Node("n1", "a"), Node("n2", "b"), Deployment("shop", "web", 1),
        Deployment("shop", "old", 0), Pod("shop", "web-1", "web", "n1")});
  const json idle = Run("identify_idle_resources");
  std::vector<std::string> names;
  for (const json& item : idle["items"]) {
    if (item["kind"] != "Pod") names.push_back(item["name"]);
  }
  EXPECT_THAT(names, ::testing::IsSupersetOf({"n2", "old"}));
  EXPECT_THAT(names, Not(::testing::Contains("n1")));
}

TEST_F(AdviceTest, ReplicasOnOneNodeASingleReplicaAndMissingBudgetsAreTold) {
  Make({Namespace("shop"), Node("n1", "a"), Node("n2", "b"), Deployment("shop", "web", 2),
        Deployment("shop", "api", 1), Pod("shop", "web-1", "web", "n1"),
        Pod("shop", "web-2", "web", "n1"), Pod("shop", "api-1", "api", "n2")});
  const std::vector<std::string> codes =
      Codes(Run("analyze_high_availability", R"({"namespace":"shop"})"));
  EXPECT_THAT(codes,
              ::testing::IsSupersetOf({"ALL_ON_ONE_NODE", "SINGLE_REPLICA", "NO_DISRUPTION_BUDGET",
                                       "NO_SPREADING", "NO_READINESS_PROBE"}));
  const json spread =
      Run("check_pod_distribution", R"({"namespace":"shop","deployment_name":"web"})");
  EXPECT_EQ(spread["items"][0]["nodes"], json({{"n1", 2}}));
  const json advice = Run("recommend_anti_affinity", R"({"namespace":"shop"})");
  EXPECT_EQ(advice["advised"], 1);
  EXPECT_THAT(advice["items"][0]["yaml"].get<std::string>(),
              HasSubstr("topology.kubernetes.io/zone"));
}

TEST_F(AdviceTest, AWorkloadThatIsSpreadAndProtectedHasNothingToFix) {
  const json probe = {{"readinessProbe", {{"httpGet", {{"path", "/"}, {"port", 8080}}}}},
                      {"ports", json::array({{{"containerPort", 8080}}})}};
  const json spread = {
      {"topologySpreadConstraints", json::array({{{"maxSkew", 1},
                                                  {"topologyKey", "kubernetes.io/hostname"},
                                                  {"whenUnsatisfiable", "DoNotSchedule"}}})}};
  const json budget = {
      {"apiVersion", "policy/v1"},
      {"kind", "PodDisruptionBudget"},
      {"metadata", Meta("shop", "web")},
      {"spec", {{"maxUnavailable", 1}, {"selector", {{"matchLabels", {{"app", "web"}}}}}}},
      {"status",
       {{"disruptionsAllowed", 1},
        {"expectedPods", 2},
        {"currentHealthy", 2},
        {"desiredHealthy", 1}}}};
  Make({Namespace("shop"), Node("n1", "a"), Node("n2", "b"),
        Deployment("shop", "web", 2, probe, spread), Pod("shop", "web-1", "web", "n1"),
        Pod("shop", "web-2", "web", "n2"), budget});
  EXPECT_THAT(Codes(Run("analyze_high_availability", R"({"namespace":"shop"})")), ElementsAre());
  EXPECT_THAT(Codes(Run("validate_probe_configuration", R"({"namespace":"shop"})")), ElementsAre());
}

TEST_F(AdviceTest, ProbesOnPortsNobodyDeclaresAndWithoutPatienceAreFound) {
  const json probes = {
      {"readinessProbe", {{"httpGet", {{"path", "/"}, {"port", "http"}}}, {"periodSeconds", 1}}},
      {"livenessProbe",
       {{"tcpSocket", {{"port", 8080}}}, {"failureThreshold", 1}, {"timeoutSeconds", 20}}},
      {"ports", json::array({{{"name", "web"}, {"containerPort", 8080}}})}};
  Make({Namespace("shop"), Deployment("shop", "web", 1, probes)});
  EXPECT_THAT(Codes(Run("validate_probe_configuration")),
              ::testing::IsSupersetOf({"PROBE_PORT_UNDECLARED", "PROBE_TOO_FREQUENT",
                                       "LIVENESS_WITHOUT_PATIENCE", "PROBE_TIMEOUT_ABOVE_PERIOD"}));
}

TEST_F(AdviceTest, HotSpotsAreRankedByUseAndByRequestWhereThereAreNoMetrics) {
  Make({Namespace("shop"), Node("n1", "a"), Pod("shop", "a-1", "a", "n1"),
        Pod("shop", "b-1", "b", "n1")});
  EXPECT_EQ(Run("identify_resource_hotspots")["by"], "request");
  Use("shop", "a-1", "a", 0.1, 900 * kMiB);
  Use("shop", "b-1", "b", 0.9, 100 * kMiB);
  EXPECT_EQ(Run("identify_resource_hotspots", R"({"metric":"cpu"})")["items"][0]["name"], "b-1");
  EXPECT_EQ(
      Run("identify_resource_hotspots", R"({"metric":"memory","limit":1})")["items"][0]["name"],
      "a-1");
  EXPECT_TRUE(last_.truncated);
}

TEST_F(AdviceTest, BusyNodesAndPodsNearTheirLimitSlowTheCluster) {
  Make({Namespace("shop"), Node("n1", "a"), Pod("shop", "a-1", "a", "n1")});
  Use("shop", "a-1", "a", 0.1, 1000 * kMiB);
  kube::NodeUsage node;
  node.name = "n1";
  node.cpu_cores = 3.9;
  node.memory_bytes = 2000 * kMiB;
  cluster_->node_usage = {node};
  EXPECT_THAT(Codes(Run("analyze_cluster_performance")),
              ::testing::IsSupersetOf({"NODE_CPU_BUSY", "MEMORY_NEAR_LIMIT"}));
}

TEST_F(AdviceTest, PressureConditionsAndEvictedPodsAreToldWithTheKubeletsWords) {
  Make({Namespace("shop"),
        Node("n1", "a",
             json::array({{{"type", "Ready"}, {"status", "True"}},
                          {{"type", "MemoryPressure"},
                           {"status", "True"},
                           {"message", "kubelet has insufficient memory available"}}})),
        Pod("shop", "a-1", "a", "n1",
            {{"status",
              {{"phase", "Failed"},
               {"reason", "Evicted"},
               {"message", "The node was low on resource: memory."}}}})});
  const json answer = Run("check_pod_eviction_pressure");
  EXPECT_EQ(answer["nodes_under_pressure"], 1);
  EXPECT_EQ(answer["evicted_pods"], 1);
  EXPECT_THAT(last_.text.en, HasSubstr("low on resource"));
  EXPECT_TRUE(last_.untrusted);
}

TEST_F(AdviceTest, SchedulingLatencyIsTheTimeFromCreationToTheNode) {
  Make({Namespace("shop"), Node("n1", "a"), Pod("shop", "a-1", "a", "n1"),
        Pod("shop", "b-1", "b", "",
            {{"status", {{"phase", "Pending"}, {"conditions", json::array()}}}})});
  const json answer = Run("analyze_scheduling_latency");
  EXPECT_EQ(answer["scheduled"], 1);
  EXPECT_EQ(answer["max_seconds"], 4.0);
  EXPECT_EQ(answer["waiting"], 1);
}

TEST(PodSecurity, JudgesByTheStandardsControls) {
  const auto controls = [](const char* spec, bool baseline_only) {
    std::vector<std::string> out;
    for (const Violation& v : CheckPodSecurity(kube::JsonRef(spec))) {
      if (v.baseline == baseline_only) out.push_back(v.control);
    }
    return out;
  };
  EXPECT_THAT(
      controls(
          R"({"hostNetwork":true,"volumes":[{"name":"d","hostPath":{"path":"/"}}],"containers":[{"name":"c","securityContext":{"privileged":true,"capabilities":{"add":["SYS_ADMIN"]}},"ports":[{"hostPort":80}]}]})",
          true),
      ElementsAre("hostNetwork", "hostPath", "privileged", "hostPorts", "capabilities"));
  const char* good =
      R"({"securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},"volumes":[{"name":"d","emptyDir":{}}],"containers":[{"name":"c","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"],"add":["NET_BIND_SERVICE"]}}}]})";
  EXPECT_THAT(controls(good, true), ElementsAre());
  EXPECT_THAT(controls(good, false), ElementsAre());
  EXPECT_THAT(
      controls(R"({"containers":[{"name":"c"}]})", false),
      ElementsAre("capabilities", "allowPrivilegeEscalation", "runAsNonRoot", "seccompProfile"));
}

TEST_F(AdviceTest, SecurityIsAuditedByNamespaceWorkloadAndIngress) {
  Make({Namespace("open"),
        Namespace("shut", {{"pod-security.kubernetes.io/enforce", "restricted"}}),
        Node("n1", "a"),
        Deployment("open", "web", 1, {{"securityContext", {{"privileged", true}}}}),
        Pod("open", "web-1", "web", "n1"),
        Pod("shut", "ok-1", "ok", "n1"),
        {{"apiVersion", "networking.k8s.io/v1"},
         {"kind", "NetworkPolicy"},
         {"metadata", Meta("shut", "deny")},
         {"spec", {{"podSelector", json::object()}, {"policyTypes", {"Ingress"}}}}}});
  const std::vector<std::string> codes = Codes(Run("audit_security_policies"));
  EXPECT_THAT(codes, ::testing::IsSupersetOf(
                         {"BREAKS_BASELINE", "NO_POD_SECURITY_LEVEL", "NO_NETWORK_POLICY"}));
  EXPECT_EQ(std::count(codes.begin(), codes.end(), "NO_POD_SECURITY_LEVEL"), 1)
      << "the other namespace enforces one";
  const json report = Run("generate_security_report");
  EXPECT_FALSE(report["sections"]["pod_security"].is_null());
}

TEST_F(AdviceTest, DangerousGrantsAreToldAndWhoCanIsExact) {
  const auto role = [](const char* kind, json meta, json rules) {
    return json{{"apiVersion", "rbac.authorization.k8s.io/v1"},
                {"kind", kind},
                {"metadata", std::move(meta)},
                {"rules", std::move(rules)}};
  };
  const auto bind = [](const char* kind, json meta, const char* role_kind, const char* role_name,
                       json subject) {
    return json{{"apiVersion", "rbac.authorization.k8s.io/v1"},
                {"kind", kind},
                {"metadata", std::move(meta)},
                {"roleRef", {{"kind", role_kind}, {"name", role_name}}},
                {"subjects", json::array({std::move(subject)})}};
  };
  Make({Namespace("shop"),
        role("ClusterRole", Meta("", "cluster-admin"),
             {{{"verbs", {"*"}}, {"apiGroups", {"*"}}, {"resources", {"*"}}}}),
        role("Role", Meta("shop", "reader"),
             {{{"verbs", {"get", "list"}}, {"apiGroups", {""}}, {"resources", {"secrets"}}}}),
        bind("ClusterRoleBinding", Meta("", "everyone"), "ClusterRole", "cluster-admin",
             {{"kind", "User"}, {"name", "bob"}}),
        bind("RoleBinding", Meta("shop", "app"), "Role", "reader",
             {{"kind", "ServiceAccount"}, {"name", "web"}, {"namespace", "shop"}})});
  const json answer = Run("analyze_rbac_permissions");
  EXPECT_THAT(Codes(answer), ::testing::IsSupersetOf({"CLUSTER_ADMIN", "READS_SECRETS"}));
  const json who = Run("analyze_rbac_permissions", R"({"verb":"get","resource":"secrets"})");
  EXPECT_EQ(who["total"], 2);
  EXPECT_EQ(Run("analyze_rbac_permissions",
                R"({"verb":"delete","resource":"pods"})")["items"][0]["subject"],
            "bob");
  EXPECT_EQ(Run("analyze_rbac_permissions",
                R"({"verb":"delete","resource":"pods","subject":"web"})")["total"],
            0);
}

TEST_F(AdviceTest, ReportsOfTrivyAndGrypeAreJoinedWithTheImagesInUse) {
  ImageReports reports;
  ASSERT_TRUE(
      AddReport(
          R"({"ArtifactName":"docker.io/library/nginx:1.27","Results":[{"Vulnerabilities":[{"VulnerabilityID":"CVE-1","Severity":"CRITICAL","PkgName":"openssl","InstalledVersion":"3.0","FixedVersion":"3.1"}]}]})",
          &reports)
          .ok());
  ASSERT_TRUE(
      AddReport(
          R"({"source":{"target":{"userInput":"redis:7"}},"matches":[{"vulnerability":{"id":"CVE-2","severity":"High","fix":{"versions":["2"]}},"artifact":{"name":"zlib","version":"1"}}]})",
          &reports)
          .ok());
  EXPECT_EQ(base::DetailOf(AddReport(R"({"hello":1})", &reports)).reason, "BAD_REPORT");
  EXPECT_EQ(reports["nginx:1.27"][0].id, "CVE-1");
  EXPECT_EQ(reports["redis:7"][0].severity, "HIGH");
  const std::string path = ::testing::TempDir() + "/advice_report.json";
  std::ofstream(path)
      << R"({"ArtifactName":"registry.example.com/web:1.0","Results":[{"Vulnerabilities":[{"VulnerabilityID":"CVE-3","Severity":"LOW"},{"VulnerabilityID":"CVE-4","Severity":"HIGH"}]}]})";
  Make({Namespace("shop"), Pod("shop", "web-1", "web", "n1"), Pod("shop", "api-1", "api", "n1")},
       {path});
  const json answer = Run("scan_image_vulnerabilities");
  EXPECT_EQ(answer["images_total"], 2);
  EXPECT_EQ(answer["scanned"], 1);
  EXPECT_EQ(answer["high"], 1);
  EXPECT_THAT(last_.text.en, HasSubstr("CVE-4"));
  EXPECT_THAT(last_.text.en, Not(HasSubstr("CVE-3"))) << "below the least severity asked for";
}

class ReachabilityTest : public AdviceTest {
 protected:
  json Policy(const std::string& ns, const std::string& name, json spec) {
    return {{"apiVersion", "networking.k8s.io/v1"},
            {"kind", "NetworkPolicy"},
            {"metadata", Meta(ns, name)},
            {"spec", std::move(spec)}};
  }
  json Service() {
    return {{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", Meta("shop", "db")},
            {"spec",
             {{"selector", {{"app", "db"}}},
              {"ports", json::array({{{"port", 80}, {"targetPort", 5432}}})}}}};
  }
  json Endpoints() {
    return {{"apiVersion", "discovery.k8s.io/v1"},
            {"kind", "EndpointSlice"},
            {"metadata", Meta("shop", "db-1", {{"kubernetes.io/service-name", "db"}})},
            {"addressType", "IPv4"},
            {"endpoints",
             json::array({{{"addresses", {"10.0.0.9"}}, {"conditions", {{"ready", true}}}}})},
            {"ports", json::array({{{"port", 5432}}})}};
  }
  json Try(std::initializer_list<json> policies) {
    std::vector<json> objects = {
        Namespace("shop", {{"team", "shop"}}),
        Namespace("web", {{"team", "web"}}),
        Node("n1", "a"),
        Deployment("shop", "db", 1),
        Deployment("web", "front", 1),
        Service(),
        Endpoints(),
        Pod("shop", "db-1", "db", "n1",
            {{"spec",
              {{"containers",
                json::array(
                    {Container("db", {{"ports", json::array({{{"containerPort", 5432}}})}})})}}}}),
        Pod("web", "front-1", "front", "n1")};
    objects.insert(objects.end(), policies.begin(), policies.end());
    auto cluster = std::make_unique<FakeCluster>(json(objects).dump());
    std::vector<std::unique_ptr<Cluster>> list;
    list.push_back(std::move(cluster));
    clusters_ = std::make_unique<Clusters>(std::move(list));
    registry_ = std::make_unique<ToolRegistry>(AllTools());
    runner_ =
        std::make_unique<ToolRunner>(*registry_, *clusters_, ToolRunnerOptions{.clock = &clock_});
    return Run("analyze_network_path",
               R"({"namespace":"shop","destination":"db","source":"front"})");
  }
  const json db_ = {{"matchLabels", {{"app", "db"}}}};
};

TEST_F(ReachabilityTest, WithoutPoliciesAPathWithReadyEndpointsIsOpen) {
  EXPECT_EQ(Try({})["verdict"], "open");
}

TEST_F(ReachabilityTest, ADenyAllPolicyBlocksAndIsNamed) {
  const json answer = Try(
      {Policy("shop", "deny", {{"podSelector", json::object()}, {"policyTypes", {"Ingress"}}})});
  EXPECT_EQ(answer["verdict"], "blocked");
  EXPECT_EQ(answer["blocked_by_policies"][0], "shop/deny");
}

TEST_F(ReachabilityTest, NamespaceAndPodSelectorsTogetherMustBothFit) {
  const auto allow = [&](const char* team, const char* app, int port) {
    return Policy(
        "shop", "allow",
        {{"podSelector", db_},
         {"policyTypes", {"Ingress"}},
         {"ingress",
          json::array(
              {{{"from", json::array({{{"namespaceSelector", {{"matchLabels", {{"team", team}}}}},
                                       {"podSelector", {{"matchLabels", {{"app", app}}}}}}})},
                {"ports", json::array({{{"port", port}}})}}})}});
  };
  EXPECT_EQ(Try({allow("web", "front", 5432)})["verdict"], "open");
  EXPECT_EQ(Try({allow("web", "other", 5432)})["verdict"], "blocked");
  EXPECT_EQ(Try({allow("shop", "front", 5432)})["verdict"], "blocked");
  EXPECT_EQ(Try({allow("web", "front", 80)})["verdict"], "blocked")
      << "policies see the port of the pod, not of the service";
}

TEST_F(ReachabilityTest, AnEgressPolicyOfTheSourceBlocksToo) {
  EXPECT_EQ(
      Try({Policy("web", "out",
                  {{"podSelector", json::object()}, {"policyTypes", {"Egress"}}})})["verdict"],
      "blocked");
  EXPECT_EQ(
      Try({Policy("web", "out",
                  {{"podSelector", json::object()},
                   {"policyTypes", {"Egress"}},
                   {"egress",
                    json::array({{{"to", json::array({{{"ipBlock", {{"cidr", "10.0.0.0/8"}}}}})},
                                  {"ports", json::array({{{"port", 5000},
                                                          {"endPort", 6000}}})}}})}})})["verdict"],
      "open");
}

TEST(Reachability, ReadsAddressBlocks) {
  EXPECT_EQ(InCidr("10.1.2.3", "10.0.0.0/8"), true);
  EXPECT_EQ(InCidr("11.1.2.3", "10.0.0.0/8"), false);
  EXPECT_EQ(InCidr("10.1.2.3", "0.0.0.0/0"), true);
  EXPECT_EQ(InCidr("fd00::1", "fd00::/64"), true);
  EXPECT_EQ(InCidr("10.1.2.3", "fd00::/64"), false);
  EXPECT_EQ(InCidr("10.1.2.3", "10.0.0.0/33"), std::nullopt);
  EXPECT_EQ(InCidr("x", "10.0.0.0/8"), std::nullopt);
}

}  // namespace
}  // namespace opsmesh::k8s
