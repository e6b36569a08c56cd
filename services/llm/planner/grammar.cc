// The order of the steps, what they share, and what is settled once all of them have read.
#include "services/llm/planner/grammar.h"

#include <algorithm>
#include <utility>

#include "services/llm/planner/details.h"

namespace opsmesh::llm {

Intent Grammar::Run(bool has_window) {
  ReadDetails(marks_, has_window, &used_, &intent_);
  if (!intent_.field_kind.empty()) intent_.kind = KindNamed(intent_.field_kind);
  ReadNamespaces();
  ReadSelectors();
  ReadContainer();
  ReadFlags();
  ReadAction();
  ReadNames();
  ReadKindWordsAsNames();
  ReadKind();
  ReadEnds();
  ReadConditionAndTopic();
  ReadNumbers();
  Settle();
  return std::move(intent_);
}

bool Grammar::Any(std::string_view concept_id) const {
  for (size_t i = 0; i < marks_.size(); ++i) {
    if (!used_[i] && marks_[i].Is(concept_id)) return true;
  }
  return false;
}

size_t Grammar::Neighbour(size_t i, int step) const {
  for (size_t k = i + step; k < marks_.size(); k += step) {
    const Mark& mark = marks_[k];
    const bool glue = mark.Is("mark.named") || mark.norm == "的" || mark.norm == "the" ||
                      mark.norm == ":" || mark.norm == "=" || mark.norm == "is" ||
                      mark.norm == "是" || mark.norm == "个";
    if (!glue) return k;
  }
  return SIZE_MAX;
}

bool Grammar::IsWord(size_t i) const {
  return i < marks_.size() && !used_[i] && marks_[i].kind == Mark::Kind::kWord;
}

bool Grammar::AnyKind() const {
  return std::any_of(marks_.begin(), marks_.end(),
                     [](const Mark& mark) { return mark.Has("kind."); });
}

std::string Grammar::KindOf(size_t i) const {
  return i < marks_.size() && !used_[i] ? marks_[i].After("kind.") : std::string();
}

std::string Grammar::KindNamed(const std::string& word) const {
  const Lexicon::Match match = lexicon_.Find(UnitsOf(word), 0);
  for (size_t i = 0; match.concepts != nullptr && i < match.concepts->size(); ++i) {
    if ((*match.concepts)[i].starts_with("kind.")) return (*match.concepts)[i].substr(5);
  }
  return "";
}

void Grammar::ReadFlags() {
  intent_.counts = Any("q.count");
  intent_.asks_why = Any("q.why");
  intent_.asks_how = Any("topic.howto");
  intent_.previous =
      Any("mark.previous") || std::any_of(marks_.begin(), marks_.end(), [](const Mark& m) {
        return m.Is("ref.it") && m.norm.starts_with("previous");
      });
  intent_.definite = !marks_.empty() && marks_.front().norm == "the";
  intent_.refers_back = Any("ref.it");
  intent_.narrows = Any("ref.only");
  intent_.wants_more = Any("ref.more");
  for (size_t i = 0; i < marks_.size(); ++i) {
    if (marks_[i].kind == Mark::Kind::kPunct) continue;
    intent_.continues = marks_[i].Is("ref.also") || marks_.back().norm == "呢" ||
                        (marks_.size() > 1 && marks_[marks_.size() - 2].norm == "呢");
    break;
  }
  if (marks_.size() <= 3) {
    intent_.says_yes = Any("ref.yes");
    intent_.says_no = Any("ref.no");
  }
  if (!intent_.all_namespaces && Any("mark.all") && Any("kind.Namespace"))
    intent_.all_namespaces = true;
}

bool Grammar::Interrogative() const {
  return intent_.counts || intent_.asks_why || Any("q.when") || Any("q.where") || Any("q.which");
}

void Grammar::Settle() {
  if (intent_.says_yes && marks_.size() == 1) intent_.action.clear();
  // "怎么调度不上去": asks why.
  if (intent_.asks_how && !intent_.names.empty() && !intent_.condition.empty() &&
      (intent_.action.empty() || intent_.action == "list" || intent_.action == "status")) {
    intent_.action = "diagnose";
    intent_.asks_why = true;
  }
  // "How do I troubleshoot CrashLoopBackOff": the steps, not a diagnosis of this cluster.
  if (intent_.asks_how && intent_.action == "diagnose" && intent_.names.empty() &&
      intent_.topic.empty() && !intent_.condition.empty())
    intent_.topic = "guide";
  if (intent_.is_write && intent_.action == "delete" && intent_.names.empty() &&
      intent_.kind.empty() && !intent_.name_space.empty()) {
    intent_.names.push_back({std::exchange(intent_.name_space, ""), "Namespace", false, true});
  }
  // "ledger vs payment-api health": how each of them is.
  if (intent_.action == "compare" && intent_.names.size() > 1 && Any("verb.status"))
    intent_.action = "status";
  if (intent_.action.empty() && intent_.counts) intent_.action = "count";
  if (intent_.counts &&
      (intent_.action == "list" || intent_.action == "status" || intent_.action == "describe")) {
    intent_.action = "count";
  }
  if (intent_.action == "greet" && (AnyKind() || !intent_.names.empty())) intent_.action.clear();
  if (intent_.action.empty() && Any("q.where") && !intent_.names.empty())
    intent_.action = "describe";
  if (intent_.action.empty() && (Any("q.which") || !intent_.condition.empty()))
    intent_.action = "list";
  if (!intent_.sort_by.empty() && (intent_.action.empty() || intent_.action == "top"))
    intent_.action = "list";
  // A comparison speaks of pods when nothing else is named.
  if ((!intent_.where.empty() || !intent_.sort_by.empty()) &&
      (intent_.kind.empty() || intent_.kind == "Container" || intent_.kind == "Workload" ||
       intent_.kind == "Image"))
    intent_.kind = "Pod";
  if (!intent_.where.empty() && intent_.condition == "restarts") intent_.condition.clear();
  if (intent_.group_by.empty() && Any("mark.each") && Any("verb.status"))
    intent_.group_by = "status";
}

}  // namespace opsmesh::llm
