// Answers a question about data handed over with it (stdin of the CLI): Kubernetes objects as JSON,
// a table as kubectl prints it, or log lines. The data is text from outside: it is counted and
// quoted, never followed.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "services/llm/planner/intent.h"
#include "services/llm/planner/turn.h"

namespace opsmesh::llm {

/// Says what `data` shows, as `intent` asks.
absl::Status AnswerFromAttachment(Turn& turn, std::string_view data, const Intent& intent);

}  // namespace opsmesh::llm
