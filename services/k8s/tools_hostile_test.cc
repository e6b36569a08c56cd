// Arguments that no caller should send: hostile, random, naughty.
#include <algorithm>
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "libs/base/ids.h"
#include "services/k8s/tools_fixture.h"

namespace opsmesh::k8s {
namespace {

using ::testing::HasSubstr;

TEST_F(ToolsTest, RefusesHostileArgumentsInEveryToolWithoutTouchingTheCluster) {
  const std::vector<std::string> hostile = {"../../secrets",
                                            "a/b",
                                            "..",
                                            "a b",
                                            "A",
                                            "-a",
                                            "a\n",
                                            "a%2fb",
                                            "'; drop",
                                            "$(id)",
                                            "--server=http://x",
                                            std::string(300, 'a'),
                                            std::string("a\0b", 3),
                                            "\xe2\x80\xae",
                                            "{{7*7}}",
                                            "命名空间"};
  for (const Tool* tool : registry_.List("", true)) {
    for (const Param& param : tool->params) {
      if (param.type != ParamType::kString || param.format == ParamFormat::kText ||
          !param.values.empty())
        continue;
      if (param.format == ParamFormat::kCursor || param.format == ParamFormat::kObjectName)
        continue;
      for (const std::string& value : hostile) {
        if (param.format == ParamFormat::kLabelSelector ||
            param.format == ParamFormat::kFieldSelector ||
            (param.format == ParamFormat::kKind && value == "A"))
          continue;
        const absl::Status status =
            Try(tool->name,
                json{{param.name, value}}.dump(-1, ' ', false, json::error_handler_t::replace))
                .status();
        EXPECT_EQ(base::DetailOf(status).reason, "TOOL_ARGUMENTS")
            << tool->name << "." << param.name << " " << value;
      }
    }
    const absl::Status extra = Try(tool->name, R"({"server":"http://evil"})").status();
    EXPECT_THAT(std::string(extra.message()), HasSubstr("no argument 'server'")) << tool->name;
  }
  EXPECT_TRUE(cluster_->calls.empty());
}

TEST_F(ToolsTest, SurvivesRandomArguments) {
  base::SeededIds ids(7);
  const std::vector<json> values = {"shop",
                                    "web",
                                    "pods",
                                    3,
                                    -1,
                                    true,
                                    nullptr,
                                    1e300,
                                    json::array({"restarts>1"}),
                                    json::object(),
                                    "*",
                                    "",
                                    "status.phase=Running",
                                    "5m",
                                    "web-5d4f-a",
                                    "deployments",
                                    "n1",
                                    json::array({1, 2}),
                                    "\xff\xfe",
                                    "2026"};
  const std::vector<const Tool*> tools = registry_.List("", true);
  for (int i = 0; i < 3000; ++i) {
    const Tool& tool = *tools[ids.Random() % tools.size()];
    if (tool.name == "wait_for_pod_ready") continue;  // it would wait
    json arguments = json::object();
    for (const Param& param : tool.params) {
      if (param.required || ids.Random() % 2)
        arguments[param.name] = values[ids.Random() % values.size()];
    }
    const auto result =
        Try(tool.name, arguments.dump(-1, ' ', false, json::error_handler_t::replace));
    if (result.ok()) {
      ASSERT_TRUE(base::ParseJson(result->json).ok())
          << tool.name << arguments.dump(-1, ' ', false, json::error_handler_t::replace);
    } else {
      ASSERT_NE(result.status().code(), absl::StatusCode::kInternal) << tool.name;
      ASSERT_FALSE(base::DetailOf(result.status()).reason.empty()) << tool.name;
    }
  }
  for (const std::string& call : cluster_->calls) {
    EXPECT_TRUE(call.starts_with("get ") || call.starts_with("list ") || call.starts_with("log ") ||
                call.starts_with("can-i "))
        << call;
  }
}

TEST_F(ToolsTest, SurvivesTheListOfNaughtyStrings) {
  const char* root = std::getenv("OPSMESH_SOURCE_DIR");
  std::ifstream in(std::string(root ? root : ".") + "/../shared/badinputs/blns/blns.json");
  if (!in) {
    std::printf(
        "NOTE: ../shared/badinputs/blns is not beside the clone: the list of naughty strings is "
        "not tried.\n");
    return;
  }
  std::stringstream text;
  text << in.rdbuf();
  const auto list = json::parse(text.str());
  for (const json& naughty : list) {
    for (const char* tool : {"list_kubernetes_pods", "get_pod_logs", "kubectl_get_resources",
                             "describe_kubernetes_resource"}) {
      const Tool* t = *registry_.Find(tool);
      json arguments = json::object();
      for (const Param& param : t->params) {
        if (param.type == ParamType::kString) arguments[param.name] = naughty;
      }
      EXPECT_FALSE(Try(tool, arguments.dump(-1, ' ', false, json::error_handler_t::replace)).ok())
          << tool << " " << naughty;
    }
  }
}

}  // namespace
}  // namespace opsmesh::k8s
