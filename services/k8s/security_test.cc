// The tools that judge security: standards, grants, images.
#include <fstream>

#include "gmock/gmock.h"
#include "services/k8s/advice_fixture.h"
#include "services/k8s/image_reports.h"
#include "services/k8s/pod_security.h"

namespace opsmesh::k8s {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

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

}  // namespace
}  // namespace opsmesh::k8s
