#include "services/llm/planner/typos.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/strings.h"
#include "services/llm/planner/lexicon.h"

namespace opsmesh::llm {
namespace {

constexpr int kMostMentions = 64;

bool IsPlain(const Mark& mark) {
  return mark.kind == Mark::Kind::kWord && !mark.quoted && mark.norm.size() >= 4 &&
         std::all_of(mark.norm.begin(), mark.norm.end(),
                     [](char c) { return c >= 'a' && c <= 'z'; });
}

// Two neighbouring letters changed places, nothing else ("pdos", "ndoes").
std::string_view WithLettersSwapped(const std::string& typed) {
  const std::vector<std::string>& words = Lexicon::Embedded().words();
  std::string_view found;
  for (size_t i = 0; i + 1 < typed.size(); ++i) {
    std::string swapped = typed;
    std::swap(swapped[i], swapped[i + 1]);
    const auto it = std::lower_bound(words.begin(), words.end(), swapped);
    if (it != words.end() && *it == swapped) found = *it;
  }
  return found;
}

std::string_view NearestWord(const std::string& typed) {
  std::string_view best;
  size_t best_distance = typed.size() >= 8 ? 3 : 2;
  for (const std::string& form : BaseForms(typed)) {
    for (const std::string& word : Lexicon::Embedded().words()) {
      if (word.size() < 4) continue;
      const size_t distance = base::EditDistance(form, word, best_distance);
      if (distance < best_distance) {
        best_distance = distance;
        best = word;
      }
    }
  }
  return best;
}

}  // namespace

std::set<std::string> NamesInUse(const base::Context& context, ToolBox& tools,
                                 const std::vector<Intent>& intents) {
  k8s::v1::ResolveObjectsRequest request;
  for (const Intent& intent : intents) {
    for (const NameMention& name : intent.names) {
      if (request.mentions_size() < kMostMentions) request.add_mentions()->set_text(name.text);
    }
  }
  std::set<std::string> used;
  if (request.mentions_size() == 0) return used;
  const auto answer = tools.Resolve(context, request);
  if (!answer.ok()) return used;
  for (const k8s::v1::ResolvedMention& mention : answer->mentions()) {
    for (const k8s::v1::ObjectCandidate& candidate : mention.candidates()) {
      if (candidate.match() != k8s::v1::ObjectCandidate::MATCH_NEAR) used.insert(mention.text());
    }
  }
  return used;
}

bool CorrectTypos(const std::set<std::string>& names, Sentence* sentence) {
  bool changed = false;
  for (Mark& mark : sentence->marks) {
    if (!IsPlain(mark) || names.contains(mark.text)) continue;
    std::string_view best = WithLettersSwapped(mark.norm);
    if (best.empty() && mark.norm.size() > 4) best = NearestWord(mark.norm);
    if (best.empty()) continue;
    const Lexicon::Match match = Lexicon::Embedded().Find({std::string(best)}, 0);
    if (match.concepts == nullptr) continue;
    mark.kind = Mark::Kind::kConcept;
    mark.concepts = *match.concepts;
    changed = true;
  }
  return changed;
}

}  // namespace opsmesh::llm
