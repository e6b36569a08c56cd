// What a clause names: objects, namespaces, containers, selectors.
#include "services/llm/planner/grammar.h"

#include <algorithm>
#include <utility>

#include "libs/base/strings.h"

namespace opsmesh::llm {
namespace {

bool LooksLikeObjectName(std::string_view text) {
  return text.find_first_of("-0123456789./") != std::string_view::npos;
}

// "Diagnose foobar"; not "problems overnight".
bool IsOrderToDiagnose(const Mark& mark) {
  return mark.Is("verb.diagnose") &&
         (mark.norm == "diagnose" || mark.norm == "troubleshoot" || mark.norm == "investigate" ||
          mark.norm == "debug" || mark.norm.starts_with("analy"));
}

bool IsAbout(std::string_view word) {
  return word == "with" || word == "of" || word == "about" || word == "for" || word == "to";
}

}  // namespace

bool Grammar::CanNameNamespace(size_t i) const {
  if (IsWord(i)) return marks_[i].text.find('=') == std::string::npos;
  if (i >= marks_.size() || used_[i] || marks_[i].kind != Mark::Kind::kConcept) return false;
  const Mark& mark = marks_[i];
  const bool latin = !mark.norm.empty() && static_cast<unsigned char>(mark.norm[0]) < 0x80;
  return latin && mark.norm.find(' ') == std::string::npos &&
         (mark.Is("verb.test") || mark.Has("topic.") || mark.Has("metric."));
}

void Grammar::ReadNamespaces() {
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

void Grammar::TakeNamespace(size_t name, size_t marker) {
  intent_.name_space = marks_[name].text;
  used_[name] = used_[marker] = true;
  // "production和staging命名空间": the neighbours joined by "and" stay words and may be
  // namespaces too.
}

void Grammar::ReadSelectors() {
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

void Grammar::ReadContainer() {
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

void Grammar::ReadNames() {
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

void Grammar::ReadAlias(size_t i, const std::string& stems) {
  NameMention mention{marks_[i].norm, "", true, false};
  mention.alternatives = {"=" + marks_[i].norm};
  for (std::string_view stem : base::Split(stems, '|')) mention.alternatives.emplace_back(stem);
  mention.everyday = true;
  if (marks_[i].concepts.size() == 1) used_[i] = true;
  intent_.names.push_back(std::move(mention));
}

void Grammar::AddJoins(size_t i, NameMention* mention) const {
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

void Grammar::ReadKindWordsAsNames() {
  const bool change =
      intent_.is_write &&
      (intent_.action == "scale" || intent_.action == "restart" || intent_.action == "rollback");
  const bool of_one =
      change || intent_.action == "logs" || intent_.action == "yaml" || intent_.action == "history";
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

void Grammar::ReadEnds() {
  if (intent_.names.size() < 2) return;
  const bool network = Any("topic.network") || Any("topic.access");
  const bool ends = std::any_of(marks_.begin(), marks_.end(), [](const Mark& m) {
    return m.Is("mark.to") || m.norm == "talk to" || m.norm == "reach" || m.norm == "connect to" ||
           m.norm == "访问" || m.norm == "和";
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

void Grammar::SplitSlash(size_t slash, NameMention* mention) {
  const std::string head = base::AsciiLower(mention->text.substr(0, slash));
  const Lexicon::Match match = lexicon_.Find(UnitsOf(head), 0);
  for (size_t i = 0; match.concepts != nullptr && i < match.concepts->size(); ++i) {
    if ((*match.concepts)[i].starts_with("kind.")) mention->kind = (*match.concepts)[i].substr(5);
  }
  if (mention->kind.empty()) intent_.name_space = mention->text.substr(0, slash);
  mention->text = mention->text.substr(slash + 1);
}

void Grammar::ReadNeighbours(size_t i, NameMention* mention) {
  const size_t before = Neighbour(i, -1);
  const size_t after = Neighbour(i, +1);
  const std::string kind_before = KindOf(before);
  const std::string kind_after = KindOf(after);
  const bool inside = (i > 0 && marks_[i - 1].Is("mark.in")) ||
                      (after < marks_.size() && marks_[after].Is("mark.inside")) ||
                      (before < marks_.size() && marks_[before].Is("mark.in"));
  if (inside) mention->may_be_namespace = mention->placed = true;
  const std::string& led_by = i > 0 ? marks_[i - 1].norm : mention->kind;
  mention->inside = inside && !IsWord(i + 1) &&
                    (led_by == "in" || led_by == "within" || led_by == "inside" || led_by == "在" ||
                     (after < marks_.size() && marks_[after].Is("mark.inside")));
  mention->topical = i > 0 && (marks_[i - 1].Has("verb.") || IsAbout(marks_[i - 1].norm));
  mention->about = i > 0 && (IsAbout(marks_[i - 1].norm) || marks_[i - 1].norm.ends_with(" with"));
  mention->asked = i > 0 && !IsWord(i + 1) &&
                   (AsksOfSubject(marks_[i - 1].norm) || IsOrderToDiagnose(marks_[i - 1]));
  // "scale payments web", "the payments web"; not "bring cart down", where a verb nobody knows
  // leads.
  mention->leads =
      IsWord(i + 1) && i > 0 &&
      (marks_[i - 1].Has("verb.") || marks_[i - 1].Has("write.") || marks_[i - 1].Has("kind.") ||
       marks_[i - 1].norm == "the" || IsAbout(marks_[i - 1].norm));
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

}  // namespace opsmesh::llm
