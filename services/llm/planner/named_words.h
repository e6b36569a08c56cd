// Words of the lexicon that something in the cluster is called by: "the deployment named status",
// "diagnose reports".
#pragma once

#include "libs/base/context.h"
#include "services/llm/planner/sentence.h"
#include "services/llm/planner/toolbox.h"

namespace opsmesh::llm {

/// Turns words that stand where a name stands, and that are the name of a live object letter by
/// letter, into names. A word that also names a kind ("node") must be marked as a name: "deployment
/// node", "the one called node". Leaves the sentence as it is when the index does not answer.
void ReadWordsAsNames(const base::Context& context, ToolBox& tools, const type::v1::Scope& scope,
                      Sentence* sentence);

}  // namespace opsmesh::llm
