#include "services/llm/planner/interpret.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "libs/base/strings.h"
#include "services/llm/planner/details.h"

namespace opsmesh::llm {
namespace {

constexpr size_t kMostClauses = 5;

// Kinds that words such as "resources" or "cluster" stand for: they give way to a real kind beside
// them.
bool IsWeakKind(std::string_view kind) {
  static constexpr std::array<std::string_view, 7> kWeak = {
      "Workload", "All", "Cluster", "Container", "Image", "Context", "ApiResource"};
  return std::find(kWeak.begin(), kWeak.end(), kind) != kWeak.end();
}

// Conditions from the most telling to the least: the first one present is taken.
constexpr std::array<std::string_view, 19> kConditionOrder = {
    "crashloop", "oom",       "imagepull", "evicted",   "terminating", "unbound", "unused",
    "restarts",  "notready",  "pending",   "unhealthy", "failed",      "error",   "warning",
    "suspended", "completed", "running",   "ready",     "active"};

// What a clause can ask for, from the most telling to the least.
constexpr std::array<std::string_view, 20> kActionOrder = {
    "logs",     "yaml",     "compare",  "history", "changes",   "explain", "wait",
    "top",      "diagnose", "describe", "status",  "summarize", "list",    "connect",
    "generate", "test",     "help",     "greet",   "thanks",    ""};

bool LooksLikeObjectName(std::string_view text) {
  return text.find_first_of("-0123456789./") != std::string_view::npos;
}

class Grammar {
 public:
  Grammar(const std::vector<Mark>& marks, const Lexicon& lexicon)
      : marks_(marks), lexicon_(lexicon), used_(marks.size(), false) {}

  Intent Run(bool has_window) {
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

 private:
  bool Any(std::string_view concept_id) const {
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (!used_[i] && marks_[i].Is(concept_id)) return true;
    }
    return false;
  }
  const Mark* At(size_t i) const { return i < marks_.size() ? &marks_[i] : nullptr; }

  // The neighbour of i in direction `step` beyond words that only glue ("的", "the", "named", ":").
  size_t Neighbour(size_t i, int step) const {
    for (size_t k = i + step; k < marks_.size(); k += step) {
      const Mark& mark = marks_[k];
      const bool glue = mark.Is("mark.named") || mark.norm == "的" || mark.norm == "the" ||
                        mark.norm == ":" || mark.norm == "=" || mark.norm == "is" ||
                        mark.norm == "是" || mark.norm == "个";
      if (!glue) return k;
    }
    return SIZE_MAX;
  }

  bool IsWord(size_t i) const {
    return i < marks_.size() && !used_[i] && marks_[i].kind == Mark::Kind::kWord;
  }

  // In "X namespace" and "namespace X" also a word of the lexicon may be a name: "test namespace",
  // "security 命名空间".
  bool CanNameNamespace(size_t i) const {
    if (IsWord(i)) return marks_[i].text.find('=') == std::string::npos;
    if (i >= marks_.size() || used_[i] || marks_[i].kind != Mark::Kind::kConcept) return false;
    const Mark& mark = marks_[i];
    const bool latin = !mark.norm.empty() && static_cast<unsigned char>(mark.norm[0]) < 0x80;
    return latin && mark.norm.find(' ') == std::string::npos &&
           (mark.Is("verb.test") || mark.Has("topic.") || mark.Has("metric."));
  }

  void ReadNamespaces() {
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (marks_[i].Is("word.default")) {
        const Mark* next = At(i + 1);
        if (next != nullptr && (next->Is("kind.Namespace") || next->norm == "空")) {
          intent_.name_space = "default";
          used_[i] = used_[i + 1] = true;
        }
      }
      if (used_[i] || !marks_[i].Is("kind.Namespace")) continue;
      const size_t before = Neighbour(i, -1);
      const size_t after = Neighbour(i, +1);
      if (before < marks_.size() &&
          (marks_[before].Is("mark.all") || marks_[before].Is("mark.each"))) {
        intent_.all_namespaces = true;
        if (marks_[before].Is("mark.each") || marks_[before].norm == "every")
          intent_.group_by = "namespace";
        used_[before] = true;
        namespace_words_.push_back(i);
      } else if (before == i - 1 && CanNameNamespace(before) && i > 0) {
        TakeNamespace(before, i);
      } else if (CanNameNamespace(after) && (after == i + 1 || IsWord(after))) {
        TakeNamespace(after, i);
      } else if (before < marks_.size() && i > 0 && IsWord(before)) {
        TakeNamespace(before, i);
      } else {
        namespace_words_.push_back(i);
      }
    }
  }

  void TakeNamespace(size_t name, size_t marker) {
    intent_.name_space = marks_[name].text;
    used_[name] = used_[marker] = true;
    // "production和staging命名空间": the neighbours joined by "and" stay words and may be
    // namespaces too.
  }

  void ReadSelectors() {
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (!IsWord(i) || marks_[i].quoted) continue;
      const bool term = marks_[i].text.find('=') != std::string::npos;
      const bool labelled =
          i > 0 && Neighbour(i, -1) < i && marks_[Neighbour(i, -1)].Is("mark.labels");
      if (!term && !labelled) continue;
      if (!intent_.selector.empty()) intent_.selector += ",";
      intent_.selector += marks_[i].text;
      used_[i] = true;
    }
  }

  void ReadContainer() {
    if (!Any("verb.logs")) return;
    for (size_t i = 0; i + 1 < marks_.size(); ++i) {
      if (!marks_[i].Is("kind.Container")) continue;
      const size_t after = Neighbour(i, +1);
      const size_t before = Neighbour(i, -1);
      const size_t name = IsWord(after)                          ? after
                          : IsWord(before) && before != SIZE_MAX ? before
                                                                 : SIZE_MAX;
      if (name == SIZE_MAX || marks_[i].Is("mark.previous")) continue;
      // "nginx container" beside another name: the container; alone: more likely the app.
      size_t words = 0;
      for (size_t k = 0; k < marks_.size(); ++k) words += IsWord(k);
      if (name == before && words < 2) continue;
      intent_.container = marks_[name].text;
      used_[name] = used_[i] = true;
    }
  }

  void ReadFlags() {
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

  bool Interrogative() const {
    return intent_.counts || intent_.asks_why || Any("q.when") || Any("q.where") || Any("q.which");
  }

  void ReadAction() {
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
    for (std::string_view action : kActionOrder) {
      if (!action.empty() && Any("verb." + std::string(action))) {
        intent_.action = action;
        return;
      }
    }
  }

  // "Don't restart anything", "不要重启".
  bool Negated(size_t i) const {
    for (size_t k = i; k-- > 0 && k + 3 > i;) {
      if (marks_[k].Is("neg.not") || marks_[k].Is("ref.no")) return true;
      if (!marks_[k].Is("word.polite")) return false;
    }
    return false;
  }

  bool SetsReplicas() const {
    if (Interrogative() || Any("verb.list") || !Any("mark.replicas")) return false;
    for (size_t i = 1; i < marks_.size(); ++i) {
      if (marks_[i].kind != Mark::Kind::kNumber || used_[i]) continue;
      if (marks_[i - 1].Is("mark.to") || (i + 1 < marks_.size() && marks_[i + 1].norm == "more"))
        return !Any("topic.scalecapacity");
    }
    return false;
  }

  // False when the clause only talks about a change ("why did the rollback fail", "rollout
  // history").
  bool ReadWrite(const std::vector<const Mark*>& writes) {
    std::string action = writes.front()->After("write.");
    for (const Mark* mark : writes) {
      // "修复" beside another change is the purpose, not the change.
      if (action == "fix" || action == "update" || action == "create")
        action = mark->After("write.");
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
    const bool talks = Interrogative() || can_it || history || Any("verb.compare") ||
                       Any("verb.logs") || Any("topic.scalecapacity") || Any("verb.yaml") ||
                       Any("kind.Event");
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

  bool AnyKind() const {
    return std::any_of(marks_.begin(), marks_.end(),
                       [](const Mark& mark) { return mark.Has("kind."); });
  }

  std::string KindOf(size_t i) const {
    return i < marks_.size() && !used_[i] ? marks_[i].After("kind.") : std::string();
  }

  void ReadNames() {
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (const std::string stems = marks_[i].After("alias."); !stems.empty() && !used_[i])
        ReadAlias(i, stems);
      if (!IsWord(i)) continue;
      NameMention mention;
      mention.text = marks_[i].text;
      mention.must_exist = marks_[i].quoted || LooksLikeObjectName(mention.text);
      if (!marks_[i].quoted) AddJoins(i, &mention);
      const size_t slash = mention.text.find('/');
      if (slash != std::string::npos && slash > 0) SplitSlash(slash, &mention);
      ReadNeighbours(i, &mention);
      used_[i] = true;
      intent_.names.push_back(std::move(mention));
    }
  }

  // "支付": payments, payment-api ... whichever is there.
  void ReadAlias(size_t i, const std::string& stems) {
    NameMention mention{marks_[i].norm, "", true, false};
    mention.alternatives = {"=" + marks_[i].norm};
    for (std::string_view stem : base::Split(stems, '|')) mention.alternatives.emplace_back(stem);
    mention.everyday = true;
    if (marks_[i].concepts.size() == 1) used_[i] = true;
    intent_.names.push_back(std::move(mention));
  }

  // "log shipper" may be log-shipper.
  void AddJoins(size_t i, NameMention* mention) const {
    const auto plain = [&](size_t k) {
      return k < marks_.size() && !marks_[k].quoted && !marks_[k].norm.empty() &&
             marks_[k].norm.size() <= 30 &&
             std::all_of(marks_[k].norm.begin(), marks_[k].norm.end(),
                         [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
    };
    if (!plain(i)) return;
    if (i > 0 && plain(i - 1))
      mention->alternatives.push_back("=" + marks_[i - 1].norm + "-" + marks_[i].norm);
    if (plain(i + 1))
      mention->alternatives.push_back("=" + marks_[i].norm + "-" + marks_[i + 1].norm);
  }

  // "logs of the worker": a word for machines that something may be called by.
  void ReadKindWordsAsNames() {
    const bool change =
        intent_.is_write &&
        (intent_.action == "scale" || intent_.action == "restart" || intent_.action == "rollback");
    const bool of_one = change || intent_.action == "logs" || intent_.action == "yaml" ||
                        intent_.action == "history";
    // "从worker到redis通吗": the first of two ends.
    const bool path = Any("topic.network") && Any("mark.to") && intent_.names.size() == 1;
    if (!path && (!of_one || !intent_.names.empty())) return;
    for (size_t i = 0; i < marks_.size(); ++i) {
      const bool latin = !marks_[i].norm.empty() && marks_[i].norm[0] >= 'a' &&
                         marks_[i].norm[0] <= 'z' && marks_[i].norm.find(' ') == std::string::npos;
      if (used_[i] || !latin || (!marks_[i].Is("kind.Node") && !marks_[i].Is("kind.Workload")) ||
          marks_[i].norm.starts_with("node"))
        continue;
      NameMention mention{marks_[i].norm, "", false, false};
      mention.alternatives = {"=" + marks_[i].norm};
      mention.everyday = true;
      intent_.names.insert(path ? intent_.names.begin() : intent_.names.end(), std::move(mention));
      used_[i] = true;
      return;
    }
  }

  // "from frontend to redis", "frontend到orders-db通不通": two ends; "cart and frontend", "nginx vs
  // grafana": two of a kind.
  void ReadEnds() {
    if (intent_.names.size() < 2) return;
    const bool network = Any("topic.network") || Any("topic.access");
    const bool ends = std::any_of(marks_.begin(), marks_.end(), [](const Mark& m) {
      return m.Is("mark.to") || m.norm == "talk to" || m.norm == "reach" ||
             m.norm == "connect to" || m.norm == "访问" || m.norm == "和";
    });
    if (network && ends) {
      intent_.between = true;
      if (intent_.topic.empty()) intent_.topic = "network";
    }
    intent_.compares =
        !intent_.between && (Any("seq.and") || Any("verb.compare") ||
                             std::any_of(marks_.begin(), marks_.end(), [](const Mark& m) {
                               return m.norm == "、" || m.norm == "," || m.norm == "，";
                             }));
  }

  std::string KindNamed(const std::string& word) const {
    const Lexicon::Match match = lexicon_.Find(UnitsOf(word), 0);
    for (size_t i = 0; match.concepts != nullptr && i < match.concepts->size(); ++i) {
      if ((*match.concepts)[i].starts_with("kind.")) return (*match.concepts)[i].substr(5);
    }
    return "";
  }

  void SplitSlash(size_t slash, NameMention* mention) {
    const std::string head = base::AsciiLower(mention->text.substr(0, slash));
    const Lexicon::Match match = lexicon_.Find(UnitsOf(head), 0);
    for (size_t i = 0; match.concepts != nullptr && i < match.concepts->size(); ++i) {
      if ((*match.concepts)[i].starts_with("kind.")) mention->kind = (*match.concepts)[i].substr(5);
    }
    if (mention->kind.empty()) intent_.name_space = mention->text.substr(0, slash);
    mention->text = mention->text.substr(slash + 1);
  }

  void ReadNeighbours(size_t i, NameMention* mention) {
    const size_t before = Neighbour(i, -1);
    const size_t after = Neighbour(i, +1);
    const std::string kind_before = KindOf(before);
    const std::string kind_after = KindOf(after);
    const bool inside = (i > 0 && marks_[i - 1].Is("mark.in")) ||
                        (after < marks_.size() && marks_[after].Is("mark.inside")) ||
                        (before < marks_.size() && marks_[before].Is("mark.in"));
    if (inside) mention->may_be_namespace = true;
    const auto names_kind = [](const std::string& kind) {
      return !kind.empty() && kind != "All" && kind != "Cluster" && kind != "Event" &&
             kind != "Namespace" && kind != "Image" && kind != "Context" && kind != "ApiResource";
    };
    if (!mention->kind.empty()) {
      mention->must_exist = true;
    } else if (names_kind(kind_before) && !inside) {
      mention->kind = kind_before;
      mention->must_exist = true;
      mention->may_be_namespace = before != SIZE_MAX && marks_[before].norm.ends_with("s");
      hints_.push_back(before);
    } else if (names_kind(kind_after)) {
      // "nginx pods", "production pods", "payments 的 pod": the app's or the namespace's.
      mention->kind = inside ? "" : kind_after;
      mention->may_be_namespace = true;
      if (!inside) hints_.push_back(after);
    } else if (kind_after == "Cluster" || kind_before == "Cluster") {
      mention->kind = "";
    }
    if (kind_after == "Event" || kind_after == "All") mention->may_be_namespace = true;
  }

  void ReadKind() {
    std::vector<std::pair<size_t, std::string>> kinds;
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (const std::string kind = KindOf(i); !kind.empty()) kinds.emplace_back(i, kind);
    }
    // "in all namespaces", "所有命名空间呢": where, not what.
    const bool place_only =
        intent_.continues || (!namespace_words_.empty() && namespace_words_.front() > 1 &&
                              marks_[namespace_words_.front() - 2].Is("mark.in"));
    if (intent_.all_namespaces && (kinds.size() > 1 || place_only)) {
      std::erase_if(kinds, [](const auto& k) { return k.second == "Namespace"; });
    }
    // "哪个命名空间 pod 最多": a ranking of places.
    for (const auto& [i, kind] : kinds) {
      const bool which = i > 0 && marks_[i - 1].Is("q.which");
      if (which && intent_.action == "top" && kinds.size() > 1 &&
          (kind == "Node" || kind == "Namespace")) {
        intent_.group_by = base::AsciiLower(kind);
      }
    }
    // "服务的端点", "service endpoints": the last of a chain is what is asked for.
    for (size_t k = 0; k + 1 < kinds.size();) {
      const size_t next = kinds[k].first + 1;
      const bool chained = next == kinds[k + 1].first ||
                           (next + 1 == kinds[k + 1].first && marks_[next].norm == "的");
      if (chained && !IsWeakKind(kinds[k + 1].second)) {
        kinds.erase(kinds.begin() + static_cast<std::ptrdiff_t>(k));
      } else {
        ++k;
      }
    }
    const auto has_kind = [&](std::string_view kind) {
      return std::any_of(kinds.begin(), kinds.end(),
                         [kind](const auto& k) { return k.second == kind; });
    };
    // "哪些服务没有端点": the endpoints tell.
    if (has_kind("Service") && has_kind("Endpoints"))
      std::erase_if(kinds, [](const auto& k) { return k.second == "Service"; });
    const auto is_hint = [&](size_t i) {
      return std::find(hints_.begin(), hints_.end(), i) != hints_.end();
    };
    const auto pick = [&](auto accept) {
      for (const auto& [i, kind] : kinds) {
        if (intent_.kind.empty() && accept(i, kind)) intent_.kind = kind;
      }
    };
    // A namespace or node beside another kind is where, not what.
    const auto is_place = [&](const std::string& kind) {
      return (kind == "Node" || kind == "Namespace") && kinds.size() > 1;
    };
    pick([&](size_t i, const std::string& k) {
      return !is_hint(i) && !IsWeakKind(k) && !is_place(k);
    });
    pick([&](size_t i, const std::string& k) {
      return !is_hint(i) && !IsWeakKind(k) && hints_.empty();
    });
    pick([&](size_t, const std::string& k) { return !IsWeakKind(k); });
    pick([&](size_t i, const std::string& k) { return !is_hint(i) && k != "Cluster"; });
    pick([&](size_t, const std::string&) { return true; });
    for (const auto& [i, kind] : kinds) {
      const bool each =
          i > 0 && (marks_[i - 1].Is("mark.each") || (i > 1 && marks_[i - 2].Is("mark.each")));
      if (each && kind != intent_.kind && (kind == "Node" || kind == "Namespace")) {
        intent_.group_by = base::AsciiLower(kind);
        if (kind == "Namespace") intent_.all_namespaces = true;
      }
    }
  }

  void ReadConditionAndTopic() {
    size_t best = kConditionOrder.size();
    for (size_t i = 0; i < marks_.size(); ++i) {
      if (used_[i]) continue;
      const std::string condition = marks_[i].After("cond.");
      const auto* rank = std::find(kConditionOrder.begin(), kConditionOrder.end(), condition);
      if (!condition.empty() && static_cast<size_t>(rank - kConditionOrder.begin()) < best) {
        best = static_cast<size_t>(rank - kConditionOrder.begin());
        intent_.condition = condition;
        intent_.negated = (i > 0 && marks_[i - 1].norm == "no") || Negated(i);
      }
      if (const std::string topic = marks_[i].After("topic.");
          intent_.topic.empty() && topic != "howto") {
        intent_.topic = topic;
      }
      if (const std::string metric = marks_[i].After("metric."); intent_.metric.empty())
        intent_.metric = metric;
    }
    if (intent_.condition.empty()) intent_.condition = talked_condition_;
    if (intent_.negated && intent_.condition == "running") intent_.condition = "unhealthy";
    if (intent_.negated && intent_.condition == "ready") intent_.condition = "notready";
    if (intent_.condition == "unhealthy" || intent_.condition == "notready")
      intent_.negated = false;
  }

  void ReadNumbers() {
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
        intent_.replicas = mark.number;
        // "bring web down to 0 replicas": the goal says what is wanted.
        if (!intent_.is_write && before != nullptr && before->Is("mark.to") && !intent_.counts &&
            intent_.action.empty()) {
          intent_.is_write = true;
          intent_.action = "scale";
        }
        const bool by = before != nullptr && (before->norm == "by" || before->norm == "少");
        intent_.replicas_relative =
            (before != nullptr && (before->norm == "by" || before->norm == "再")) ||
            (next != nullptr && next->norm == "more") || RelativeScale() || by;
        // "Scale down by 1" takes away.
        if (intent_.replicas_relative && ScalesDown()) intent_.replicas = -mark.number;
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

  bool ScalesDown() const {
    return std::any_of(marks_.begin(), marks_.end(), [](const Mark& m) {
      return m.Is("write.scale") &&
             (m.norm.find("down") != std::string::npos || m.norm.ends_with("in") ||
              m.norm.starts_with("decrease") || m.norm.starts_with("reduce") ||
              m.norm.starts_with("缩") || m.norm.starts_with("减"));
    });
  }

  bool RelativeScale() const {
    return std::any_of(marks_.begin(), marks_.end(), [](const Mark& mark) {
      const std::string& n = mark.norm;
      return n == "加副本" || n == "多开" || n == "再开" || n == "再加" || n == "多加" ||
             n == "增加" || n == "增加副本" || n == "add" || n == "add replicas";
    });
  }

  void Settle() {
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

  const std::vector<Mark>& marks_;
  const Lexicon& lexicon_;
  std::vector<bool> used_;
  std::vector<size_t> hints_;
  std::vector<size_t> namespace_words_;
  std::string talked_condition_;
  Intent intent_;
};

// A side of a split must hold an action of its own.
bool AsksSomething(const std::vector<Mark>& marks) {
  return std::any_of(marks.begin(), marks.end(), [](const Mark& mark) {
    return mark.Has("verb.") || mark.Has("write.") || mark.Is("q.count") || mark.Is("q.why") ||
           mark.Is("kind.Event");
  });
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
    const bool splits = end || mark.Is("seq.then") || and_verb || again;
    const std::vector<Mark> rest(marks.begin() + static_cast<std::ptrdiff_t>(i) + 1, marks.end());
    if (splits && clauses.size() < kMostClauses && AsksSomething(clauses.back()) &&
        AsksSomething(rest)) {
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
