#include "services/chat/status_board.h"

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "services/chat/fakes_for_test.h"

namespace opsmesh::chat {
namespace {

class ScriptedProbe final : public MeshProbe {
 public:
  std::vector<ServiceReport> Reports(const base::Context&) override { return reports; }
  absl::StatusOr<llm::v1::ListModelsResponse> Models(const base::Context&) override {
    llm::v1::ListModelsResponse models;
    models.add_models("deterministic");
    models.set_current("deterministic");
    models.set_provider("deterministic");
    models.set_default_provider("deepseek");
    models.set_supports_tools(true);
    return models;
  }
  std::vector<ServiceReport> reports = {{"llm", absl::OkStatus(), 1, {}},
                                        {"k8s", absl::OkStatus(), 1, {}}};
};

class StatusBoardTest : public ::testing::Test, public ChatFixture {
 protected:
  ScriptedProbe probe_;
  StatusBoard board_{probe_, clock, {"No authentication is configured."}};
};

TEST_F(StatusBoardTest, UptimeCountsFromTheStartOnTheSteadyClock) {
  clock.Advance(absl::Hours(2) + absl::Minutes(30) + absl::Seconds(15));
  clock.JumpTo(absl::UnixEpoch());
  EXPECT_EQ(board_.Status(As("ann")).uptime(), "2h30m15s");
}

TEST_F(StatusBoardTest, AServiceThatDoesNotAnswerShowsEverywhereWithItsSentence) {
  probe_.reports[1].status =
      base::Unavailable("SERVICE_UNAVAILABLE", "k8s does not answer on 127.0.0.1:1.");
  EXPECT_EQ(board_.Health(As("ann")).status(), "degraded");
  EXPECT_EQ(board_.Health(As("ann")).services().at("k8s"), "unavailable");
  EXPECT_EQ(board_.Status(As("ann")).tools(), "unavailable");
  EXPECT_EQ(board_.Status(As("ann")).agent(), "ready");
  const auto system = board_.SystemStatus(As("ann"));
  EXPECT_EQ(system.status(), "degraded");
  EXPECT_NE(system.components(1).message().find("127.0.0.1:1"), std::string::npos);
}

TEST_F(StatusBoardTest, AClusterThatDoesNotAnswerDegradesTheToolsAndTheWhole) {
  type::v1::ComponentStatus cluster;
  cluster.set_name("kubernetes");
  cluster.set_state(type::v1::ComponentStatus::STATE_DOWN);
  probe_.reports[1].components = {cluster};
  EXPECT_EQ(board_.Status(As("ann")).tools(), "degraded");
  EXPECT_EQ(board_.Status(As("ann")).status(), "degraded");
}

TEST_F(StatusBoardTest, WhatTheDocumentsNameIsThereAndTrue) {
  const auto status = board_.Status(As("ann"));
  EXPECT_EQ(status.status(), "running");
  EXPECT_EQ(status.mcp_client(), "disabled");
  EXPECT_EQ(status.notices(0), "No authentication is configured.");
  const auto models = board_.Models(As("ann"));
  EXPECT_EQ(models->metadata().at("supports_tools"), "true");
  EXPECT_EQ(models->current(), "deterministic");
  EXPECT_EQ(board_.Health(As("ann")).status(), "healthy");
}

}  // namespace
}  // namespace opsmesh::chat
