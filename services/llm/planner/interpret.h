// The grammar: marks of one sentence -> one intent a clause. Pure; knows no cluster and no tool.
#pragma once

#include <vector>

#include "services/llm/planner/intent.h"
#include "services/llm/planner/lexicon.h"
#include "services/llm/planner/sentence.h"

namespace opsmesh::llm {

/// Splits at sequence words and sentence ends where both sides ask for something of their own.
std::vector<std::vector<Mark>> SplitClauses(const std::vector<Mark>& marks);

/// What one clause asks for. `lexicon` reads the kind in "deploy/nginx".
Intent Interpret(const std::vector<Mark>& clause, const Lexicon& lexicon, bool has_window = false);

/// All intents of a sentence in order; the time window belongs to the first that can use one. At
/// most 5.
std::vector<Intent> InterpretSentence(const Sentence& sentence, const Lexicon& lexicon);

}  // namespace opsmesh::llm
