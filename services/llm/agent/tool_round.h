// Runs the tool calls of one round of a model: what may run runs side by side, everything else is
// answered in words.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/worker_pool.h"
#include "libs/llm_provider/chat.h"
#include "libs/telemetry/metrics.h"
#include "opsmesh/llm/v1/turn.pb.h"
#include "services/llm/agent/claims.h"
#include "services/llm/agent/framing.h"
#include "services/llm/agent/tool_menu.h"
#include "services/llm/planner/toolbox.h"
#include "services/llm/planner/turn.h"

namespace opsmesh::llm {

struct ToolRoundLimits {
  int calls_a_round = 8;
  int calls_a_turn = 32;
  size_t result_bytes = 8 << 10;
};

/// Masks secrets in a text that goes to a provider.
using Mask = std::function<std::string(std::string_view)>;

/// A change the model asked for; nothing ran.
struct WantedChange {
  std::string tool;
  std::string arguments;  // fits the tool's schema
};

/// The calls of one turn. Used by one thread; the calls themselves run on the pool.
class ToolRounds {
 public:
  /// Everything referred to outlives it.
  ToolRounds(Turn& turn, ToolBox& tools, const ToolMenu& menu, const Frame& frame,
             const type::v1::Scope& scope, base::WorkerPool& pool, Mask mask,
             ToolRoundLimits limits)
      : turn_(turn),
        tools_(tools),
        menu_(menu),
        frame_(frame),
        scope_(scope),
        pool_(pool),
        mask_(std::move(mask)),
        limits_(limits) {}

  /// Answers every call of `calls`, in order, one message each. Never runs a tool that is unknown,
  /// not built, changes something, has arguments that do not fit, or was called with the same
  /// arguments before. Errors only when the turn cannot go on.
  absl::Status Run(const std::vector<llm_provider::ToolCall>& calls,
                   std::vector<llm_provider::Message>* answers);

  /// The turn has read text from outside: from then on nothing the model says may become a change.
  bool tainted() const { return tainted_; }
  void Taint() { tainted_ = true; }
  /// Why the loop should end now ("" = it need not): the model keeps calling what cannot run, or
  /// the budget is used up.
  const std::string& stop() const { return stop_; }
  /// Changes the model asked for after text from outside was read; none of them is planned.
  int refused_changes() const { return refused_changes_; }
  /// The first change the model asked for in an untainted turn.
  const WantedChange* wanted_change() const { return wanted_.tool.empty() ? nullptr : &wanted_; }
  const Evidence& evidence() const { return evidence_; }
  Evidence& evidence() { return evidence_; }
  /// What the tools said in words, in the order they ran, each once.
  const std::vector<std::string>& findings() const { return findings_; }
  /// The last tool that ran and its data, for follow-ups.
  const std::string& last_tool() const { return last_tool_; }
  const std::string& last_json() const { return last_json_; }
  int calls() const { return ran_; }

 private:
  struct Job;

  std::string Judge(const llm_provider::ToolCall& call, Job* job);
  std::string JudgeChange(const k8s::v1::Tool& tool, const std::string& arguments);
  absl::Status Execute(std::vector<Job>* jobs);
  void RunOne(const base::Context& ctx, Job* job);
  absl::Status Report(Job* job);
  void Strike(int weight, std::string_view why);

  Turn& turn_;
  ToolBox& tools_;
  const ToolMenu& menu_;
  const Frame& frame_;
  const type::v1::Scope& scope_;
  base::WorkerPool& pool_;
  const Mask mask_;
  const ToolRoundLimits limits_;

  std::map<std::string, int> seen_;  // canonical call -> times asked
  Evidence evidence_;
  std::vector<std::string> findings_;
  std::string last_tool_, last_json_;
  std::string stop_;
  WantedChange wanted_;
  bool tainted_ = false;
  int refused_changes_ = 0;
  int ran_ = 0;
  int strikes_ = 0;
};

}  // namespace opsmesh::llm
