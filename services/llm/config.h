// Settings of the llm service.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/config/source.h"
#include "libs/llm_provider/selection.h"

namespace opsmesh::llm {

struct LlmConfig {
  /// Zone of "today" in questions: an IANA name; "" = TZ, then UTC.
  absl::TimeZone zone = absl::UTCTimeZone();
  /// How long the list of tools is kept.
  absl::Duration tool_list_ttl = absl::Seconds(10);
  /// Providers in the order they are tried.
  llm_provider::Selection providers;

  /// All LLM calls of a turn together.
  absl::Duration timeout = absl::Seconds(120);
  /// Most rounds of tool calls of a turn.
  int max_iterations = 10;
  /// Most tokens of a turn, sent and received.
  int64_t token_budget = 200'000;
  /// Most tools a model is offered.
  int64_t max_tools = 24;
  /// Most bytes of one tool result, of the history and of data handed over that a model gets.
  int64_t max_tool_result_bytes = 8 << 10;
  int64_t max_history_bytes = 16 << 10;
  int64_t max_attachment_bytes = 48 << 10;
};

/// Reads the section `llm`. INVALID_ARGUMENT (CONFIG) with every problem.
absl::StatusOr<LlmConfig> LoadConfig(const config::Source& source);

}  // namespace opsmesh::llm
