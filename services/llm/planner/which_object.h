// The question back when a sentence asks for one object and names none.
#pragma once

#include "absl/status/status.h"
#include "services/llm/planner/intent.h"
#include "services/llm/planner/read_steps.h"
#include "services/llm/planner/turn.h"
#include "services/llm/planner/turn_state.h"

namespace opsmesh::llm {

/// Asks which object is meant, with an example; for logs also with up to eight pods that are not
/// well, to be picked by number. `state` remembers the intent and what a number picks. Errors only
/// when the turn itself cannot go on.
absl::Status AskWhichObject(Turn& turn, const ReadContext& read, const Intent& intent,
                            TurnState* state);

}  // namespace opsmesh::llm
