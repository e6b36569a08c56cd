#include "services/llm/agent/reading.h"

#include <algorithm>
#include <optional>

#include "services/llm/planner/commands.h"
#include "services/llm/planner/interpret.h"
#include "services/llm/planner/lexicon.h"
#include "services/llm/planner/routes.h"
#include "services/llm/planner/sentence.h"
#include "services/llm/planner/turn_state.h"

namespace opsmesh::llm {
namespace {

constexpr size_t kMostQueryBytes = 64 << 10;
// An answer to a question of ours is short: a number, a name, yes.
constexpr size_t kShortAnswer = 80;

bool IsPlannedChange(const Intent& intent) {
  return intent.is_write && !intent.asks_how && !intent.asks_why &&
         (intent.action == "scale" || intent.action == "restart" || intent.action == "rollback" ||
          intent.action == "delete");
}

bool IsBare(const Intent& intent) {
  return intent.kind.empty() && intent.names.empty() && intent.topic.empty() &&
         intent.condition.empty() && intent.name_space.empty();
}

}  // namespace

Reading ReadQuestion(const v1::RunTurnRequest& request) {
  Reading reading;
  std::optional<TurnState> before;
  if (request.has_turn_state()) before = ParseTurnState(request.turn_state());
  const text::Language fallback =
      before && before->language
          ? *before->language
          : text::ParseLanguageTag(request.language()).value_or(text::Language::kEnglish);
  if (request.query().size() > kMostQueryBytes) {
    reading.for_planner = true;  // it refuses
    return reading;
  }
  const std::string query = StripMention(request.query());
  reading.language = text::DetectLanguage(query, fallback);
  if (ParseCommand(query)) {
    reading.for_planner = true;
    return reading;
  }
  const Sentence sentence = ReadSentence(query, Lexicon::Embedded(), fallback);
  const std::vector<Intent> intents = InterpretSentence(sentence, Lexicon::Embedded());
  if (before && before->pending && query.size() <= kShortAnswer) {
    reading.for_planner = true;
    return reading;
  }
  if (intents.empty()) return reading;
  // Every step must be a change: "find out why web fails and restart it" needs a mind for its first
  // half.
  reading.for_planner =
      request.attachment().empty() && std::all_of(intents.begin(), intents.end(), IsPlannedChange);
  const Intent& first = intents.front();
  reading.asks_cluster = first.action == "connect";
  reading.self_test =
      intents.size() == 1 && (first.action == "test" || reading.asks_cluster) && IsBare(first);
  if (first.topic == "mcp" && first.action == "test") reading.for_planner = true;
  for (const Intent& intent : intents) {
    const Route* route = Routes::Embedded().Find(intent);
    if (route == nullptr) continue;
    for (const Step& step : route->steps) reading.suggested.push_back(step.tool);
  }
  return reading;
}

}  // namespace opsmesh::llm
