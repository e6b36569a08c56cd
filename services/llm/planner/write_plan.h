// Plans a change the person asked for. Reads what the plan rests on; changes nothing.
#pragma once

#include "absl/status/status.h"
#include "services/llm/planner/read_steps.h"

namespace opsmesh::llm {

/// Says the plan and puts the call into the turn's `planned_call`, or asks what is missing (which
/// object, how many replicas). `state` gets the open question.
absl::Status PlanWrite(Turn& turn, const ReadContext& read, Intent intent, TurnState* state);

}  // namespace opsmesh::llm
