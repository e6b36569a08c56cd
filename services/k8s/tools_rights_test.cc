// Every tool, asked about a namespace by a user whose rights end before it.
#include "gmock/gmock.h"
#include "services/k8s/picture.h"
#include "services/k8s/tools_fixture.h"

namespace opsmesh::k8s {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A value for a parameter that must be given, about something that is in namespace payments.
json ValueFor(const Param& param) {
  if (param.name == "namespace" || param.name == "source_namespace") return "payments";
  if (param.name == "resource_type") return "deployments";
  if (param.name.find("pod") != std::string::npos) return "ledger-5d4f-a";
  if (param.type == ParamType::kInteger) return 2;
  if (!param.values.empty()) return param.values.front();
  if (param.type == ParamType::kStringList) return json::array({"pods"});
  return "ledger";
}

bool TakesNamespace(const Tool& tool) {
  return std::any_of(tool.params.begin(), tool.params.end(),
                     [](const Param& param) { return param.name == "namespace"; });
}

TEST_F(ToolsTest, NoToolAnswersAboutANamespaceThatMayNotBeReadFromAnotherOne) {
  cluster_->Restrict({"shop"});
  int refused = 0;
  for (const Tool* tool : registry_.List("", true)) {
    if (!TakesNamespace(*tool)) continue;
    json arguments = {{"namespace", "payments"}};
    for (const Param& param : tool->params) {
      if (param.required) arguments[param.name] = ValueFor(param);
    }
    const absl::StatusOr<ToolResult> result = Try(tool->name, arguments.dump());
    if (!result.ok()) {
      EXPECT_EQ(base::DetailOf(result.status()).reason, "FORBIDDEN")
          << tool->name << arguments.dump() << result.status();
      base::ErrorDetail detail = base::DetailOf(result.status());
      // Rights are given by ClusterRoles, too: without those it says nothing.
      if (tool->name != "analyze_rbac_permissions") {
        EXPECT_EQ(detail.metadata["namespace"], "payments") << tool->name << result.status();
      }
      EXPECT_EQ(detail.metadata["user"], "tester") << tool->name;
      ++refused;
      continue;
    }
    ADD_FAILURE() << tool->name << arguments.dump() << "\n" << result->text.en;
  }
  std::printf("%d tools refused\n", refused);
}

TEST_F(ToolsTest, WhereTheUserMayReadToolsAnswerAndSayWhatTheRightsLeaveOut) {
  cluster_->Restrict({"shop"});
  const ToolResult there = Run("list_kubernetes_pods", R"({"namespace":"shop"})");
  EXPECT_THAT(there.text.en, HasSubstr("web-"));
  EXPECT_TRUE(there.ledger.failed.empty());
  const ToolResult all = Run("list_kubernetes_pods");
  ASSERT_EQ(all.ledger.failed.size(), 1u);
  EXPECT_EQ(all.ledger.failed[0].source, "rights");
  EXPECT_EQ(all.ledger.failed[0].reason, "jobs, pods, replicasets can be read in shop only");
  EXPECT_THAT(all.text.en, Not(HasSubstr("ledger")));
  EXPECT_EQ(Reason("list_kubernetes_nodes", "{}"), "FORBIDDEN");
  const Text rights = RightsText(*cluster_->Picture(base::Context::Background()));
  EXPECT_THAT(rights.en, HasSubstr("in namespace shop only; not allowed: "));
  EXPECT_THAT(rights.zh, HasSubstr("只能在命名空间 shop 中读取；没有权限读取："));
}

TEST(Clusters, OneThatCouldNotBeSetUpIsNamedWithItsReasonAndNeverReplacedByAnother) {
  std::vector<std::unique_ptr<Cluster>> list;
  list.push_back(std::make_unique<FakeCluster>("[]", "demo"));
  const Clusters clusters(std::move(list),
                          {{"prod", base::Unavailable("KUBECONFIG", "The kubeconfig is away.")}},
                          "prod");
  for (const char* id : {"", "prod"}) {
    const absl::Status status = clusters.Find(id).status();
    EXPECT_EQ(base::DetailOf(status).reason, "CLUSTER_UNUSABLE") << status;
    EXPECT_NE(status.message().find("The kubeconfig is away."), absl::string_view::npos) << status;
  }
  EXPECT_TRUE(clusters.Find("demo").ok());
  const base::ErrorDetail unknown = base::DetailOf(clusters.Find("staging").status());
  EXPECT_EQ(unknown.reason, "UNKNOWN_CLUSTER");
  EXPECT_EQ(unknown.metadata.at("clusters"), "demo, prod");
}

}  // namespace
}  // namespace opsmesh::k8s
