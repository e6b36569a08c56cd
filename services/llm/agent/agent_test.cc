// Turns with a scripted model: the loop, its budgets, and failures of the model.
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "gmock/gmock.h"
#include "libs/base/error.h"
#include "services/llm/agent/agent_fixture.h"
#include "services/llm/planner/turn_state.h"

namespace opsmesh::llm {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST_F(AgentTest, AModelCallsAToolAndAnswersFromItsResultInDeltas) {
  tools_.SetResult("list_kubernetes_pods", R"({"items":[{"name":"cart-1"}],"total":37})");
  fakes_[0]->Say(LlmAnswer::Calls({{"list_kubernetes_pods", R"({"namespace":"payments"})"}}));
  fakes_[0]->Say(LlmAnswer::Text({"There are ", "37 pods", " in payments."}));
  const Outcome outcome = Ask("how many pods are in payments?");
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.done.response(), "There are 37 pods in payments.");
  EXPECT_EQ(outcome.streamed, outcome.done.response());
  EXPECT_GE(outcome.deltas, 3);
  EXPECT_EQ(outcome.done.provider(), "one");
  EXPECT_EQ(outcome.done.model(), "m0");
  EXPECT_EQ(outcome.done.outcome(), v1::TurnDone::OUTCOME_ANSWERED);
  EXPECT_EQ(outcome.done.usage().input_token_count(), 200);
  EXPECT_THAT(outcome.done.degraded(), IsEmpty());
  EXPECT_THAT(tools_.TakeCalls(), ElementsAre("list_kubernetes_pods namespace=payments"));
  EXPECT_THAT(LastText(Sent(1), "tool"), HasSubstr("\"total\":37"));
  EXPECT_EQ(Sent(1)["messages"].back()["tool_call_id"], "call_0");
}

TEST_F(AgentTest, SeveralCallsOfOneRoundRunAndEachGetsItsAnswer) {
  fakes_[0]->Say(LlmAnswer::Calls({{"list_kubernetes_pods", "{}"},
                                   {"list_kubernetes_events", R"({"namespace":"default"})"},
                                   {"diagnose", ""}}));
  fakes_[0]->Say(LlmAnswer::Text({"ok"}));
  const Outcome outcome = Ask("what is wrong?");
  EXPECT_THAT(Tools(outcome),
              ElementsAre("list_kubernetes_pods", "list_kubernetes_events", "diagnose"));
  const auto body = Sent(1);
  const size_t messages = body["messages"].size();
  EXPECT_EQ(body["messages"][messages - 3]["tool_call_id"], "call_0");
  EXPECT_THAT(body["messages"][messages - 1]["content"].get<std::string>(),
              HasSubstr("CRASH_LOOP"));
}

TEST_F(AgentTest, OnlyReadingToolsAreOfferedAndFewEnoughForASmallModel) {
  options_.max_tools = 12;
  fakes_[0]->Say(LlmAnswer::Text({"ok"}));
  Ask("why does the network policy block cart?");
  const auto offered = Sent(0)["tools"];
  EXPECT_EQ(offered.size(), 12u);
  std::string names;
  for (const auto& tool : offered) names += tool["function"]["name"].get<std::string>() + " ";
  EXPECT_THAT(names, HasSubstr("check_kubernetes_network_policies"));
  EXPECT_THAT(names, Not(HasSubstr("scale_deployment")));
  EXPECT_THAT(names, Not(HasSubstr("delete_")));
}

TEST_F(AgentTest, ArgumentsThatDoNotFitRunNothingAndTheModelIsTold) {
  fakes_[0]->Say(LlmAnswer::Calls({{"list_kubernetes_pods", R"({"namespace":"a","force":true})"}}));
  fakes_[0]->Say(
      LlmAnswer::Calls({{"get_kubernetes_pod_logs", R"({"pod_name":"cart","tail_lines":"20"})"}}));
  fakes_[0]->Say(LlmAnswer::Text({"done"}));
  const Outcome outcome = Ask("look at cart");
  EXPECT_THAT(tools_.TakeCalls(),
              ElementsAre("get_kubernetes_pod_logs pod_name=cart tail_lines=20"));
  EXPECT_THAT(LastText(Sent(1), "tool"), HasSubstr("'force' is no parameter of this tool"));
  EXPECT_EQ(outcome.done.outcome(), v1::TurnDone::OUTCOME_ANSWERED);
}

TEST_F(AgentTest, BrokenArgumentsAreToldOnceAndThenThePlannerAnswers) {
  for (int i = 0; i < 2; ++i)
    fakes_[0]->Say(LlmAnswer::Calls({{"list_kubernetes_pods", R"({"namespace":"pay)"}}));
  const Outcome outcome = Ask("list pods in payments");
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(fakes_[0]->asked().size(), 2u);
  EXPECT_EQ(outcome.done.provider(), "deterministic");
  EXPECT_EQ(outcome.done.degraded_size(), 1);
  EXPECT_THAT(outcome.done.response(), HasSubstr("result<list_kubernetes_pods namespace=payments"));
  EXPECT_THAT(outcome.done.response(), HasSubstr("No LLM could answer"));
  EXPECT_EQ(outcome.streamed, outcome.done.response());
  // What was sent back never holds arguments that are no JSON.
  EXPECT_EQ(Sent(1)["messages"][2]["tool_calls"][0]["function"]["arguments"], "{}");
}

TEST_F(AgentTest, AStreamThatBreaksInACallRunsNothingWhateverIsSentAfterIt) {
  const std::string half =
      "data: "
      "{\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":"
      "\"list_kubernetes_pods\",\"arguments\":\"{}\"}}]}}]}\n\n";
  for (int i = 0; i < 2; ++i) fakes_[0]->Say(LlmAnswer::Raw(half).Ending(LlmAnswer::End::kCut));
  v1::RunTurnRequest request;
  request.set_query("hello there, how do you do");
  const Outcome outcome = Run(request);
  EXPECT_THAT(tools_.TakeCalls(), IsEmpty());
  EXPECT_EQ(outcome.done.provider(), "deterministic");
}

TEST_F(AgentTest, TheSameCallAgainIsNotRunAndEndsTheLoopWhenItGoesOn) {
  fakes_[0]->SetBrain([](const nlohmann::json&) {
    return LlmAnswer::Calls({{"list_kubernetes_pods", "{}"}});
  });
  const Outcome outcome = Ask("list all pods");
  ASSERT_TRUE(outcome.status.ok());
  EXPECT_THAT(tools_.TakeCalls(), ElementsAre("list_kubernetes_pods"));
  EXPECT_LE(fakes_[0]->asked().size(), 5u);
  EXPECT_EQ(outcome.done.outcome(), v1::TurnDone::OUTCOME_BUDGET);
  EXPECT_THAT(outcome.done.response(), HasSubstr("result<list_kubernetes_pods>"));
  EXPECT_THAT(outcome.done.response(), HasSubstr("kept repeating the same call"));
}

TEST_F(AgentTest, AfterTheLastRoundTheModelIsAskedForWordsOnly) {
  options_.max_iterations = 2;
  int n = 0;
  fakes_[0]->SetBrain([&n](const nlohmann::json& request) {
    if (request.value("tool_choice", "") == "none") return LlmAnswer::Text({"so far: fine"});
    return LlmAnswer::Calls(
        {{"list_kubernetes_pods", R"({"namespace":"ns)" + std::to_string(++n) + "\"}"}});
  });
  const Outcome outcome = Ask("look everywhere");
  EXPECT_EQ(tools_.TakeCalls().size(), 2u);
  EXPECT_EQ(outcome.done.outcome(), v1::TurnDone::OUTCOME_BUDGET);
  EXPECT_THAT(outcome.done.response(), HasSubstr("so far: fine"));
  EXPECT_THAT(outcome.done.response(), HasSubstr("the limit of rounds was reached"));
}

TEST_F(AgentTest, TheTokenBudgetEndsTheLoop) {
  options_.token_budget = 150;  // the fake reports 110 a call
  int n = 0;
  fakes_[0]->SetBrain([&n](const nlohmann::json& request) {
    if (request.value("tool_choice", "") == "none") return LlmAnswer::Text({"enough"});
    return LlmAnswer::Calls(
        {{"list_kubernetes_pods", R"({"namespace":"ns)" + std::to_string(++n) + "\"}"}});
  });
  const Outcome outcome = Ask("look everywhere");
  EXPECT_EQ(outcome.done.outcome(), v1::TurnDone::OUTCOME_BUDGET);
  EXPECT_EQ(n, 2);
}

TEST_F(AgentTest, AHundredCallsAtOnceRunOnlyAsManyAsARoundMay) {
  std::vector<std::pair<std::string, std::string>> calls;
  for (int i = 0; i < 100; ++i)
    calls.emplace_back("list_kubernetes_pods", R"({"namespace":"n)" + std::to_string(i) + "\"}");
  fakes_[0]->Say(LlmAnswer::Calls(calls));
  fakes_[0]->Say(LlmAnswer::Text({"ok"}));
  const Outcome outcome = Ask("look everywhere");
  EXPECT_EQ(tools_.TakeCalls().size(), 8u) << outcome.done.response();
  ASSERT_EQ(fakes_[0]->asked().size(), 2u) << outcome.done.response();
  int answers = 0;
  const nlohmann::json body = Sent(1);
  for (const auto& message : body["messages"]) answers += message["role"] == "tool";
  EXPECT_EQ(answers, 100);
}

TEST_F(AgentTest, AToolThatFailsIsToldToTheModelAndStandsInTheLedger) {
  tools_.SetUnavailable("trace_service_chain");
  fakes_[0]->Say(LlmAnswer::Calls({{"trace_service_chain", "{}"}, {"no_such_tool", "{}"}}));
  fakes_[0]->Say(LlmAnswer::Text({"cannot"}));
  const Outcome outcome = Ask("trace it");
  EXPECT_EQ(outcome.done.ledger().not_checked_size(), 1);
  EXPECT_THAT(LastText(Sent(1), "tool"), HasSubstr("there is no tool 'no_such_tool'"));
}

TEST_F(AgentTest, TheSecondProviderAnswersWhenTheFirstCannotAndTheAnswerSaysSo) {
  Use({Settings(0, "one"), Settings(1, "two")});
  fakes_[0]->Say(LlmAnswer::Error(401, "no", "invalid_api_key"));
  fakes_[1]->Say(LlmAnswer::Calls({{"list_kubernetes_pods", "{}"}}));
  fakes_[1]->Say(LlmAnswer::Text({"all well"}));
  const Outcome outcome = Ask("are all pods well?");
  EXPECT_EQ(outcome.done.provider(), "two");
  ASSERT_EQ(outcome.done.degraded_size(), 1);
  EXPECT_THAT(outcome.done.degraded(0), HasSubstr("API key not found"));
  EXPECT_THAT(outcome.done.response(), HasSubstr("all well"));
  EXPECT_EQ(fakes_[0]->asked().size(), 1u);  // a conversation stays with who answered
}

TEST_F(AgentTest, WithoutAnyModelThePlannerAnswersInTheQuestionsLanguageAndSaysWhy) {
  for (int i = 0; i < 2; ++i)
    fakes_[0]->Say(LlmAnswer::Error(500, "down").With("retry-after-ms", "1"));
  const Outcome outcome = Ask("列出 payments 命名空间的 pod");
  EXPECT_EQ(outcome.done.provider(), "deterministic");
  EXPECT_THAT(outcome.done.response(), HasSubstr("结果<list_kubernetes_pods namespace=payments"));
  EXPECT_THAT(outcome.done.response(), HasSubstr("大模型未能作答"));
  EXPECT_EQ(outcome.done.language(), "zh-Hans");
  EXPECT_EQ(outcome.done.ledger().failed(0).source(), "llm");
}

TEST_F(AgentTest, AStalledModelCostsItsLimitAndNotMore) {
  auto settings = Settings(0, "one");
  settings.idle_timeout = settings.first_byte_timeout = absl::Milliseconds(400);
  Use({settings});
  fakes_[0]->Say(LlmAnswer::Raw(": keep-alive\n\n").Ending(LlmAnswer::End::kStall));
  const absl::Time began = absl::Now();
  const Outcome outcome = Ask("list pods");
  EXPECT_LT(absl::Now() - began, absl::Seconds(18));
  EXPECT_THAT(outcome.done.degraded(0), HasSubstr("connection timeout"));
  EXPECT_THAT(outcome.done.response(), HasSubstr("result<list_kubernetes_pods"));
}

TEST_F(AgentTest, TheTimeBudgetOfTheModelLeavesThePlannerTimeToAnswer) {
  options_.timeout = absl::Milliseconds(300);
  Use({Settings(0, "one")});
  fakes_[0]->Say(LlmAnswer::Raw("").Ending(LlmAnswer::End::kStall));
  const Outcome outcome = Ask("list pods");
  ASSERT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.done.provider(), "deterministic");
  EXPECT_THAT(outcome.done.degraded(0), HasSubstr("connection timeout"));
}

TEST_F(AgentTest, AClientThatLeavesEndsTheWholeChain) {
  Use({Settings(0, "one")});
  fakes_[0]->Say(LlmAnswer::Raw("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n")
                     .Ending(LlmAnswer::End::kStall));
  std::shared_ptr<base::CancelState> cancel;
  const base::Context context = base::Context::Background().WithCancel(&cancel);
  v1::RunTurnRequest request;
  request.set_query("tell me a story");
  const absl::Status status = agent_->RunTurn(context, request, [&](const v1::RunTurnResponse&) {
    cancel->Cancel();
    return absl::OkStatus();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(fakes_[0]->WaitForLeavers(1, absl::Seconds(18)));
}

TEST_F(AgentTest, HistoryGoesAlongWithinItsBounds) {
  v1::RunTurnRequest request;
  request.set_query("and the second?");
  for (int i = 0; i < 40; ++i) {
    auto* message = request.add_history();
    message->set_role(i % 2 == 0 ? v1::TurnMessage::ROLE_USER : v1::TurnMessage::ROLE_ASSISTANT);
    message->set_text("message " + std::to_string(i) + " " + std::string(1000, 'x'));
  }
  fakes_[0]->Say(LlmAnswer::Text({"ok"}));
  Run(request);
  const auto messages = Sent(0)["messages"];
  EXPECT_EQ(messages[1]["role"], "user");
  EXPECT_LE(messages.size(), 18u);
  EXPECT_GE(messages.size(), 10u);
  EXPECT_THAT(messages[messages.size() - 2]["content"].get<std::string>(),
              HasSubstr("message 39 "));
}

TEST_F(AgentTest, WithoutToolsAModelStillAnswersAndTheClusterIsNotAsked) {
  v1::RunTurnRequest request;
  request.set_query("hello");
  request.set_enable_tools(false);
  fakes_[0]->Say(LlmAnswer::Text({"Hello!"}));
  const Outcome outcome = Run(request);
  EXPECT_EQ(outcome.done.response(), "Hello!");
  EXPECT_FALSE(Sent(0).contains("tools"));
  EXPECT_THAT(tools_.TakeCalls(), IsEmpty());
}

TEST_F(AgentTest, TheTestQuestionSaysWhetherTheKeyWorks) {
  fakes_[0]->Say(LlmAnswer::Text({"OK"}));
  const Outcome good = Ask("test connection");
  EXPECT_THAT(good.done.response(), HasSubstr("The LLM works: one (m0), its key is accepted"));
  EXPECT_EQ(good.done.degraded_size(), 0);
  fakes_[0]->Say(LlmAnswer::Error(401, "nope", "invalid_api_key"));
  const Outcome bad = Ask("test");
  EXPECT_THAT(bad.done.response(), HasSubstr("API key not found"));
  EXPECT_THAT(bad.done.response(), HasSubstr("Set THE_KEY"));
  EXPECT_EQ(bad.done.degraded_size(), 1);
}

TEST_F(AgentTest, AProviderThatWasWishedForAndHasNoKeyIsNamedInEveryAnswer) {
  selection_.wanted = "deepseek";
  selection_.unusable =
      base::Unauthenticated("LLM_KEY", "deepseek: API key not found").Hint("Set DEEPSEEK_API_KEY.");
  Build();
  const Outcome outcome = Ask("list pods");
  EXPECT_THAT(outcome.done.response(), HasSubstr("result<list_kubernetes_pods"));
  EXPECT_THAT(outcome.done.degraded(0),
              HasSubstr("deepseek: API key not found. Set DEEPSEEK_API_KEY."));
}

TEST_F(AgentTest, AQuestionTooLongForTheModelIsShortenedOnce) {
  tools_.SetResult("list_kubernetes_pods", "{\"items\":[\"" + std::string(7000, 'x') + "\"]}");
  fakes_[0]->Say(LlmAnswer::Calls({{"list_kubernetes_pods", "{}"}}));
  fakes_[0]->Say(
      LlmAnswer::Error(400, "maximum context length is 4096", "context_length_exceeded"));
  fakes_[0]->Say(LlmAnswer::Text({"short"}));
  const Outcome outcome = Ask("list pods");
  EXPECT_EQ(outcome.done.response(), "short");
  EXPECT_LT(fakes_[0]->asked().at(2).body.size(), fakes_[0]->asked().at(1).body.size() - 3000);
  EXPECT_EQ(outcome.done.ledger().not_checked(0).subject(), "conversation");
}

TEST_F(AgentTest, RowsOfAModelsToolsServeAFollowUpOfThePlanner) {
  tools_.SetResult(
      "list_kubernetes_pods",
      R"({"items":[{"namespace":"payments","name":"web-7d9f0"},{"namespace":"payments","name":"cart-7d9f0"}]})");
  fakes_[0]->Say(LlmAnswer::Calls({{"list_kubernetes_pods", R"({"namespace":"payments"})"}}));
  fakes_[0]->Say(LlmAnswer::Text({"two pods"}));
  const Outcome first = Ask("pods in payments");
  tools_.TakeCalls();
  v1::RunTurnRequest next;
  next.set_query("logs of the second one");
  next.set_turn_state(first.done.turn_state());
  next.set_provider("deterministic");
  Run(next);
  EXPECT_THAT(tools_.TakeCalls(), Contains(HasSubstr("pod_name=cart-7d9f0")));
}

TEST_F(AgentTest, AnUnknownProviderIsRefused) {
  v1::RunTurnRequest request;
  request.set_query("list pods");
  request.set_provider("grok");
  EXPECT_EQ(base::DetailOf(Run(request).status).reason, "UNKNOWN_PROVIDER");
}

TEST_F(AgentTest, AModelCanBeAskedForByNameOrByKindOfWork) {
  fakes_[0]->SetBrain([](const nlohmann::json&) { return LlmAnswer::Text({"ok"}); });
  v1::RunTurnRequest request;
  request.set_query("hello there");
  request.set_model("other-model");
  EXPECT_EQ(Run(request).done.model(), "other-model");
  request.set_model("fast");
  EXPECT_EQ(Run(request).done.model(), "qwen-turbo");
  EXPECT_EQ(Sent(0)["model"], "other-model");
}

// Each recorded stream again, as the model of a turn: whatever comes, nothing that changes runs and
// a turn ends well.

TEST_F(AgentTest, EveryRecordedStreamEndsInAnAnswer) {
  const char* root = std::getenv("OPSMESH_SOURCE_DIR");
  const std::string folder =
      std::string(root != nullptr ? root : ".") + "/../shared/badinputs/own/llm-sse/";
  int read = 0;
  for (const char* name : {"crlf_and_comments",
                           "cut_mid_json",
                           "cut_mid_text_no_done",
                           "empty_choices_usage",
                           "endless_reasoning",
                           "error_frame",
                           "finish_content_filter",
                           "finish_length",
                           "frame_inside_frame",
                           "html_502",
                           "multi_data_lines",
                           "negative_usage",
                           "no_space_after_colon",
                           "nul_and_invalid_utf8",
                           "null_choices",
                           "ok_text",
                           "tool_args_extra_fields",
                           "tool_args_not_object",
                           "tool_args_split_utf8",
                           "tool_args_truncated_finish_toolcalls",
                           "tool_args_truncated_then_done",
                           "tool_same_call_100x",
                           "tool_unknown_name"}) {
    std::ifstream file(folder + name + ".sse", std::ios::binary);
    if (!file) continue;
    ++read;
    std::stringstream bytes;
    bytes << file.rdbuf();
    // The same stream to every question, for ever.
    fakes_[0]->SetBrain([&](const nlohmann::json&) {
      return LlmAnswer::Raw(bytes.str()).With("retry-after-ms", "1");
    });
    Use({Settings(0, "one")});
    const Outcome outcome = Ask("list pods in payments");
    ASSERT_TRUE(outcome.status.ok()) << name << outcome.status;
    EXPECT_FALSE(outcome.done.response().empty()) << name;
    EXPECT_EQ(outcome.streamed, outcome.done.response()) << name;
    EXPECT_FALSE(outcome.done.has_planned_call()) << name;
    for (const std::string& call : tools_.TakeCalls())
      EXPECT_THAT(call, HasSubstr("list_kubernetes_pods")) << name;
  }
  if (read == 0)
    std::printf("NOT READ: %s lies beside the clone only where the shared test data is\n",
                folder.c_str());
  EXPECT_TRUE(read == 0 || read == 23) << read;
}

}  // namespace
}  // namespace opsmesh::llm
