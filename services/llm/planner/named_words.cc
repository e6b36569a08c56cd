#include "services/llm/planner/named_words.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace opsmesh::llm {
namespace {

using k8s::v1::ObjectCandidate;
using k8s::v1::ResolvedMention;

constexpr size_t kMostWords = 8;

template <size_t N>
bool IsOneOf(std::string_view value, const std::array<std::string_view, N>& set) {
  return std::find(set.begin(), set.end(), value) != set.end();
}

// Kinds that people name without saying which kind it is.
constexpr std::array<std::string_view, 7> kRunning = {
    "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Service"};
// Words of the lexicon that stand for no single kind of object.
constexpr std::array<std::string_view, 9> kNoKind = {
    "All", "Cluster", "Container", "Context", "Event", "HelmChart", "Image", "ApiResource", "Node"};

bool IsPlainWord(const Mark& mark) {
  return mark.kind == Mark::Kind::kConcept && mark.norm.size() > 1 &&
         std::all_of(mark.norm.begin(), mark.norm.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

// One object's kind: "deployment", not "deployments".
std::string KindBefore(const Mark& mark) {
  std::string kind = mark.After("kind.");
  const std::string& norm = mark.norm;
  const bool plural = norm.size() > 3 && norm.ends_with('s') && !norm.ends_with("ss");
  return plural || IsOneOf(kind, kNoKind) ? std::string() : kind;
}

// "diagnose reports", "restart search": an order that an object follows.
bool AsksAboutNext(const Mark& mark) {
  return mark.Is("verb.diagnose") || mark.Is("verb.describe") || mark.Is("verb.logs") ||
         mark.Is("verb.yaml") || mark.Is("verb.history") || mark.Has("write.");
}

// "status of reports", "why is reports pending".
bool LeadsToName(std::string_view norm) {
  return AsksOfSubject(norm) || norm == "of" || norm == "for" || norm == "about" ||
         norm == "with" || norm.ends_with(" with");
}

struct Place {
  size_t at;         // of the word
  std::string kind;  // the object must be of this kind; "" = one of kRunning
};

class Places {
 public:
  explicit Places(const Sentence& sentence)
      : marks_(sentence.marks), chinese_(sentence.language != text::Language::kEnglish) {}

  std::vector<Place> Find() const {
    std::vector<Place> places;
    for (size_t i = 0; i < marks_.size() && places.size() < kMostWords; ++i) {
      if (!IsPlainWord(marks_[i])) continue;
      std::string kind;
      if (IsMarked(i, &kind) || MayBeSubject(i)) places.push_back({i, kind});
    }
    return places;
  }

 private:
  // "deployment status", "the deployment named status", "名为 status 的 deployment".
  bool IsMarked(size_t i, std::string* kind) const {
    if (i == 0) return false;
    const Mark& before = marks_[i - 1];
    if (before.Is("mark.named")) {
      if (i > 1) *kind = KindBefore(marks_[i - 2]);
      if (*kind == "Workload") kind->clear();
      return true;
    }
    *kind = KindBefore(before);
    if (kind->empty()) return false;
    if (*kind == "Workload") kind->clear();
    return true;
  }

  bool MayBeSubject(size_t i) const {
    const Mark& mark = marks_[i];
    if (mark.Has("kind.") || !(mark.Has("verb.") || mark.Has("topic.") || mark.Has("cond.") ||
                               mark.Has("metric.") || mark.Has("write.")))
      return false;
    if (chinese_) return true;  // a Latin word of a Chinese sentence
    if (i == 0)
      return marks_.size() > 1 && (marks_[1].Has("verb.") || marks_[1].Has("cond.") ||
                                   marks_[1].Has("topic.") || AsksOfSubject(marks_[1].norm));
    return AsksAboutNext(marks_[i - 1]) || LeadsToName(marks_[i - 1].norm);
  }

  const std::vector<Mark>& marks_;
  const bool chinese_;
};

bool IsCalledSo(const Place& place, const ResolvedMention& mention) {
  return std::any_of(mention.candidates().begin(), mention.candidates().end(),
                     [&](const ObjectCandidate& candidate) {
                       const std::string& kind = candidate.object().kind();
                       if (candidate.match() == ObjectCandidate::MATCH_WORKLOAD)
                         return place.kind == "Pod";
                       return candidate.match() == ObjectCandidate::MATCH_EXACT &&
                              (place.kind.empty() ? IsOneOf(kind, kRunning) : kind == place.kind);
                     });
}

}  // namespace

void ReadWordsAsNames(const base::Context& context, ToolBox& tools, const type::v1::Scope& scope,
                      Sentence* sentence) {
  const std::vector<Place> places = Places(*sentence).Find();
  if (places.empty()) return;
  k8s::v1::ResolveObjectsRequest request;
  if (!scope.cluster().empty()) request.mutable_context()->set_cluster(scope.cluster());
  request.set_max_candidates(12);
  for (const Place& place : places)
    request.add_mentions()->set_text(sentence->marks[place.at].norm);
  const auto answer = tools.Resolve(context, request);
  if (!answer.ok()) return;
  for (size_t i = 0; i < places.size() && static_cast<int>(i) < answer->mentions_size(); ++i) {
    if (!IsCalledSo(places[i], answer->mentions(static_cast<int>(i)))) continue;
    Mark& mark = sentence->marks[places[i].at];
    mark.kind = Mark::Kind::kWord;
    mark.quoted = true;  // a name, whatever else it means
    mark.concepts.clear();
  }
}

}  // namespace opsmesh::llm
