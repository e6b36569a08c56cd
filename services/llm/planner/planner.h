// The deterministic planner: answers questions in Chinese and English from the tools of the mesh,
// without an LLM.
//
// Sentence -> marks (lexicon) -> intents (grammar) -> linked objects (live index) -> route (tools)
// -> answer. The same question over the same cluster gives the same answer, byte for byte. Numbers
// and names come from tool results only.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/context.h"
#include "opsmesh/llm/v1/turn.pb.h"
#include "services/llm/planner/toolbox.h"
#include "services/llm/planner/turn.h"

namespace opsmesh::llm {

struct PlannerOptions {
  /// Zone of "today" and "yesterday".
  absl::TimeZone zone = absl::UTCTimeZone();
  /// Whether an LLM provider is configured (only said, never used).
  bool llm_configured = false;
};

/// Thread-safe; one instance serves all turns.
class Planner {
 public:
  /// `tools` outlives the planner.
  Planner(ToolBox& tools, PlannerOptions options) : tools_(tools), options_(options) {}

  /// Runs one turn; its events go to `sink`, the last one is `done`. Trouble with the cluster is an
  /// answer (outcome FAILED), not an error. Errors: INVALID_ARGUMENT (QUERY_TOO_LONG), what the
  /// context says, what `sink` returns.
  absl::Status RunTurn(const base::Context& context, const v1::RunTurnRequest& request,
                       const EventSink& sink) const;

 private:
  ToolBox& tools_;
  const PlannerOptions options_;
};

}  // namespace opsmesh::llm
