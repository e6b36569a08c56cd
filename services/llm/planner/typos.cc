#include "services/llm/planner/typos.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/strings.h"
#include "services/llm/planner/lexicon.h"

namespace opsmesh::llm {
namespace {

bool IsPlain(const Mark& mark) {
  return mark.kind == Mark::Kind::kWord && !mark.quoted && mark.norm.size() >= 4 &&
         std::all_of(mark.norm.begin(), mark.norm.end(),
                     [](char c) { return c >= 'a' && c <= 'z'; });
}

// Short words: two neighbouring letters changed places, nothing else ("pdos").
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

bool CorrectTypos(const std::set<std::string>& names, Sentence* sentence) {
  bool changed = false;
  for (Mark& mark : sentence->marks) {
    if (!IsPlain(mark) || names.contains(mark.text)) continue;
    const std::string_view best =
        mark.norm.size() == 4 ? WithLettersSwapped(mark.norm) : NearestWord(mark.norm);
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
