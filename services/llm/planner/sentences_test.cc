// The sentence set: every question of testdata/*.yaml makes the calls and the outcome that stand
// beside it. The sentences are kept apart from the lexicon; a conversation is a list of turns that
// share a turn_state.
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gtest/gtest.h"
#include "libs/base/strings.h"
#include "libs/testing/fake_clock.h"
#include "services/llm/planner/planner.h"
#include "services/llm/testing/fake_toolbox.h"

namespace opsmesh::llm {
namespace {

using opsmesh::testing::FakeClock;

std::string OutcomeName(v1::TurnDone::Outcome outcome) {
  return base::AsciiLower(
      v1::TurnDone::Outcome_Name(outcome).substr(std::string("OUTCOME_").size()));
}

struct TurnResult {
  std::vector<std::string> calls;
  v1::TurnDone done;
};

TurnResult Ask(FakeToolBox& tools, const std::string& question, const std::string& state,
               const std::string& ns) {
  const Planner planner(tools, {});
  v1::RunTurnRequest request;
  request.set_query(question);
  request.set_turn_state(state);
  if (!ns.empty()) request.mutable_context()->set_namespace_(ns);
  const FakeClock clock;
  TurnResult result;
  const absl::Status status =
      planner.RunTurn(base::Context::Background(clock), request, [&](v1::RunTurnResponse event) {
        if (event.has_done()) result.done = event.done();
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok()) << status;
  result.calls = tools.TakeCalls();
  return result;
}

void CheckTurn(const YAML::Node& turn, const TurnResult& result, const std::string& where) {
  SCOPED_TRACE(where + ": " + turn["q"].as<std::string>() +
               "\n  answer: " + result.done.response());
  std::vector<std::string> expected;
  const YAML::Node calls = turn["calls"];
  if (calls && calls.IsScalar()) expected = {calls.as<std::string>()};
  for (const YAML::Node& call :
       calls&& calls.IsSequence() ? calls : YAML::Node(YAML::NodeType::Sequence))
    expected.push_back(call.as<std::string>());
  EXPECT_EQ(base::Join(result.calls, "\n"), base::Join(expected, "\n"));
  EXPECT_EQ(OutcomeName(result.done.outcome()), turn["outcome"].as<std::string>("answered"));
  if (turn["language"]) {
    EXPECT_EQ(result.done.language(), turn["language"].as<std::string>());
  }
  if (turn["plan"]) {
    EXPECT_EQ(
        result.done.planned_call().name() + " " + result.done.planned_call().arguments().raw(),
        turn["plan"].as<std::string>());
  } else {
    EXPECT_FALSE(result.done.has_planned_call());
  }
  if (turn["says"]) {
    EXPECT_NE(result.done.response().find(turn["says"].as<std::string>()), std::string::npos);
  }
}

class SentenceFile : public ::testing::TestWithParam<std::string> {};

TEST_P(SentenceFile, EveryQuestionMakesTheCallsBesideIt) {
  const char* root = std::getenv("OPSMESH_SOURCE_DIR");
  ASSERT_NE(root, nullptr) << "run through ctest, or set OPSMESH_SOURCE_DIR";
  const std::string path = std::string(root) + "/services/llm/testdata/" + GetParam() + ".yaml";
  int count = 0;
  for (const YAML::Node& entry : YAML::LoadFile(path)) {
    FakeToolBox tools;
    const std::string where = GetParam() + ":" + std::to_string(entry.Mark().line + 1);
    const std::string ns = entry["namespace"].as<std::string>("");
    if (!entry["turns"]) {
      CheckTurn(entry, Ask(tools, entry["q"].as<std::string>(), "", ns), where);
      ++count;
      continue;
    }
    std::string state;
    for (const YAML::Node& turn : entry["turns"]) {
      const TurnResult result = Ask(tools, turn["q"].as<std::string>(), state, ns);
      state = result.done.turn_state();
      CheckTurn(turn, result, where);
      ++count;
    }
  }
  RecordProperty("sentences", count);
  std::printf("%d sentences in %s\n", count, GetParam().c_str());
  EXPECT_GT(count, 0);
}

// Words of a sentence are not taken for namespaces that nobody may list.
TEST_P(SentenceFile, AUserWhoMayNotListNamespacesIsUnderstoodAsWell) {
  const std::string path = std::string(std::getenv("OPSMESH_SOURCE_DIR")) +
                           "/services/llm/testdata/" + GetParam() + ".yaml";
  for (const YAML::Node& entry : YAML::LoadFile(path)) {
    if (entry["turns"]) continue;
    const auto question = entry["q"].as<std::string>();
    const std::string ns = entry["namespace"].as<std::string>("");
    FakeToolBox all;
    FakeToolBox some;
    some.Restrict({"default", "kube-system", "monitoring", "payments", "production", "staging"});
    const TurnResult expected = Ask(all, question, "", ns);
    TurnResult result = Ask(some, question, "", ns);
    std::erase_if(result.calls, [](const std::string& call) {
      return call.find("kubectl_get_resources") == 0 && call.find("limit=1 ") != std::string::npos;
    });
    EXPECT_EQ(base::Join(result.calls, "\n"), base::Join(expected.calls, "\n"))
        << question << "\n  answer: " << result.done.response();
    if (expected.calls.empty()) continue;  // "drop table pods;": nothing was read, nothing is
    EXPECT_EQ(OutcomeName(result.done.outcome()), OutcomeName(expected.done.outcome()))
        << question << "\n  answer: " << result.done.response();
  }
}

INSTANTIATE_TEST_SUITE_P(Testdata, SentenceFile,
                         ::testing::Values("acceptance", "chinese", "english", "everyday",
                                           "conversations"),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace opsmesh::llm
