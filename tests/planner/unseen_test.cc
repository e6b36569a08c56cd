// Sentences written before the planner was asked any of them, over the demo cluster:
// unseen_{a,b,c}.txt. One a line:
//
//   family | sentence | expected        ("> | sentence | expected" goes on with the conversation)
//
// Expected: readings joined by " || "; a reading is calls joined by " & ", "tool key=value" with
// every argument; "*" in a value matches anything; " ..." at the end of a call allows more
// arguments and more calls. "?" = a question back, "-" = no tool and no plan, "!plan call" = a
// change that is only planned. OPSMESH_UNSEEN=<file> judges another file and prints misses.
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "gtest/gtest.h"
#include "libs/base/strings.h"
#include "tests/planner/demo_mesh.h"

namespace opsmesh::llm {
namespace {

std::vector<std::string> Split(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  size_t from = 0;
  for (size_t at; (at = text.find(separator, from)) != std::string::npos;
       from = at + separator.size()) {
    parts.emplace_back(base::Trim(text.substr(from, at - from)));
  }
  parts.emplace_back(base::Trim(text.substr(from)));
  return parts;
}

bool Glob(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    for (size_t i = 0; i <= text.size(); ++i) {
      if (Glob(pattern.substr(1), text.substr(i))) return true;
    }
    return false;
  }
  return !text.empty() && pattern[0] == text[0] && Glob(pattern.substr(1), text.substr(1));
}

std::map<std::string, std::string> Arguments(const std::string& call, std::string* tool,
                                             bool* open) {
  std::map<std::string, std::string> arguments;
  *open = false;
  bool first = true;
  for (std::string_view word : base::SplitWhitespace(call)) {
    const size_t equal = word.find('=');
    if (first)
      *tool = word;
    else if (word == "...")
      *open = true;
    else if (equal != std::string_view::npos)
      arguments[std::string(word.substr(0, equal))] = word.substr(equal + 1);
    first = false;
  }
  return arguments;
}

// Kinds by any of their names are one kind: "pods", "Pod", "po".
std::string NormalKind(std::string kind) {
  kind = base::AsciiLower(kind);
  if (kind == "pvc") return "persistentvolumeclaim";
  if (kind.ends_with("classes") || kind.ends_with("ingresses"))
    return kind.substr(0, kind.size() - 2);
  if (kind.ends_with("policies")) return kind.substr(0, kind.size() - 3) + "y";
  return kind.ends_with("s") && !kind.ends_with("ss") ? kind.substr(0, kind.size() - 1) : kind;
}

bool CallFits(const std::string& expected, const std::string& made) {
  std::string wanted_tool, tool;
  bool open = false, ignored = false;
  const auto wanted = Arguments(expected, &wanted_tool, &open);
  auto have = Arguments(made, &tool, &ignored);
  if (wanted_tool != tool) return false;
  for (const auto& [key, pattern] : wanted) {
    const auto found = have.find(key);
    if (found == have.end()) return false;
    const bool kind = key == "resource_type" && NormalKind(pattern) == NormalKind(found->second);
    if (!kind && !Glob(pattern, found->second)) return false;
    have.erase(found);
  }
  have.erase(have.find("namespace") != have.end() && have["namespace"] == "*" ? "namespace" : "");
  return open || have.empty();
}

bool ReadingFits(const std::string& reading, const DemoTurn& turn) {
  const bool planned = turn.done.has_planned_call();
  if (reading == "?") return turn.done.outcome() == v1::TurnDone::OUTCOME_CLARIFICATION;
  if (reading == "-") {
    return turn.calls.empty() && !planned &&
           turn.done.outcome() != v1::TurnDone::OUTCOME_CLARIFICATION;
  }
  if (reading.starts_with("!plan ")) {
    return planned && turn.done.outcome() == v1::TurnDone::OUTCOME_NEEDS_APPROVAL &&
           !turn.calls.empty() &&
           std::any_of(turn.calls.begin(), turn.calls.end(),
                       [&](const auto& c) { return CallFits(reading.substr(6), c); });
  }
  if (planned) return false;
  const std::vector<std::string> calls = Split(reading, " & ");
  bool open = false;
  for (const std::string& call : calls) {
    open = open || call.ends_with("...");
    if (std::none_of(turn.calls.begin(), turn.calls.end(),
                     [&](const auto& made) { return CallFits(call, made); }))
      return false;
  }
  return open || turn.calls.size() == calls.size();
}

struct Score {
  int right = 0;
  int all = 0;
};

class Unseen : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto mesh = DemoMesh::Start(::testing::TempDir() + "/unseen");
    ASSERT_TRUE(mesh.ok()) << mesh.status();
    mesh_ = mesh->release();
  }
  static void TearDownTestSuite() { delete mesh_; }

  static Score Judge(const std::string& path, bool print) {
    std::ifstream file(path);
    EXPECT_TRUE(file.good()) << path;
    std::map<std::string, Score> families;
    std::string line, state, family;
    Score total;
    while (std::getline(file, line)) {
      if (line.empty() || line[0] == '#') continue;
      const std::vector<std::string> parts = Split(line, " | ");
      EXPECT_EQ(parts.size(), 3u) << line;
      const bool follows = parts[0] == ">";
      if (!follows) family = parts[0];
      v1::RunTurnRequest request;
      request.set_query(parts[1]);
      if (follows) request.set_turn_state(state);
      const auto turn = mesh_->Ask(request);
      EXPECT_TRUE(turn.ok()) << line << ": " << turn.status();
      if (!turn.ok()) continue;
      state = turn->done.turn_state();
      bool right = false;
      for (const std::string& reading : Split(parts[2], " || "))
        right = right || ReadingFits(reading, *turn);
      ++families[family].all;
      ++total.all;
      families[family].right += right ? 1 : 0;
      total.right += right ? 1 : 0;
      if (!right && print) {
        std::printf("MISS %s | %s\n     want %s\n     made %s\n     %s %s: %s\n", family.c_str(),
                    parts[1].c_str(), parts[2].c_str(), base::Join(turn->calls, "; ").c_str(),
                    v1::TurnDone::Outcome_Name(turn->done.outcome()).c_str() + 8,
                    turn->done.language().c_str(),
                    std::string(base::Utf8Prefix(turn->done.response(), 140)).c_str());
      }
    }
    for (const auto& [name, score] : families)
      std::printf("  %-9s %3d/%3d\n", name.c_str(), score.right, score.all);
    std::printf("%d of %d (%.1f %%) in %s\n", total.right, total.all,
                100.0 * total.right / std::max(1, total.all), path.c_str());
    return total;
  }

  static std::string Testdata(const std::string& name) {
    const char* root = std::getenv("OPSMESH_SOURCE_DIR");
    return std::string(root ? root : ".") + "/tests/planner/" + name;
  }

  static DemoMesh* mesh_;
};

DemoMesh* Unseen::mesh_ = nullptr;

TEST_F(Unseen, SentencesThatTheGrammarWasMendedOnAreReadAsWrittenDown) {
  if (const char* file = std::getenv("OPSMESH_UNSEEN")) {
    Judge(file, true);
    return;
  }
  // b was measured once, when everything was written (88.2 %); by now all three were mended on.
  for (const auto& [name, percent] :
       {std::pair{"unseen_a.txt", 95}, {"unseen_b.txt", 93}, {"unseen_c.txt", 95}}) {
    const Score score = Judge(Testdata(name), true);
    EXPECT_GE(score.right * 100, score.all * percent) << name;
  }
}

TEST_F(Unseen, QuestionsOfTheNightThatWereOnceAnsweredWronglyAreAnswered) {
  const Score score = Judge(Testdata("night.txt"), true);
  EXPECT_EQ(score.right, score.all);
  EXPECT_GE(score.all, 34);
}

}  // namespace
}  // namespace opsmesh::llm
