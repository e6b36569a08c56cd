// Builds one reply from the chunks of an OpenAI-style chat completion stream, or from a whole
// completion.
//
// Tool calls are put together by `index`, where that is missing by `id`, else they continue the
// last one; ids and names that are repeated are not doubled, and a new id under an old index begins
// a new call. Reasoning (reasoning_content, reasoning, a leading <think> block) is kept apart from
// the answer.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/llm_provider/chat.h"
#include "nlohmann/json_fwd.hpp"

namespace opsmesh::llm_provider {

struct DecoderLimits {
  /// Text, reasoning and arguments together.
  size_t max_reply_bytes = 1 << 20;
  size_t max_tool_calls = 128;
};

/// Splits a leading <think>...</think> from the text behind it, piece by piece. Small models write
/// their reasoning so.
class ThinkFilter {
 public:
  /// What of `piece` is answer; reasoning is appended to `reasoning`.
  std::string Push(std::string_view piece, std::string* reasoning);
  /// What was held back at the end.
  std::string Finish();

 private:
  enum class State { kStart, kInside, kText };
  State state_ = State::kStart;
  std::string held_;
};

/// Used by one thread, for one reply.
class StreamDecoder {
 public:
  /// `on_text` gets the answer's text as it comes and may be null.
  explicit StreamDecoder(OnText on_text, DecoderLimits limits = {});

  /// The data of one event. An error ends the reply: what `on_text` returned, LLM_MALFORMED,
  /// LLM_REPLY_TOO_LONG, LLM_CONTENT_FILTER; an error object of the provider becomes UPSTREAM_ERROR
  /// with its text in the metadata "body".
  absl::Status Chunk(std::string_view data);
  /// True when "[DONE]" came.
  bool done() const { return done_; }
  /// The reply, or LLM_INCOMPLETE when the stream ended before the model did, LLM_EMPTY when it
  /// said nothing.
  absl::StatusOr<ChatReply> Finish();

  /// A whole completion (`message` in place of `delta`).
  absl::StatusOr<ChatReply> Whole(std::string_view body);

 private:
  struct PendingCall {
    std::optional<int64_t> index;
    ToolCall call;
  };

  absl::Status Take(const nlohmann::json& chunk);
  absl::Status TakeDelta(const nlohmann::json& delta);
  absl::Status TakeText(std::string_view text);
  absl::Status TakeCall(const nlohmann::json& piece);
  PendingCall* FindCall(const nlohmann::json& piece, const std::string& id);
  absl::Status TakeFinish(const std::string& reason);
  absl::Status Emit(std::string text);
  absl::Status Count(size_t bytes);

  const OnText on_text_;
  const DecoderLimits limits_;
  ChatReply reply_;
  std::vector<PendingCall> calls_;
  ThinkFilter think_;
  size_t bytes_ = 0;
  bool finish_seen_ = false;
  bool done_ = false;
  bool damaged_ = false;  // ill-formed UTF-8 was replaced: good enough to read, not to act on
};

}  // namespace opsmesh::llm_provider
