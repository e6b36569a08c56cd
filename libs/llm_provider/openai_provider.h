// A provider that speaks OpenAI's chat completions: streamed or whole, over libs/http_client.
#pragma once

#include <memory>
#include <string>

#include "libs/base/clock.h"
#include "libs/http_client/http_client.h"
#include "libs/llm_provider/chat.h"
#include "libs/llm_provider/settings.h"

namespace opsmesh::llm_provider {

/// `http` and `clock` outlive the provider. A parameter the server refuses by name (stream_options,
/// temperature, tool_choice, max_tokens) is left out or renamed from then on and the request sent
/// once more.
std::unique_ptr<Provider> MakeOpenAiProvider(http_client::Client& http, const base::Clock& clock,
                                             ProviderSettings settings);

/// The body of a request as `dialect` wants it: for tests and traces.
std::string RequestBody(const ProviderSettings& settings, const Dialect& dialect,
                        const ChatRequest& request);

/// Where completions are posted.
std::string CompletionsUrl(const ProviderSettings& settings);

}  // namespace opsmesh::llm_provider
