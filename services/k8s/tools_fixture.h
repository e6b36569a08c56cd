// All tools over the small cluster, called as a caller calls them, for tests.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/testing/fake_clock.h"
#include "nlohmann/json.hpp"
#include "services/k8s/fake_cluster.h"
#include "services/k8s/tool_runner.h"

namespace opsmesh::k8s {

using nlohmann::json;

class ToolsTest : public ::testing::Test {
 protected:
  ToolsTest() {
    auto cluster = FakeCluster::FromFile("small_cluster.json");
    cluster_ = cluster.get();
    std::vector<std::unique_ptr<Cluster>> list;
    list.push_back(std::move(cluster));
    clusters_ = std::make_unique<Clusters>(std::move(list));
    runner_ =
        std::make_unique<ToolRunner>(registry_, *clusters_, ToolRunnerOptions{.clock = &clock_});
  }
  absl::StatusOr<ToolResult> Try(const std::string& name, const std::string& arguments = "{}",
                                 CallScope scope = {}) {
    return runner_->Run(base::Context::Background().WithTimeout(absl::Seconds(20)), name, arguments,
                        scope);
  }
  ToolResult Run(const std::string& name, const std::string& arguments = "{}",
                 CallScope scope = {}) {
    absl::StatusOr<ToolResult> result = Try(name, arguments, std::move(scope));
    if (!result.ok()) {
      ADD_FAILURE() << name << " " << arguments << ": " << result.status().message();
      return {};
    }
    EXPECT_TRUE(base::ParseJson(result->json).ok()) << name << ": " << result->json.substr(0, 300);
    EXPECT_FALSE(result->text.zh.empty() || result->text.en.empty()) << name;
    EXPECT_FALSE(result->ledger.checked.empty() && result->ledger.failed.empty()) << name;
    return *std::move(result);
  }
  json Data(const ToolResult& result) { return *base::ParseJson(result.json); }
  std::string Reason(const std::string& name, const std::string& arguments) {
    return base::DetailOf(Try(name, arguments).status()).reason;
  }
  static std::string FactOf(const ToolResult& result, const std::string& key) {
    for (const Fact& fact : result.facts) {
      if (fact.key == key) return fact.value;
    }
    return "";
  }

  testing::FakeClock clock_{FakeCluster::Now()};
  FakeCluster* cluster_ = nullptr;
  const ToolRegistry registry_ = AllTools();
  std::unique_ptr<Clusters> clusters_;
  std::unique_ptr<ToolRunner> runner_;
};

}  // namespace opsmesh::k8s
