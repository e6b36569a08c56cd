// A conversation with a language model as values: what is asked, what comes back, and the one
// interface behind which every provider stands.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/context.h"

namespace opsmesh::llm_provider {

enum class Role { kSystem, kUser, kAssistant, kTool };

/// A call the model wants made.
struct ToolCall {
  std::string id;
  std::string name;
  /// A JSON object as the model wrote it, whole but not checked against any schema; "{}" when it
  /// wrote nothing.
  std::string arguments;
};

struct Message {
  Role role = Role::kUser;
  std::string text;
  std::vector<ToolCall> tool_calls;  // of the assistant
  std::string tool_call_id;          // of a tool's answer
  /// The model's own reasoning. Never shown; sent back only to the provider that made it, where
  /// that one wants it.
  std::string reasoning;
  std::string reasoning_of;
};

struct ToolSchema {
  std::string name;  // [A-Za-z0-9_-]{1,64}
  std::string description;
  std::string parameters;  // JSON Schema of an object
};

struct ChatRequest {
  std::vector<Message> messages;
  std::vector<ToolSchema> tools;
  /// False asks for words only; the tools are still described, since earlier messages speak of
  /// them.
  bool may_call_tools = true;
  /// Most tokens of the answer; 0 = the provider's setting.
  int64_t max_tokens = 0;
};

/// Why the model stopped.
enum class Finish { kUnknown, kStop, kLength, kToolCalls, kOther };

struct Usage {
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  /// False when the provider reported nothing believable: the figures are zero then.
  bool reported = false;
};

/// A whole answer. A stream that broke off is never one.
struct ChatReply {
  std::string text;
  std::string reasoning;
  std::vector<ToolCall> tool_calls;
  Finish finish = Finish::kUnknown;
  Usage usage;
};

/// Gets the answer's text as it comes, in pieces of whole UTF-8 characters. An error ends the call
/// with it.
using OnText = std::function<absl::Status(std::string_view)>;

/// One model of one provider. Thread-safe.
///
/// Errors by reason. The provider's own fault, the same request may work elsewhere or later:
///   UNAVAILABLE (LLM_UNREACHABLE, LLM_OVERLOADED, LLM_INCOMPLETE, LLM_MALFORMED, LLM_EMPTY),
///   RESOURCE_EXHAUSTED (LLM_RATE_LIMITED, with retry_after where the provider said so),
///   DEADLINE_EXCEEDED (LLM_TIMEOUT);
/// configuration: UNAUTHENTICATED (LLM_KEY), PERMISSION_DENIED (LLM_DENIED), RESOURCE_EXHAUSTED
/// (LLM_QUOTA), NOT_FOUND
///   (LLM_MODEL);
/// the request: INVALID_ARGUMENT (LLM_CONTEXT_TOO_LONG, LLM_REFUSED_REQUEST,
/// LLM_TOOLS_UNSUPPORTED), FAILED_PRECONDITION
///   (LLM_CONTENT_FILTER), RESOURCE_EXHAUSTED (LLM_REPLY_TOO_LONG).
/// CANCELLED (CALLER_LEFT) and DEADLINE_EXCEEDED (DEADLINE) come from the context alone. No message
/// holds a key.
class Provider {
 public:
  virtual ~Provider() = default;
  virtual const std::string& name() const = 0;
  virtual const std::string& model() const = 0;
  virtual absl::StatusOr<ChatReply> Chat(const base::Context& ctx, const ChatRequest& request,
                                         const OnText& on_text) = 0;
};

}  // namespace opsmesh::llm_provider
