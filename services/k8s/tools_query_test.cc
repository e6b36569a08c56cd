// Queries: exact counts, conditions, groups, pages.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "libs/base/ids.h"
#include "services/k8s/tools_fixture.h"

namespace opsmesh::k8s {
namespace {

using ::testing::HasSubstr;

TEST_F(ToolsTest, AnswersQueriesExactly) {
  const auto query = [&](const std::string& rest) {
    return Data(Run("kubectl_get_resources", R"({"resource_type":"pods",)" + rest + "}"));
  };
  EXPECT_EQ(query(R"("where":["restarts>=5"])")["matched"], 2);
  EXPECT_EQ(query(R"("where":["status=CrashLoopBackOff","namespace=payments"])")["matched"], 5);
  EXPECT_EQ(query(R"("label_selector":"app=web")")["matched"], 3);
  EXPECT_EQ(query(R"("label_selector":"app in (web,cart),app!=cart")")["matched"], 3);
  EXPECT_EQ(query(R"("field_selector":"spec.nodeName=n2")")["matched"], 3);
  EXPECT_EQ(query(R"("field_selector":"status.phase=Failed")")["matched"], 3);
  EXPECT_EQ(query(R"("where":["age<2h"])")["matched"],
            2);  // the two pods of migrate, 90 minutes old
  const json groups =
      query(R"("group_by":["namespace"],"aggregate":["sum:restarts","sum:cpu_request"])");
  EXPECT_EQ(groups["group_total"], 4);
  EXPECT_EQ(groups["groups"][0]["key"]["namespace"], "shop");
  EXPECT_EQ(groups["groups"][0]["count"], 8);
  EXPECT_DOUBLE_EQ(groups["groups"][0]["aggregates"]["sum:cpu_request"], 1.5);
  const json top = query(R"("sort_by":"-restarts","top":2)");
  EXPECT_EQ(top["items"][0]["name"], "term-5d4f-a");
  EXPECT_EQ(top["items"][1]["name"], "ledger-5d4f-a");
}

TEST_F(ToolsTest, RefusesQueriesItDoesNotUnderstandWithTheFieldsThereAre) {
  EXPECT_EQ(Reason("kubectl_get_resources", R"({"resource_type":"pods","where":["restrts>5"]})"),
            "UNKNOWN_FIELD");
  EXPECT_THAT(base::DetailOf(
                  Try("kubectl_get_resources", R"({"resource_type":"pods","where":["restrts>5"]})")
                      .status())
                  .hint,
              HasSubstr("restarts"));
  EXPECT_EQ(Reason("kubectl_get_resources", R"({"resource_type":"pods","where":["status>5"]})"),
            "BAD_CONDITION");
  EXPECT_EQ(
      Reason("kubectl_get_resources", R"({"resource_type":"pods","where":["restarts=many"]})"),
      "BAD_CONDITION");
  EXPECT_EQ(Reason("kubectl_get_resources", R"({"resource_type":"pods","cursor":"bm9uc2Vuc2U="})"),
            "BAD_CURSOR");
  EXPECT_EQ(Try("kubectl_get_resources", R"({"resource_type":"podz"})").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(ToolsTest, PagesWithoutGapOrDouble) {
  std::vector<std::string> seen;
  std::string cursor;
  for (int page = 0; page < 30; ++page) {
    const ToolResult result =
        Run("list_pods_all_namespaces",
            cursor.empty() ? R"({"limit":5})" : R"({"limit":5,"cursor":")" + cursor + "\"}");
    const json data = Data(result);
    for (const json& item : data["items"])
      seen.push_back(item["namespace"].get<std::string>() + "/" + item["name"].get<std::string>());
    EXPECT_EQ(result.truncated, !result.next_cursor.empty());
    cursor = result.next_cursor;
    if (cursor.empty()) break;
  }
  EXPECT_EQ(seen.size(), 22u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
}

}  // namespace
}  // namespace opsmesh::k8s
