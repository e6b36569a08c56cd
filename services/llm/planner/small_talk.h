// Answers that need no cluster: greetings, help, how to word a change, manifests from templates,
// and the self-test.
#pragma once

#include "absl/status/status.h"
#include "services/llm/planner/intent.h"
#include "services/llm/planner/toolbox.h"
#include "services/llm/planner/turn.h"

namespace opsmesh::llm {

/// What the self-test speaks of.
struct SmallTalk {
  /// Null when the caller has switched the tools off.
  ToolBox* tools = nullptr;
  bool llm_configured = false;
};

/// Answers `intent` when it is small talk and says so in `handled`. Errors: those of the turn.
absl::Status AnswerSmallTalk(Turn& turn, const SmallTalk& talk, const Intent& intent,
                             bool* handled);

}  // namespace opsmesh::llm
