// Typing errors in words of the lexicon.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "libs/base/context.h"
#include "services/llm/planner/intent.h"
#include "services/llm/planner/sentence.h"
#include "services/llm/planner/toolbox.h"

namespace opsmesh::llm {

/// Words of a sentence that something in the cluster is called by: no typing errors. One call; at
/// most 64 words are asked for, and trouble with the index counts as "none".
std::set<std::string> NamesInUse(const base::Context& context, ToolBox& tools,
                                 const std::vector<Intent>& intents);

/// "deploymnets" -> the nearest word of the lexicon, for plain Latin words of at least four letters
/// that are not in `names` (what something in the cluster is called by). True when a word changed.
bool CorrectTypos(const std::set<std::string>& names, Sentence* sentence);

}  // namespace opsmesh::llm
