// Carries out the steps of a reading route and says what they found.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "opsmesh/type/v1/common.pb.h"
#include "services/llm/planner/intent.h"
#include "services/llm/planner/routes.h"
#include "services/llm/planner/toolbox.h"
#include "services/llm/planner/turn.h"
#include "services/llm/planner/turn_state.h"

namespace opsmesh::llm {

/// The tools of the mesh by name, once a turn.
class Catalogue {
 public:
  explicit Catalogue(k8s::v1::ListToolsResponse tools) : tools_(std::move(tools)) {}
  /// nullptr when the name is unknown. Aliases count.
  const k8s::v1::Tool* Find(std::string_view name) const;
  int available_count() const;

 private:
  k8s::v1::ListToolsResponse tools_;
};

struct ReadContext {
  ToolBox& tools;
  const Catalogue& catalogue;
  const type::v1::Scope& scope;
  absl::Duration window;  // of the question, zero = none
};

/// Runs `steps` and says their findings; sets the turn's outcome, the rows of `state` and its next
/// page. Errors only when the turn itself cannot go on (the client left, the deadline passed).
absl::Status RunSteps(Turn& turn, const ReadContext& read, const Intent& intent,
                      const std::vector<Step>& steps, TurnState* state);

/// What the rights of the user leave out, a line an entry of the ledger; "" when they leave out
/// nothing.
std::string RightsNote(const type::v1::Ledger& ledger, text::Language language);

/// Says what belongs to the answer and is not in it, from the turn's ledger: once, at the end.
absl::Status SayGaps(Turn& turn);

/// Asks the next page of the last answer.
absl::Status RunMore(Turn& turn, const ReadContext& read, TurnState* state);

/// Objects in the rows of a tool's result. Rows that do not say their kind are of the kind the tool
/// is named after
/// ("get_failed_kubernetes_pods").
std::vector<LinkedObject> RowsOf(std::string_view json, std::string_view tool);

}  // namespace opsmesh::llm
