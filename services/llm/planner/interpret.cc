#include "services/llm/planner/interpret.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "services/llm/planner/grammar.h"

namespace opsmesh::llm {
namespace {

constexpr size_t kMostClauses = 5;

// A side of a split must hold an action of its own.
bool AsksSomething(const std::vector<Mark>& marks) {
  return std::any_of(marks.begin(), marks.end(), [](const Mark& mark) {
    return mark.Has("verb.") || mark.Has("write.") || mark.Is("q.count") || mark.Is("q.why") ||
           mark.Is("kind.Event");
  });
}

// "Show nodes, then hpa, then quotas": a step that only names what is to be seen.
bool NamesKind(const std::vector<Mark>& marks) {
  return !marks.empty() && marks.front().Has("kind.");
}

bool HasKind(const std::vector<Mark>& marks) {
  return std::any_of(marks.begin(), marks.end(),
                     [](const Mark& mark) { return mark.Has("kind."); });
}

// "..., and are there any warnings": a question of its own.
bool AsksForState(const std::vector<Mark>& marks) {
  return !marks.empty() &&
         (marks.front().norm == "are there" || marks.front().norm == "is there") &&
         std::any_of(marks.begin(), marks.end(),
                     [](const Mark& mark) { return mark.Has("kind.") || mark.Has("cond."); });
}

}  // namespace

std::vector<std::vector<Mark>> SplitClauses(const std::vector<Mark>& marks) {
  std::vector<std::vector<Mark>> clauses(1);
  for (size_t i = 0; i < marks.size(); ++i) {
    const Mark& mark = marks[i];
    const bool end = mark.kind == Mark::Kind::kPunct &&
                     (mark.norm == ";" || mark.norm == "." || mark.norm == "!" || mark.norm == "?");
    // "and" splits only before a verb: "restart web and show its logs", not "pods and services".
    const bool and_verb =
        mark.norm == "and" && i + 1 < marks.size() &&
        (marks[i + 1].Has("verb.") || marks[i + 1].Has("write.") || marks[i + 1].Is("q.count") ||
         marks[i + 1].Is("seq.then") || marks[i + 1].Is("q.why"));
    // "…，再看看它的日志": a step of its own, not only "also".
    const bool again = i > 0 && mark.Is("ref.also") && mark.norm.starts_with("再");
    const std::vector<Mark> rest(marks.begin() + static_cast<std::ptrdiff_t>(i) + 1, marks.end());
    const bool and_state = mark.norm == "and" && AsksForState(rest);
    const bool splits = end || mark.Is("seq.then") || and_verb || and_state || again;
    const bool step = mark.norm == "then" && NamesKind(rest) && HasKind(clauses.back());
    if (splits && clauses.size() < kMostClauses && (AsksSomething(clauses.back()) || step) &&
        (AsksSomething(rest) || and_state || (mark.norm == "then" && NamesKind(rest)))) {
      clauses.emplace_back();
      // "再看看" also says what to do.
      if (again) clauses.back().push_back(mark);
      continue;
    }
    clauses.back().push_back(mark);
  }
  return clauses;
}

Intent Interpret(const std::vector<Mark>& clause, const Lexicon& lexicon, bool has_window) {
  return Grammar(clause, lexicon).Run(has_window);
}

std::vector<Intent> InterpretSentence(const Sentence& sentence, const Lexicon& lexicon) {
  std::vector<Intent> intents;
  for (const std::vector<Mark>& clause : SplitClauses(sentence.marks)) {
    if (clause.empty()) continue;
    intents.push_back(Interpret(clause, lexicon, sentence.window.has_value()));
  }
  for (Intent& intent : intents) {
    intent.window = sentence.window;
    if (!intent.created || !sentence.window || intent.kind == "Event" ||
        sentence.window->kind != text::TimeWindow::Kind::kLast)
      continue;
    const int64_t seconds = absl::ToInt64Seconds(sentence.window->length);
    intent.where.push_back(seconds % 3600 == 0 ? fmt::format("age<{}h", seconds / 3600)
                           : seconds % 60 == 0 ? fmt::format("age<{}m", seconds / 60)
                                               : fmt::format("age<{}s", seconds));
    intent.window.reset();
  }
  return intents;
}

}  // namespace opsmesh::llm
