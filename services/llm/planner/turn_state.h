// What a follow-up needs from the turns before: carried by the caller, opaque to it (turn_state of
// RunTurnRequest).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/text/language.h"
#include "services/llm/planner/intent.h"

namespace opsmesh::llm {

struct TurnState {
  std::optional<text::Language> language;  // of the last question that showed one
  std::optional<Intent> last;              // what was answered last
  std::vector<LinkedObject> rows;          // what it listed, at most 100
  std::vector<LinkedObject> choices;       // of the question we asked, at most 8
  std::optional<Intent> pending;           // the intent that waits for the choice
  std::string cluster;                     // that a sentence named; "" = the default
  // For "more": the call whose next page there is.
  std::string more_tool;
  std::string more_arguments;
};

/// Compact JSON, at most 64 KiB (rows are dropped when it would be larger).
std::string Serialize(const TurnState& state);
/// nullopt for anything that Serialize did not make: treated as absent, never an error.
std::optional<TurnState> ParseTurnState(std::string_view bytes);

}  // namespace opsmesh::llm
