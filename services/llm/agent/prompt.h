// What a model is told before the first question: our own system prompt, the history, the question.
// Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "libs/llm_provider/chat.h"
#include "libs/text/language.h"
#include "opsmesh/llm/v1/turn.pb.h"
#include "services/llm/agent/framing.h"

namespace opsmesh::llm {

/// The system prompt in `language`, for the frame's delimiter.
std::string SystemPrompt(text::Language language, const Frame& frame, const type::v1::Scope& scope,
                         absl::Time now);

struct PromptLimits {
  size_t history_bytes = 16 << 10;
  size_t attachment_bytes = 48 << 10;
};

/// System prompt, the newest messages of the history that fit, and the question with its attachment
/// framed as data. `mask` takes secrets out of everything that people and files said.
std::vector<llm_provider::Message> OpeningMessages(
    const v1::RunTurnRequest& request, std::string_view question, text::Language language,
    const Frame& frame, absl::Time now, const std::function<std::string(std::string_view)>& mask,
    const PromptLimits& limits);

}  // namespace opsmesh::llm
