// One question and its answer inside a session: the use case behind every door of the chat service.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"
#include "libs/base/ids.h"
#include "opsmesh/llm/v1/turn.pb.h"
#include "services/chat/store.h"

namespace opsmesh::chat {

/// Runs a turn somewhere (the llm service). Thread-safe.
class TurnRunner {
 public:
  virtual ~TurnRunner() = default;
  /// Calls `on_event` for each event on this thread; an error from it ends the turn with that
  /// error.
  virtual absl::Status Run(
      const base::Context& ctx, const llm::v1::RunTurnRequest& request,
      const std::function<absl::Status(llm::v1::RunTurnResponse&)>& on_event) = 0;
};

struct Question {
  std::string text;
  /// Key the session is stored under; see Conversation::OpenSession.
  std::string session_id;
  type::v1::Scope scope;
  bool enable_tools = true;
  std::string attachment;
  /// Idempotency key; "" = none.
  std::string request_id;
};

/// Asks and keeps. Thread-safe.
class Conversation {
 public:
  struct Limits {
    int64_t history_messages = 20;
    int64_t max_sessions_per_owner = 1000;
  };
  /// Everything referred to must outlive it.
  Conversation(Store& store, TurnRunner& turns, const base::Clock& clock, base::IdSource& ids,
               Limits limits);

  /// The id to go on with: the caller's own (checked), or a new unguessable one when there is none.
  absl::StatusOr<std::string> OpenSession(const std::optional<std::string>& wanted);

  using OnEvent = std::function<absl::Status(llm::v1::RunTurnResponse&)>;
  /// Makes the bytes that are kept under the idempotency key from the finished turn.
  using Encode = std::function<std::string(const llm::v1::TurnDone&)>;

  /// Runs one turn. Question and answer are stored before this returns and before anyone can be
  /// told that the turn is over: `on_event` gets every event but the last. Errors: INVALID_ARGUMENT
  /// (QUERY_EMPTY, QUERY_TOO_LONG, ATTACHMENT_TOO_LARGE), RESOURCE_EXHAUSTED (SESSION_BUSY),
  /// UNAVAILABLE (TURN_INCOMPLETE) and the turn's own.
  absl::StatusOr<llm::v1::TurnDone> Ask(const base::Context& ctx, const Question& question,
                                        const OnEvent& on_event, const Encode& encode = nullptr);

  /// The bytes kept under the caller's idempotency key.
  absl::StatusOr<std::optional<std::string>> Replay(const base::Context& ctx,
                                                    const std::string& request_id);

 private:
  absl::StatusOr<llm::v1::RunTurnRequest> TurnRequest(const base::Context& ctx,
                                                      const Question& question);

  Store& store_;
  TurnRunner& turns_;
  const base::Clock& clock_;
  base::IdSource& ids_;
  const Limits limits_;
  std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> busy_;  // (owner, session) with a running turn
};

}  // namespace opsmesh::chat
