// A language model for tests: speaks OpenAI's chat completions on a free port of 127.0.0.1, says
// what a script tells it, and misbehaves on demand (stalls, cuts, broken JSON, refusals).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nlohmann/json_fwd.hpp"

namespace opsmesh::testing {

/// One answer of the model.
struct LlmAnswer {
  enum class End {
    kFinish,  // the stream is closed as it should be
    kCut,     // the connection is torn down in the middle
    kStall,   // nothing more comes, the connection stays open
  };
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string content_type = "text/event-stream";
  /// Body, one chunk on the wire each.
  std::vector<std::string> pieces;
  End end = End::kFinish;
  /// True: not even the head is sent (with kStall).
  bool silent = false;

  /// Streams text; with usage, finish_reason and [DONE].
  static LlmAnswer Text(const std::vector<std::string>& deltas);
  /// Streams tool calls as (name, arguments), arguments in two pieces.
  static LlmAnswer Calls(const std::vector<std::pair<std::string, std::string>>& calls,
                         std::string_view text = "");
  /// Bytes as they are.
  static LlmAnswer Raw(std::string bytes, std::string content_type = "text/event-stream");
  /// A refusal with an error body.
  static LlmAnswer Error(int status, std::string_view message, std::string_view code = "");
  LlmAnswer&& With(std::string name, std::string value) &&;
  LlmAnswer&& Ending(End how) &&;
};

/// What it was asked.
struct LlmAsked {
  std::string path;  // with the query
  std::string authorization;
  std::string api_key_header;
  std::string body;
};

/// Thread-safe. The destructor ends what is open.
class FakeLlm {
 public:
  static absl::StatusOr<std::unique_ptr<FakeLlm>> Start();
  virtual ~FakeLlm() = default;

  /// "http://127.0.0.1:<port>/v1".
  virtual std::string base_url() const = 0;
  /// The next answers, in order. When none is left, the brain answers, else 500.
  virtual void Say(LlmAnswer answer) = 0;
  /// Answers from the request; called on the server's thread, must return at once.
  virtual void SetBrain(std::function<LlmAnswer(const nlohmann::json& request)> brain) = 0;
  virtual std::vector<LlmAsked> asked() const = 0;
  /// Waits until `count` clients left an answer that was stalled; false after `timeout`.
  virtual bool WaitForLeavers(int count, absl::Duration timeout) = 0;
};

/// What the last message with `role` says, "" when there is none.
std::string LastText(const nlohmann::json& request, std::string_view role);

}  // namespace opsmesh::testing
