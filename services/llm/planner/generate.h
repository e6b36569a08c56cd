// Manifests from templates of ours, for "generate a deployment yaml" without an LLM. Pure.
#pragma once

#include <string>
#include <vector>

#include "services/llm/planner/intent.h"

namespace opsmesh::llm {

struct Generated {
  std::string yaml;                       // "" when there is no template for it
  std::vector<std::string> placeholders;  // what the person still has to fill in
};

/// A manifest for the kind the intent asks for (Deployment when it only says "yaml").
Generated GenerateManifest(const Intent& intent);

}  // namespace opsmesh::llm
