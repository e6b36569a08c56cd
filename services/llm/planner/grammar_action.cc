// What a clause asks to be done, and the numbers that say how much.
#include "services/llm/planner/grammar.h"

#include <algorithm>
#include <array>

namespace opsmesh::llm {
namespace {

// What a clause can ask for, from the most telling to the least.
constexpr std::array<std::string_view, 20> kActionOrder = {
    "logs",     "yaml",     "compare",  "history", "changes",   "explain", "wait",
    "top",      "diagnose", "describe", "status",  "summarize", "list",    "connect",
    "generate", "test",     "help",     "greet",   "thanks",    ""};

}  // namespace

void Grammar::ReadAction() {
  std::vector<const Mark*> writes;
  for (size_t i = 0; i < marks_.size(); ++i) {
    if (!used_[i] && marks_[i].Has("write.") && !marks_[i].inflected && !Negated(i))
      writes.push_back(&marks_[i]);
  }
  // "The replicas of ledger to 3": the goal says what is wanted.
  if (writes.empty() && SetsReplicas()) {
    intent_.action = "scale";
    intent_.is_write = true;
    return;
  }
  if (!writes.empty() && ReadWrite(writes)) return;
  if (Any("verb.generate") && (Any("verb.yaml") || AnyKind()) && !Any("verb.logs")) {
    intent_.action = "generate";
    return;
  }
  if (intent_.asks_why && !Any("verb.logs")) {
    intent_.action = "diagnose";
    return;
  }
  // "生成一份健康报告": there is nothing to write that the cluster does not tell.
  if (Any("verb.generate") && Any("topic.overview")) {
    intent_.action = "summarize";
    return;
  }
  // "The top 5 issues in shop": the worst of what a diagnosis finds.
  if (Any("verb.top") && RanksProblems()) {
    intent_.action = "diagnose";
    return;
  }
  for (std::string_view action : kActionOrder) {
    if (!action.empty() && AnyVerb("verb." + std::string(action))) {
      intent_.action = action;
      return;
    }
  }
}

bool Grammar::RanksProblems() const {
  if (AnyKind() || std::any_of(marks_.begin(), marks_.end(), [](const Mark& mark) {
        return mark.Has("metric.") || mark.Has("topic.") || mark.Has("cond.");
      }))
    return false;
  return std::any_of(marks_.begin(), marks_.end(), [](const Mark& mark) {
    return mark.Is("verb.diagnose") &&
           (mark.norm.starts_with("problem") || mark.norm.starts_with("issue") ||
            mark.norm == "问题" || mark.norm == "故障" || mark.norm == "trouble");
  });
}

bool Grammar::AnyVerb(std::string_view concept_id) const {
  for (size_t i = 0; i < marks_.size(); ++i) {
    if (used_[i] || !marks_[i].Is(concept_id)) continue;
    // "Broken pods" are pods in a state; "what is broken" asks for a diagnosis.
    const bool adjective = marks_[i].Has("cond.") && i + 1 < marks_.size() &&
                           marks_[i + 1].Has("kind.") && Any("verb.list");
    if (!adjective) return true;
  }
  return false;
}

bool Grammar::Negated(size_t i) const {
  for (size_t k = i; k-- > 0 && k + 3 > i;) {
    if (marks_[k].Is("neg.not") || marks_[k].Is("ref.no")) return true;
    if (!marks_[k].Is("word.polite")) return false;
  }
  return false;
}

bool Grammar::SetsReplicas() const {
  if (Interrogative() || Any("verb.list") || !Any("mark.replicas")) return false;
  for (size_t i = 1; i < marks_.size(); ++i) {
    if (marks_[i].kind != Mark::Kind::kNumber || used_[i]) continue;
    if (marks_[i - 1].Is("mark.to") || (i + 1 < marks_.size() && marks_[i + 1].norm == "more"))
      return !Any("topic.scalecapacity");
  }
  return false;
}

bool Grammar::ReadWrite(const std::vector<const Mark*>& writes) {
  std::string action = writes.front()->After("write.");
  for (const Mark* mark : writes) {
    // "修复" beside another change is the purpose, not the change.
    if (action == "fix" || action == "update" || action == "create") action = mark->After("write.");
  }
  // "Roll back to revision 2" names a revision, it does not ask for the history.
  const bool history =
      action != "rollback"
          ? Any("verb.history")
          : std::any_of(marks_.begin(), marks_.end(), [](const Mark& m) {
              return m.Is("verb.history") && !m.norm.starts_with("revision") && m.norm != "版本";
            });
  // "Can nginx scale to 50": whether it fits.
  const bool can_it = action == "scale" && marks_.size() > 2 &&
                      (marks_[0].norm == "can" || marks_[0].norm == "could") &&
                      marks_[1].kind == Mark::Kind::kWord;
  const bool talks = Interrogative() || can_it || history || Any("topic.safety") ||
                     Any("verb.compare") || Any("verb.logs") || Any("topic.scalecapacity") ||
                     Any("verb.yaml") || Any("kind.Event");
  const bool reads_first =
      action == "fix" && (Any("verb.diagnose") || Any("topic.guide")) && !Any("seq.then");
  if (intent_.asks_how) {
    intent_.action = action == "fix" ? "diagnose" : "howto_" + action;
    return true;
  }
  if (talks || (reads_first && marks_.size() > 40)) {
    if (action == "restart") talked_condition_ = "restarts";
    if (action == "rollback") intent_.action = "history";
    if (action == "delete") talked_condition_ = "unused";
    if (action == "scale") intent_.topic = "scalecapacity";
    return !intent_.action.empty();
  }
  intent_.action = action;
  intent_.is_write = true;
  return true;
}

void Grammar::ReadReplicas(int64_t number, const Mark* before, const Mark* next) {
  intent_.replicas = number;
  // "bring web down to 0 replicas": the goal says what is wanted.
  if (!intent_.is_write && before != nullptr && before->Is("mark.to") && !intent_.counts &&
      intent_.action.empty()) {
    intent_.is_write = true;
    intent_.action = "scale";
  }
  const bool by = before != nullptr && (before->norm == "by" || before->norm == "少");
  // "还能再扩3个吗": three more, where no goal is named.
  const bool again = before != nullptr && before->Is("topic.scalecapacity") &&
                     before->norm.find("再") != std::string::npos;
  intent_.replicas_relative =
      (before != nullptr && (before->norm == "by" || before->norm == "再")) ||
      (next != nullptr && next->norm == "more") || RelativeScale() || by || again;
  // "Scale down by 1" takes away.
  if (intent_.replicas_relative && ScalesDown()) intent_.replicas = -number;
}

void Grammar::ReadNumbers() {
  for (size_t i = 0; i < marks_.size(); ++i) {
    const Mark& mark = marks_[i];
    if (used_[i]) continue;  // said already what it is
    if (mark.kind == Mark::Kind::kOrdinal) intent_.ordinal = mark.number;
    if (mark.kind != Mark::Kind::kNumber) continue;
    const Mark* next = At(Neighbour(i, +1));
    const Mark* before = i > 0 ? At(i - 1) : nullptr;
    const bool scale =
        (intent_.is_write && intent_.action == "scale") || intent_.topic == "scalecapacity";
    if (scale || (next != nullptr && next->Is("mark.replicas"))) {
      ReadReplicas(mark.number, before, next);
    } else if (before != nullptr &&
               (before->kind == Mark::Kind::kOrdinal || before->Is("q.which") ||
                before->norm == "the" || (mark.norm == "one" && before->Is("mark.lastn")) ||
                (mark.norm == "one" && before->Is("mark.firstn")))) {
      continue;  // "the second one", "which one"
    } else if (next != nullptr && next->Is("mark.lines")) {
      intent_.limit = mark.number;
      if (intent_.action.empty() || intent_.action == "list") intent_.action = "logs";
      intent_.from_start = before != nullptr && before->Is("mark.firstn");
    } else if ((before != nullptr && (before->Is("mark.lastn") || before->Is("mark.firstn") ||
                                      before->Is("verb.top"))) ||
               (next != nullptr && next->Has("kind.") && mark.number > 1) ||
               intent_.action == "logs") {
      intent_.limit = mark.number;
    } else if (marks_.size() <= 2) {
      intent_.ordinal = mark.number;  // a bare "2" answers a question of ours
    } else {
      intent_.number = mark.number;
    }
  }
  // "the first one", "the last pod": only where nothing else is counted.
  for (size_t i = 0; i + 1 < marks_.size(); ++i) {
    const std::string& next = marks_[i + 1].norm;
    if (next != "one" && next != "个") continue;
    if (marks_[i].norm == "first") intent_.ordinal = 1;
    if (marks_[i].norm == "last" || marks_[i].norm == "最后") intent_.ordinal = -1;
  }
}

bool Grammar::ScalesDown() const {
  return std::any_of(marks_.begin(), marks_.end(), [](const Mark& m) {
    return m.Is("write.scale") &&
           (m.norm.find("down") != std::string::npos || m.norm.ends_with("in") ||
            m.norm.starts_with("decrease") || m.norm.starts_with("reduce") ||
            m.norm.starts_with("缩") || m.norm.starts_with("减"));
  });
}

bool Grammar::RelativeScale() const {
  return std::any_of(marks_.begin(), marks_.end(), [](const Mark& mark) {
    const std::string& n = mark.norm;
    return n == "加副本" || n == "多开" || n == "再开" || n == "再加" || n == "多加" ||
           n == "增加" || n == "增加副本" || n == "add" || n == "add replicas";
  });
}

}  // namespace opsmesh::llm
