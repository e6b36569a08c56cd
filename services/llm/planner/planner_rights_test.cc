// A user of some namespaces only: one that is named never becomes another one.
#include "gtest/gtest.h"
#include "services/llm/planner/planner.h"
#include "services/llm/testing/fake_toolbox.h"

namespace opsmesh::llm {
namespace {

v1::TurnDone Ask(FakeToolBox& tools, const std::string& question, const std::string& state = "") {
  v1::RunTurnRequest request;
  request.set_query(question);
  request.set_turn_state(state);
  v1::TurnDone done;
  const absl::Status status = Planner(tools, {}).RunTurn(base::Context::Background(), request,
                                                         [&](v1::RunTurnResponse event) {
                                                           if (event.has_done())
                                                             done = event.done();
                                                           return absl::OkStatus();
                                                         });
  EXPECT_TRUE(status.ok()) << status;
  return done;
}

bool Says(const v1::TurnDone& done, const std::string& text) {
  return done.response().find(text) != std::string::npos;
}

TEST(PlannerRights, ANamespaceThatMayNotBeReadIsSaidToBeSoAndNothingElseIsAnswered) {
  FakeToolBox tools;
  tools.Restrict({"production"});
  for (const char* question :
       {"payments 里有哪些 pod", "payments 命名空间有哪些服务", "payments 有什么问题",
        "payments 下 web 的日志", "payments 的 deployment", "统计 payments 里的 pod 数量",
        "payments/web 的状态", "把 payments 的 web 扩容到 3 个"}) {
    const v1::TurnDone done = Ask(tools, question);
    EXPECT_EQ(done.outcome(), v1::TurnDone::OUTCOME_FAILED) << question << "\n" << done.response();
    EXPECT_TRUE(Says(done, "用户 alice 没有权限在命名空间 payments 对 pods 执行 list"))
        << question << "\n"
        << done.response();
    EXPECT_FALSE(Says(done, "production")) << question << "\n" << done.response();
    EXPECT_FALSE(done.has_planned_call()) << question;
  }
  for (const char* question : {"list pods in payments", "which services are in namespace payments?",
                               "what is wrong with payments?", "show the logs of web in payments",
                               "how many deployments are in payments", "describe payments/web",
                               "scale web in payments to 3", "scale payments web to 3",
                               "restart the payments web deployment"}) {
    const v1::TurnDone done = Ask(tools, question);
    EXPECT_EQ(done.outcome(), v1::TurnDone::OUTCOME_FAILED) << question << "\n" << done.response();
    EXPECT_TRUE(Says(done, "Cannot list pods in namespace 'payments'")) << question << "\n"
                                                                        << done.response();
    EXPECT_FALSE(Says(done, "production")) << question << "\n" << done.response();
    EXPECT_FALSE(done.has_planned_call()) << question;
  }
}

TEST(PlannerRights, WhatMayBeReadIsAnsweredAndTheLimitIsSaidInTheQuestionsLanguage) {
  FakeToolBox tools;
  tools.Restrict({"production"});
  EXPECT_EQ(Ask(tools, "production 里有哪些 pod").outcome(), v1::TurnDone::OUTCOME_ANSWERED);
  EXPECT_EQ(tools.TakeCalls().back(), "list_kubernetes_pods namespace=production");
  const v1::TurnDone zh = Ask(tools, "有哪些 pod");
  EXPECT_EQ(zh.outcome(), v1::TurnDone::OUTCOME_ANSWERED);
  EXPECT_TRUE(Says(
      zh, "按当前用户的权限，pods、services 只能在命名空间 production 中读取；没有权限读取 nodes"))
      << zh.response();
  const v1::TurnDone en = Ask(tools, "list all pods");
  EXPECT_TRUE(Says(en,
                   "With the rights of this user, pods, services can be read in production only; "
                   "nodes cannot be read"))
      << en.response();
}

TEST(PlannerRights, WhatIsNotFoundMayBeWhereTheUserHasNoRights) {
  FakeToolBox tools;
  tools.Restrict({"production"});
  const v1::TurnDone done = Ask(tools, "logs of settle-worker");
  EXPECT_EQ(done.outcome(), v1::TurnDone::OUTCOME_CLARIFICATION);
  EXPECT_TRUE(Says(done, "settle-worker")) << done.response();
  EXPECT_TRUE(Says(done, "can be read in production only")) << done.response();
}

TEST(PlannerRights, QuestionsAboutRightsMayBeAskedOfANamespaceThatMayNotBeRead) {
  FakeToolBox tools;
  tools.Restrict({"production"});
  const v1::TurnDone done = Ask(tools, "who can delete pods in payments?");
  EXPECT_EQ(done.outcome(), v1::TurnDone::OUTCOME_UNIMPLEMENTED) << done.response();
  EXPECT_FALSE(Says(done, "Cannot list pods"));
}

TEST(PlannerRights, APlainWordBesideAKindIsNoNamespaceAndIsSaidToBeLeftOut) {
  FakeToolBox tools;
  tools.Restrict({"production"});
  for (const auto& [question, word] : {std::pair{"noisy pods", "noisy"},
                                       {"find flaky pods", "flaky"},
                                       {"hungry containers", "hungry"},
                                       {"payments pods", "payments"}}) {
    const v1::TurnDone done = Ask(tools, question);
    EXPECT_EQ(done.outcome(), v1::TurnDone::OUTCOME_ANSWERED) << question << "\n"
                                                              << done.response();
    EXPECT_TRUE(Says(done, std::string("say \"in namespace ") + word)) << done.response();
    EXPECT_FALSE(Says(done, "Cannot list pods")) << done.response();
  }
  const v1::TurnDone known = Ask(tools, "production pods");
  EXPECT_EQ(tools.TakeCalls().back(), "list_kubernetes_pods namespace=production");
  EXPECT_FALSE(Says(known, "left out")) << known.response();
}

TEST(PlannerRights, AnObjectOfAnotherNamespaceIsOfferedNotTakenForTheOneThatWasNamed) {
  FakeToolBox tools;
  for (const char* question : {"status of grafana in payments", "payments 里 grafana 的状态"}) {
    const v1::TurnDone done = Ask(tools, question);
    EXPECT_EQ(done.outcome(), v1::TurnDone::OUTCOME_CLARIFICATION) << done.response();
    EXPECT_TRUE(Says(done, "monitoring/grafana")) << done.response();
    EXPECT_TRUE(tools.TakeCalls().empty());
  }
}

}  // namespace
}  // namespace opsmesh::llm
