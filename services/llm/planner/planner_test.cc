// What the sentence set does not show: events of a turn, failures, limits, and state from
// elsewhere.
#include "services/llm/planner/planner.h"

#include <nlohmann/json.hpp>

#include "gtest/gtest.h"
#include "libs/base/error.h"
#include "libs/base/ids.h"
#include "libs/base/strings.h"
#include "services/llm/planner/answers.h"
#include "services/llm/planner/read_steps.h"
#include "services/llm/planner/routes.h"
#include "services/llm/planner/turn_state.h"
#include "services/llm/testing/fake_toolbox.h"

namespace opsmesh::llm {
namespace {

struct Outcome {
  absl::Status status;
  std::vector<v1::RunTurnResponse> events;
  v1::TurnDone done;
  std::string streamed;
};

Outcome RunRequest(FakeToolBox& tools, const v1::RunTurnRequest& request,
                   const base::Context& context = base::Context::Background()) {
  Outcome outcome;
  outcome.status = Planner(tools, {}).RunTurn(context, request, [&](v1::RunTurnResponse event) {
    if (event.has_text_delta()) outcome.streamed += event.text_delta().text();
    if (event.has_done()) outcome.done = event.done();
    outcome.events.push_back(std::move(event));
    return absl::OkStatus();
  });
  return outcome;
}

Outcome RunQuery(FakeToolBox& tools, const std::string& query) {
  v1::RunTurnRequest request;
  request.set_query(query);
  return RunRequest(tools, request);
}

TEST(Planner, ObjectsThatAreCalledByOrdinaryWordsAreFound) {
  FakeToolBox tools;
  tools.Add({"Deployment", "production", "status", ""});
  tools.Add({"Pod", "production", "status-5d9c-x2x4z", "status"});
  tools.Add({"Deployment", "production", "node", ""});
  const auto first_call = [&](const char* query) {
    RunQuery(tools, query);
    const auto calls = tools.TakeCalls();
    return calls.empty() ? std::string() : calls.front();
  };
  const std::string status =
      "get_resource_health namespace=production resource_name=status resource_type=Deployment";
  for (const char* query :
       {"diagnose deployment status", "what is wrong with the deployment named status",
        "名为 status 的 deployment 怎么了", "diagnose status", "status of status",
        "why is status crashing", "诊断 status"}) {
    const std::string call = first_call(query);
    EXPECT_TRUE(call == status || call.find("pod_name=status-5d9c-x2x4z") != std::string::npos)
        << query << ": " << call;
  }
  EXPECT_EQ(first_call("what is wrong with deployment node"),
            "get_resource_health namespace=production resource_name=node resource_type=Deployment");
  EXPECT_NE(first_call("restart deployment status").find("Deployment/status"), std::string::npos);
  // Where a word names a kind, and nothing says that it is a name, the kind is meant.
  EXPECT_EQ(first_call("diagnose node"), "list_kubernetes_nodes");
  EXPECT_EQ(first_call("status of nodes"), "list_kubernetes_nodes");
  EXPECT_EQ(first_call("node is down").find("resource_name=node"), std::string::npos);
}

TEST(Planner, StreamsTextInPiecesThatDoNotCutCharactersAndEndsWithOneDone) {
  FakeToolBox tools;
  std::string long_word;
  for (int i = 0; i < 900; ++i) long_word += "节";
  type::v1::Ledger ledger;
  ledger.add_not_checked()->set_subject(long_word);
  tools.SetLedger(ledger);
  const Outcome outcome = RunQuery(tools, "列出 pod");
  ASSERT_TRUE(outcome.status.ok());
  EXPECT_TRUE(outcome.events.back().has_done());
  int dones = 0;
  for (const auto& event : outcome.events) {
    dones += event.has_done();
    if (!event.has_text_delta()) continue;
    EXPECT_LE(event.text_delta().text().size(), 1000u);
    EXPECT_TRUE(base::IsValidUtf8(event.text_delta().text()));
  }
  EXPECT_EQ(dones, 1);
  EXPECT_EQ(outcome.streamed, outcome.done.response());
  EXPECT_EQ(outcome.done.provider(), "deterministic");
}

TEST(Planner, ShowsEachToolCallBeforeAndAfterItRan) {
  FakeToolBox tools;
  const Outcome outcome = RunQuery(tools, "list pods in payments");
  ASSERT_GE(outcome.events.size(), 3u);
  ASSERT_TRUE(outcome.events[0].has_tool_call());
  EXPECT_EQ(outcome.events[0].tool_call().name(), "list_kubernetes_pods");
  EXPECT_EQ(outcome.events[0].tool_call().arguments().raw(), R"({"namespace":"payments"})");
  ASSERT_TRUE(outcome.events[1].has_tool_result());
  EXPECT_EQ(outcome.events[1].tool_result().call_id(), outcome.events[0].tool_call().call_id());
  EXPECT_TRUE(outcome.events[1].tool_result().success());
  ASSERT_EQ(outcome.done.tools_size(), 1);
}

TEST(Planner, TroubleWithTheClusterIsAnAnswerThatSaysWhy) {
  FakeToolBox tools;
  tools.Break(base::Unavailable("APISERVER_DOWN", "The apiserver of 'prod' does not answer.")
                  .Hint("Check the network."));
  for (const char* query : {"list pods", "logs of nginx", "scale nginx to 3", "what is wrong"}) {
    const Outcome outcome = RunQuery(tools, query);
    ASSERT_TRUE(outcome.status.ok()) << query;
    EXPECT_EQ(outcome.done.outcome(), v1::TurnDone::OUTCOME_FAILED) << query;
    EXPECT_NE(outcome.done.response().find("does not answer"), std::string::npos)
        << outcome.done.response();
    EXPECT_GT(outcome.done.ledger().failed_size(), 0) << query;
    EXPECT_FALSE(outcome.done.has_planned_call()) << query;
  }
}

TEST(Planner, SaysTheGapsOfTheLedger) {
  FakeToolBox tools;
  type::v1::Ledger ledger;
  auto* entry = ledger.add_not_checked();
  entry->set_source("apiserver");
  entry->set_subject("pods in kube-system");
  entry->set_reason("no right to list them");
  tools.SetLedger(ledger);
  const Outcome outcome = RunQuery(tools, "list pods");
  EXPECT_NE(outcome.done.response().find("pods in kube-system: no right to list them"),
            std::string::npos);
}

TEST(Planner, ReadsNoClusterWhenToolsAreSwitchedOff) {
  FakeToolBox tools;
  v1::RunTurnRequest request;
  request.set_enable_tools(false);
  for (const char* query : {"hello", "list pods", "test", "whatt pdos", "/pods", "nginx"}) {
    request.set_query(query);
    const Outcome outcome = RunRequest(tools, request);
    EXPECT_FALSE(outcome.done.response().empty()) << query;
    EXPECT_TRUE(tools.TakeCalls().empty()) << query;
  }
}

TEST(Planner, RefusesAQuestionThatIsTooLong) {
  FakeToolBox tools;
  const Outcome outcome = RunQuery(tools, std::string(70'000, 'a'));
  EXPECT_EQ(base::DetailOf(outcome.status).reason, "QUERY_TOO_LONG");
  EXPECT_TRUE(outcome.events.empty());
}

TEST(Planner, StopsWhenTheCallerHasLeft) {
  FakeToolBox tools;
  std::shared_ptr<base::CancelState> cancel;
  const base::Context context = base::Context::Background().WithCancel(&cancel);
  cancel->Cancel();
  v1::RunTurnRequest request;
  request.set_query("list pods and services; then diagnose the cluster");
  const Outcome outcome = RunRequest(tools, request, context);
  EXPECT_EQ(outcome.status.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(tools.TakeCalls().empty());
}

TEST(Planner, AnswersTheSameBytesForTheSameQuestion) {
  std::string first;
  for (int i = 0; i < 3; ++i) {
    FakeToolBox tools;
    const std::string bytes =
        RunQuery(tools, "我的应用无法访问了，帮我排查一下").done.SerializeAsString();
    if (i == 0) first = bytes;
    EXPECT_EQ(bytes, first);
  }
}

TEST(Planner, TreatsAStateFromElsewhereAsAbsent) {
  FakeToolBox tools;
  base::SeededIds random(7);
  for (int i = 0; i < 300; ++i) {
    std::string state = i % 3 == 0 ? R"({"v":1,"last":[],"choices":[[1,2,3,4]]})" : "";
    for (int k = 0; k < 40; ++k) state.push_back(static_cast<char>(random.Random()));
    if (i % 3 == 1) state = R"({"v":1,"last":{"action":5}})";
    v1::RunTurnRequest request;
    request.set_query("and in payments?");
    request.set_turn_state(state);
    EXPECT_TRUE(RunRequest(tools, request).status.ok());
  }
}

TEST(Planner, SurvivesRandomSentences) {
  FakeToolBox tools;
  base::SeededIds random(11);
  static constexpr std::string_view kPieces[] = {
      "pod",       "的",   "第", "一",    "@", "/", "最近", "\xff", "'",   "\"", "=", "1",
      "namespace", "扩容", "到", "nginx", ".", "`", "-n",   "\n",   "and", "它", "呢"};
  for (int i = 0; i < 300; ++i) {
    std::string query;
    for (uint64_t k = random.Random() % 12; k > 0; --k) {
      query += kPieces[random.Random() % std::size(kPieces)];
      if (random.Random() % 2 == 0) query += " ";
    }
    const Outcome outcome = RunQuery(tools, query);
    ASSERT_TRUE(outcome.status.ok()) << query;
    EXPECT_FALSE(outcome.done.response().empty()) << query;
  }
}

TEST(Planner, ReadsObjectsHandedOverWithTheQuestion) {
  FakeToolBox tools;
  v1::RunTurnRequest request;
  request.set_query("analyze these pods");
  request.set_attachment(
      R"({"kind":"List","items":[{"metadata":{"name":"a","namespace":"x"},"status":{"phase":"Running","containerStatuses":)"
      R"([{"ready":true,"restartCount":0}]}},{"metadata":{"name":"b","namespace":"x"},"status":{"phase":"Running",)"
      R"("containerStatuses":[{"ready":false,"restartCount":7,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}}]})");
  Outcome outcome = RunRequest(tools, request);
  EXPECT_NE(outcome.done.response().find("2 objects"), std::string::npos)
      << outcome.done.response();
  EXPECT_NE(outcome.done.response().find("`x/b`: CrashLoopBackOff, 7 restarts"), std::string::npos)
      << outcome.done.response();
  EXPECT_TRUE(tools.TakeCalls().empty());

  request.set_attachment(
      "NAME   READY   STATUS             RESTARTS      AGE\nweb-1  1/1  Running  0  2d\nweb-2  0/1 "
      " Error  3 (2m ago)  2d\n");
  outcome = RunRequest(tools, request);
  EXPECT_NE(outcome.done.response().find("`web-2`: Error, 3 restarts"), std::string::npos)
      << outcome.done.response();

  request.set_query("分析日志");
  request.set_attachment(
      "2025-01-01 INFO up\n2025-01-01 ERROR db 1 gone\n2025-01-01 ERROR db 2 gone\n");
  outcome = RunRequest(tools, request);
  EXPECT_NE(outcome.done.response().find("共 3 行，其中 2 行像错误"), std::string::npos)
      << outcome.done.response();
  EXPECT_NE(outcome.done.response().find("2 × "), std::string::npos) << outcome.done.response();
}

TEST(Planner, WrongDataHandedOverDoesNotStopIt) {
  FakeToolBox tools;
  for (const char* data :
       {"{", "[]", "[1,2,{}]", "{\"items\":[{\"status\":5,\"spec\":{\"containers\":{}}}]}", "\n\n",
        "NAME STATUS"}) {
    v1::RunTurnRequest request;
    request.set_query("analyze these pods");
    request.set_attachment(data);
    EXPECT_TRUE(RunRequest(tools, request).status.ok()) << data;
  }
}

TEST(Planner, AsksForTheNextPage) {
  FakeToolBox tools;
  TurnState state;
  state.more_tool = "list_kubernetes_pods";
  state.more_arguments = R"({"cursor":"abc","namespace":"payments"})";
  v1::RunTurnRequest request;
  request.set_query("more");
  request.set_turn_state(Serialize(state));
  const Outcome outcome = RunRequest(tools, request);
  EXPECT_EQ(base::Join(tools.TakeCalls(), "|"),
            "list_kubernetes_pods cursor=abc namespace=payments");
}

TEST(Planner, AddsToTheReplicasThereAre) {
  FakeToolBox tools;
  tools.SetResult("get_deployment_details", R"({"object":{"spec":{"replicas":3}}})");
  const Outcome outcome = RunQuery(tools, "add two more replicas to cart");
  EXPECT_EQ(nlohmann::json::parse(outcome.done.planned_call().arguments().raw())["replicas"], 5);
}

TEST(Planner, ASecondOneIsTheSecondRowOfTheLastAnswer) {
  FakeToolBox tools;
  tools.SetResult(
      "list_kubernetes_pods",
      R"({"kind":"Pod","items":[{"namespace":"payments","name":"cart-7d9f0"},{"namespace":"payments","name":"redis-0"}]})");
  v1::RunTurnRequest request;
  request.set_query("列出 payments 的 pod");
  request.set_turn_state(RunRequest(tools, request).done.turn_state());
  tools.TakeCalls();
  request.set_query("第二个的日志");
  RunRequest(tools, request);
  EXPECT_EQ(base::Join(tools.TakeCalls(), "|"),
            "get_kubernetes_pod_logs namespace=payments pod_name=redis-0");
}

TEST(Planner, OffersTheFailedPodsWhenARestartNamesNone) {
  FakeToolBox tools;
  tools.SetResult(
      "get_failed_kubernetes_pods",
      R"({"namespace":null,"items":[{"namespace":"payments","name":"web-7d9f0"},{"namespace":"payments","name":"redis-0"}]})");
  v1::RunTurnRequest request;
  request.set_query("这个Pod失败了，帮我重启一下");
  const Outcome asked = RunRequest(tools, request);
  EXPECT_NE(asked.done.response().find("2. Pod `payments/redis-0`"), std::string::npos)
      << asked.done.response();
  request.set_turn_state(asked.done.turn_state());
  request.set_query("2");
  EXPECT_EQ(RunRequest(tools, request).done.planned_call().arguments().raw(),
            R"({"namespace":"payments","pod_name":"redis-0"})");
}

TEST(Routes, EverySentenceThePlannerSaysIsThereInBothLanguages) {
  for (const char* id : {"help",
                         "greet",
                         "thanks",
                         "test",
                         "tools_ok",
                         "tools_down",
                         "mcp_off",
                         "llm_off",
                         "not_understood",
                         "tools_disabled",
                         "not_found",
                         "did_you_mean",
                         "which_one",
                         "which_object",
                         "which_replicas",
                         "chosen_one_of",
                         "plan",
                         "plan_unknown",
                         "scale_summary",
                         "restart_summary",
                         "rollback_summary",
                         "delete_summary",
                         "not_built",
                         "gaps",
                         "failures",
                         "gap_tool",
                         "gap_slot",
                         "failed",
                         "nothing_open",
                         "dismissed",
                         "no_more",
                         "generate_needs_llm",
                         "generate_deployment",
                         "howto",
                         "in_namespace",
                         "namespace_word",
                         "object_word"}) {
    EXPECT_TRUE(HasSentence(id)) << id;
  }
  EXPECT_GT(Routes::Embedded().all().size(), 80u);
}

TEST(TurnState, RoundTrips) {
  TurnState state;
  state.language = text::Language::kTraditional;
  state.last = Intent{};
  state.last->action = "logs";
  state.last->names = {{"web", "Pod", false, false}};
  state.rows = {{"Pod", "", "shop", "web-1"}};
  state.choices = {{"Deployment", "apps", "shop", "web"}};
  state.more_tool = "x";
  const auto parsed = ParseTurnState(Serialize(state));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->language, state.language);
  EXPECT_EQ(parsed->last->names, state.last->names);
  EXPECT_EQ(parsed->rows, state.rows);
  EXPECT_EQ(parsed->choices, state.choices);
  EXPECT_FALSE(parsed->pending.has_value());
}

}  // namespace
}  // namespace opsmesh::llm
