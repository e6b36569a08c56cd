// The doors of a conversation in the shapes of the documented APIs: /api/v1/chat,
// /api/v1/chat/stream, /chat, /api/test.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"
#include "opsmesh/chat/v1/chat.pb.h"
#include "services/chat/conversation.h"

namespace opsmesh::chat {

/// Thread-safe. A request that would change a cluster is answered UNIMPLEMENTED
/// (ACTION_GATE_NOT_BUILT) with the plan, after the turn was stored.
class Answers {
 public:
  /// Both must outlive it.
  Answers(Conversation& conversation, const base::Clock& clock)
      : conversation_(conversation), clock_(clock) {}

  absl::StatusOr<v1::ChatResponse> Chat(const base::Context& ctx, const v1::ChatRequest& request);
  /// `write` gets every event, the last one with done = true unless an error is returned.
  absl::Status ChatStream(const base::Context& ctx, const v1::ChatStreamRequest& request,
                          const std::function<absl::Status(v1::ChatStreamResponse)>& write);
  absl::StatusOr<v1::SendMessageResponse> SendMessage(const base::Context& ctx,
                                                      const v1::SendMessageRequest& request);
  absl::StatusOr<v1::TestMessageResponse> TestMessage(const base::Context& ctx,
                                                      const v1::TestMessageRequest& request);

 private:
  Conversation& conversation_;
  const base::Clock& clock_;
};

/// The quick commands, in the order of /help.
v1::ListShortcutsResponse Shortcuts();

/// Bytes of `text` inside a JSON string that is pure ASCII (\uXXXX for everything else).
size_t AsciiJsonBytes(std::string_view text);
/// The longest prefix of whole characters whose AsciiJsonBytes are at most `limit`.
std::string_view AsciiJsonPrefix(std::string_view text, size_t limit);

}  // namespace opsmesh::chat
