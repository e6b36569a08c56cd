// Sentences that name a cluster.
#include "gtest/gtest.h"
#include "services/llm/planner/planner.h"
#include "services/llm/testing/fake_toolbox.h"

namespace opsmesh::llm {
namespace {

class PlannerClusters : public testing::Test {
 protected:
  void SetUp() override { tools_.SetClusters({"real", "demo", "eu-west"}); }

  v1::TurnDone Ask(const std::string& question, const std::string& state = "") {
    v1::RunTurnRequest request;
    request.set_query(question);
    request.set_turn_state(state);
    v1::TurnDone done;
    const absl::Status status =
        Planner(tools_, {})
            .RunTurn(base::Context::Background(), request, [&](v1::RunTurnResponse event) {
              if (event.has_done()) done = event.done();
              return absl::OkStatus();
            });
    EXPECT_TRUE(status.ok()) << status;
    return done;
  }

  FakeToolBox tools_;
};

TEST_F(PlannerClusters, AClusterThatIsNamedIsTheOneThatIsAsked) {
  for (const auto& [question, call] : {
           std::pair{"pods in cluster demo", "list_kubernetes_pods @demo"},
           {"list the pods of the demo cluster", "list_kubernetes_pods @demo"},
           {"pods in payments on the eu-west cluster",
            "list_kubernetes_pods namespace=payments @eu-west"},
           {"nodes on demo", "list_kubernetes_nodes @demo"},
           {"demo 集群里有哪些 pod", "list_kubernetes_pods @demo"},
           {"集群 eu-west 的节点", "list_kubernetes_nodes @eu-west"},
           {"在 demo 集群的 payments 里有哪些 pod",
            "list_kubernetes_pods namespace=payments @demo"},
           {"what is wrong in cluster demo?", "diagnose"},
           {"pods in payments", "list_kubernetes_pods namespace=payments"},
       }) {
    const v1::TurnDone done = Ask(question);
    EXPECT_EQ(done.outcome(), v1::TurnDone::OUTCOME_ANSWERED) << done.response();
    const auto calls = tools_.TakeCalls();
    ASSERT_EQ(calls.size(), 1u) << question;
    EXPECT_EQ(calls[0], call) << question;
  }
}

TEST_F(PlannerClusters, SeveralClustersAreAskedTheSameEach) {
  for (const char* question : {"nodes of clusters real and demo", "real 和 demo 集群的节点"}) {
    const v1::TurnDone done = Ask(question);
    EXPECT_EQ(tools_.TakeCalls(), (std::vector<std::string>{"list_kubernetes_nodes @real",
                                                            "list_kubernetes_nodes @demo"}))
        << question << done.response();
  }
}

TEST_F(PlannerClusters, TheConversationStaysWithTheClusterAndSaysSo) {
  const v1::TurnDone first = Ask("pods in cluster demo");
  const v1::TurnDone second = Ask("and in payments?", first.turn_state());
  EXPECT_NE(second.response().find("`demo`"), std::string::npos) << second.response();
  EXPECT_EQ(tools_.TakeCalls().back(), "list_kubernetes_pods namespace=payments @demo");
  Ask("pods in cluster real", second.turn_state());
  EXPECT_EQ(tools_.TakeCalls().back(), "list_kubernetes_pods @real");
}

TEST_F(PlannerClusters, AClusterThatIsNotConfiguredIsSaidToBeSo) {
  for (const char* question : {"pods in cluster staging2", "staging2 集群里有哪些 pod",
                               "scale web to 3 in cluster staging2"}) {
    const v1::TurnDone done = Ask(question);
    EXPECT_EQ(done.outcome(), v1::TurnDone::OUTCOME_CLARIFICATION) << question;
    EXPECT_NE(done.response().find("real, demo, eu-west"), std::string::npos) << done.response();
    EXPECT_TRUE(tools_.TakeCalls().empty());
  }
}

TEST_F(PlannerClusters, WhereThereIsOneClusterTheAnswerComesFromItAndNothingIsChanged) {
  tools_.SetClusters({"default"});
  const v1::TurnDone done = Ask("pods in cluster prod-1");
  EXPECT_EQ(done.outcome(), v1::TurnDone::OUTCOME_ANSWERED);
  EXPECT_NE(done.response().find("No cluster 'prod-1'"), std::string::npos) << done.response();
  EXPECT_EQ(tools_.TakeCalls().back(), "list_kubernetes_pods");
  EXPECT_FALSE(Ask("scale nginx to 3 in cluster prod-1").has_planned_call());
}

TEST_F(PlannerClusters, WordsThatOnlyStandBesideAClusterNameNone) {
  tools_.SetClusters({"default"});
  for (const char* question : {"how is the cluster doing?", "cluster status", "集群有什么问题",
                               "is the cluster healthy?"}) {
    EXPECT_EQ(Ask(question).response().find("No cluster"), std::string::npos) << question;
  }
}

TEST_F(PlannerClusters, TheConfiguredClustersAreListed) {
  for (const char* question : {"which clusters are there?", "list clusters", "有哪些集群",
                               "列出所有集群", "how many clusters are configured?"}) {
    const v1::TurnDone done = Ask(question);
    EXPECT_EQ(done.outcome(), v1::TurnDone::OUTCOME_ANSWERED);
    EXPECT_NE(done.response().find("eu-west"), std::string::npos) << question << done.response();
    EXPECT_TRUE(tools_.TakeCalls().empty()) << question;
  }
}

}  // namespace
}  // namespace opsmesh::llm
