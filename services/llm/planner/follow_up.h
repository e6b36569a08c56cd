// Completes a question from the turns before it: "and in payments?", "第二个的日志", "only the
// failed ones", "2", "yes".
#pragma once

#include <string>
#include <vector>

#include "services/llm/planner/intent.h"
#include "services/llm/planner/turn_state.h"

namespace opsmesh::llm {

/// What became of a question.
struct Completed {
  enum class Kind {
    kIntent,       // `intent` stands by itself now
    kNothingOpen,  // it answers a question we did not ask
    kDismissed,    // "no, never mind"
    kMore,         // wants the next page of the last answer
  };
  Kind kind = Kind::kIntent;
  Intent intent;
};

/// Pure. `state` is that of the turn before; `earlier` are the intents of the same sentence before
/// this one.
Completed Complete(Intent intent, const TurnState& state, const std::vector<Intent>& earlier);

}  // namespace opsmesh::llm
