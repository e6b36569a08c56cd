// Who answers a question: the planner, or a language model with the planner behind it.
//
// The planner answers commands, changes and open questions of its own, whatever is configured: they
// are exact, and no text from a cluster can have chosen them. Everything else goes to the model
// when one is configured; when none can answer, the planner does and says so.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/ids.h"
#include "libs/base/worker_pool.h"
#include "libs/log/logger.h"
#include "libs/redact/redactor.h"
#include "libs/telemetry/metrics.h"
#include "opsmesh/llm/v1/turn.pb.h"
#include "services/llm/agent/react.h"
#include "services/llm/agent/reading.h"
#include "services/llm/planner/planner.h"
#include "services/llm/planner/toolbox.h"
#include "services/llm/planner/turn.h"
#include "services/llm/providers.h"

namespace opsmesh::llm {

/// Everything referred to outlives the agent; `metrics` may be null.
struct AgentParts {
  ToolBox& tools;
  const Planner& planner;
  Providers& providers;
  const redact::Redactor& redactor;
  base::IdSource& ids;
  const log::Logger& logger;
  telemetry::Registry* metrics = nullptr;
};

/// Thread-safe; one instance serves all turns.
class Agent {
 public:
  Agent(AgentParts parts, ReactOptions options);

  /// As Planner::RunTurn, and INVALID_ARGUMENT (UNKNOWN_PROVIDER).
  absl::Status RunTurn(const base::Context& context, const v1::RunTurnRequest& request,
                       const EventSink& sink) const;

 private:
  absl::Status RunModel(const base::Context& context, const v1::RunTurnRequest& request,
                        const EventSink& sink, llm_provider::Chain& chain, text::Language language,
                        const std::vector<std::string>& suggested) const;
  absl::Status Check(const base::Context& context, const v1::RunTurnRequest& request,
                     const EventSink& sink, llm_provider::Chain* chain,
                     const Reading& reading) const;
  absl::Status CheckModels(Turn& turn, llm_provider::Chain& chain) const;

  const AgentParts parts_;
  const ReactOptions options_;
  telemetry::Family<telemetry::Counter>* redactions_ = nullptr;
  telemetry::Family<telemetry::Counter>* injections_ = nullptr;
  // Tool calls of all turns that run side by side.
  mutable base::WorkerPool pool_{{.name = "llm-tools", .threads = 8, .queue_limit = 64}};
};

}  // namespace opsmesh::llm
