// Which models and providers there are, and how the service is.
#pragma once

#include "opsmesh/llm/v1/assistant.pb.h"

namespace opsmesh::llm {

/// Known models and providers; the planner is current while no LLM is configured.
v1::ListModelsResponse KnownModels();
/// The parts a status page shows.
v1::GetLlmStatusResponse Components();

}  // namespace opsmesh::llm
