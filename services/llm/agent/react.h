// The loop of a model with tools: ask, run what it calls, ask again, until it answers or a budget
// ends (ReAct, https://arxiv.org/abs/2210.03629, in the form of today's tool calls).
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/ids.h"
#include "libs/base/worker_pool.h"
#include "libs/llm_provider/chain.h"
#include "libs/redact/redactor.h"
#include "libs/telemetry/metrics.h"
#include "opsmesh/llm/v1/turn.pb.h"
#include "services/llm/agent/tool_menu.h"
#include "services/llm/agent/tool_round.h"
#include "services/llm/planner/toolbox.h"
#include "services/llm/planner/turn.h"

namespace opsmesh::llm {

struct ReactOptions {
  absl::Duration timeout = absl::Seconds(120);  // all calls of the model together
  int max_iterations = 10;                      // rounds of tool calls
  int64_t token_budget = 200'000;
  size_t max_tools = 24;
  size_t max_history_bytes = 16 << 10;
  size_t max_attachment_bytes = 48 << 10;
  ToolRoundLimits rounds;
};

/// What the loop works with; all of it outlives the loop.
struct ReactParts {
  llm_provider::Chain& chain;
  ToolBox& tools;
  const ToolMenu& menu;
  const redact::Redactor& redactor;
  base::WorkerPool& pool;
  base::IdSource& ids;
  telemetry::Family<telemetry::Counter>* redactions = nullptr;  // labelled by kind
};

/// How a loop ended.
struct ReactResult {
  enum class End {
    kAnswered,
    kBudget,  // stopped, what was found is said
    kChange,  // the model wants a change: `change`
    kFailed,  // no model could go on: `why`
  };
  End end = End::kFailed;
  absl::Status why;
  WantedChange change;
  std::vector<llm_provider::Setback> setbacks;
  std::string provider, model;
  std::string last_tool, last_json;
  std::vector<std::string> findings;
  int refused_changes = 0;  // asked for after text from outside had been read
};

/// Runs one turn. Text and tool events go to `turn`; it is not finished here. `suggested` are tools
/// the planner would use. Errors only when the turn itself cannot go on (the client left, its
/// deadline passed).
absl::StatusOr<ReactResult> RunReact(Turn& turn, const ReactParts& parts,
                                     const v1::RunTurnRequest& request, const ReactOptions& options,
                                     const std::vector<std::string>& suggested,
                                     size_t first_provider);

}  // namespace opsmesh::llm
