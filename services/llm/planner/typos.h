// Typing errors in words of the lexicon.
#pragma once

#include <set>
#include <string>

#include "services/llm/planner/sentence.h"

namespace opsmesh::llm {

/// "deploymnets" -> the nearest word of the lexicon, for plain Latin words of at least four letters
/// that are not in `names` (what something in the cluster is called by). True when a word changed.
bool CorrectTypos(const std::set<std::string>& names, Sentence* sentence);

}  // namespace opsmesh::llm
