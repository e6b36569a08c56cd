#include "services/llm/models.h"

namespace opsmesh::llm {
namespace {

struct KnownProvider {
  const char* name;
  std::initializer_list<const char*> models;
};

// The providers and models the documents name; which of them are current is a matter of configuration, not of this list.
const KnownProvider kProviders[] = {
    {"deepseek", {"deepseek-chat", "deepseek-coder", "deepseek-reasoner"}},
    {"qwen",
     {"qwen-plus", "qwen-turbo", "qwen-max", "qwen2.5-72b-instruct", "qwen2.5-coder-32b-instruct",
      "qwen2.5-math-72b-instruct"}},
    {"doubao",
     {"doubao-pro-4k", "doubao-pro-32k", "doubao-pro-128k", "doubao-lite-4k", "doubao-lite-32k", "doubao-pro-vision",
      "doubao-pro-search"}},
    {"vllm", {}},
    {"openai-compatible", {}},
    {"ollama", {"gemma3:latest"}},
};

}  // namespace

v1::ListModelsResponse KnownModels() {
  v1::ListModelsResponse response;
  response.set_current("deterministic");
  response.set_provider("deterministic");
  response.set_default_provider("deepseek");
  response.set_supports_tools(true);
  response.add_models("deterministic");
  auto* planner = response.add_providers();
  planner->set_name("deterministic");
  planner->set_configured(true);
  planner->add_models("deterministic");
  for (const KnownProvider& known : kProviders) {
    auto* provider = response.add_providers();
    provider->set_name(known.name);
    for (const char* model : known.models) {
      provider->add_models(model);
      response.add_models(model);
    }
  }
  return response;
}

v1::GetLlmStatusResponse Components() {
  v1::GetLlmStatusResponse response;
  const auto add = [&](const char* name, type::v1::ComponentStatus::State state, const char* message) {
    auto* component = response.add_components();
    component->set_name(name);
    component->set_state(state);
    component->set_message(message);
  };
  add("planner", type::v1::ComponentStatus::STATE_OK, "Answers in Chinese and English without an LLM.");
  add("llm", type::v1::ComponentStatus::STATE_DISABLED,
      "No LLM provider is in use in this version; the deterministic planner answers.");
  add("mcp_client", type::v1::ComponentStatus::STATE_DISABLED, "The MCP client is not built in this version.");
  add("knowledge_base", type::v1::ComponentStatus::STATE_DISABLED, "The knowledge index is not built in this version.");
  return response;
}

}  // namespace opsmesh::llm
