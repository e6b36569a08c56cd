#include "services/chat/conversation.h"

#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "services/chat/session_id.h"

namespace opsmesh::chat {
namespace {

constexpr size_t kMaxQueryBytes = 64 << 10;
constexpr size_t kMaxAttachmentBytes = 512 << 10;
// A message of the history is cut to this: the next turn needs what was said, not a log of it.
constexpr size_t kHistoryMessageBytes = 8 << 10;

absl::Status CheckQuestion(const Question& question) {
  if (base::Trim(question.text).empty()) {
    return base::InvalidArgument("query", "QUERY_EMPTY", "There is no question.")
        .Hint("Ask something, for instance \"what is wrong in the cluster?\" or \"/help\".");
  }
  if (question.text.size() > kMaxQueryBytes) {
    return base::InvalidArgument("query", "QUERY_TOO_LONG",
                                 fmt::format("The question has {} bytes; at most {} are allowed.",
                                             question.text.size(), kMaxQueryBytes))
        .Hint("Send data as `attachment` and keep the question short.");
  }
  if (question.attachment.size() > kMaxAttachmentBytes) {
    return base::InvalidArgument("attachment", "ATTACHMENT_TOO_LARGE",
                                 fmt::format("The attachment has {} bytes; at most {} are allowed.",
                                             question.attachment.size(), kMaxAttachmentBytes))
        .Hint("Cut it to the part the question is about.");
  }
  return absl::OkStatus();
}

// Marks a session as busy for as long as it lives.
class BusyMark {
 public:
  using Set = std::set<std::pair<std::string, std::string>>;
  BusyMark(std::mutex& mutex, Set& set, std::pair<std::string, std::string> key)
      : mutex_(mutex), set_(set), key_(std::move(key)) {
    const std::lock_guard lock(mutex_);
    taken_ = set_.insert(key_).second;
  }
  BusyMark(const BusyMark&) = delete;
  BusyMark& operator=(const BusyMark&) = delete;
  ~BusyMark() {
    if (!taken_) return;
    const std::lock_guard lock(mutex_);
    set_.erase(key_);
  }
  bool taken() const { return taken_; }

 private:
  std::mutex& mutex_;
  Set& set_;
  const std::pair<std::string, std::string> key_;
  bool taken_ = false;
};

}  // namespace

Conversation::Conversation(Store& store, TurnRunner& turns, const base::Clock& clock,
                           base::IdSource& ids, Limits limits)
    : store_(store), turns_(turns), clock_(clock), ids_(ids), limits_(limits) {}

absl::StatusOr<std::string> Conversation::OpenSession(const std::optional<std::string>& wanted) {
  if (!wanted) return ids_.NewId("session_");
  OPSMESH_RETURN_IF_ERROR(CheckSessionId(*wanted));
  return *wanted;
}

absl::StatusOr<std::optional<std::string>> Conversation::Replay(const base::Context& ctx,
                                                                const std::string& request_id) {
  if (request_id.empty()) return std::optional<std::string>();
  return store_.FindAnswer(ctx.principal().id, request_id);
}

absl::StatusOr<llm::v1::RunTurnRequest> Conversation::TurnRequest(const base::Context& ctx,
                                                                  const Question& question) {
  OPSMESH_ASSIGN_OR_RETURN(SessionTail tail, store_.Tail(ctx.principal().id, question.session_id,
                                                         limits_.history_messages));
  llm::v1::RunTurnRequest request;
  request.set_query(question.text);
  request.set_session_id(question.session_id);
  *request.mutable_context() = question.scope;
  if (!tail.turn_state.empty()) request.set_turn_state(tail.turn_state);
  request.set_enable_tools(question.enable_tools);
  // What the person reads, for questions that show no language of their own ("/pods").
  if (!ctx.language().empty()) request.set_language(ctx.language());
  if (!question.attachment.empty()) request.set_attachment(question.attachment);
  for (const StoredMessage& message : tail.messages) {
    auto* turn = request.add_history();
    turn->set_role(message.role == "user" ? llm::v1::TurnMessage::ROLE_USER
                                          : llm::v1::TurnMessage::ROLE_ASSISTANT);
    turn->set_text(std::string(base::Utf8Prefix(message.text, kHistoryMessageBytes)));
  }
  return request;
}

absl::StatusOr<llm::v1::TurnDone> Conversation::Ask(const base::Context& ctx,
                                                    const Question& question,
                                                    const OnEvent& on_event, const Encode& encode) {
  OPSMESH_RETURN_IF_ERROR(CheckQuestion(question));
  const std::string& owner = ctx.principal().id;
  const BusyMark mark(mutex_, busy_, {owner, question.session_id});
  if (!mark.taken()) {
    return base::ResourceExhausted("SESSION_BUSY",
                                   "Another question of this session is still being answered.")
        .Hint("Wait for its answer, or ask in a session of its own.")
        .RetryAfter(absl::Seconds(1));
  }
  OPSMESH_ASSIGN_OR_RETURN(const llm::v1::RunTurnRequest request, TurnRequest(ctx, question));
  std::optional<llm::v1::TurnDone> done;
  OPSMESH_RETURN_IF_ERROR(
      turns_.Run(ctx, request, [&](llm::v1::RunTurnResponse& event) -> absl::Status {
        if (event.has_done()) {
          done = std::move(*event.mutable_done());
          return absl::OkStatus();
        }
        return on_event ? on_event(event) : absl::OkStatus();
      }));
  if (!done) {
    return base::Unavailable("TURN_INCOMPLETE",
                             "The answer broke off before it was finished, so it was not kept.")
        .Hint("Ask again.")
        .RetryAfter(absl::Seconds(1));
  }
  FinishedTurn turn{
      .question = question.text,
      .answer = done->response(),
      .turn_state = done->turn_state(),
      .time = clock_.Now(),
      .request_id = question.request_id,
      .response = encode && !question.request_id.empty() ? encode(*done) : std::string()};
  OPSMESH_RETURN_IF_ERROR(
      store_.AddTurn(owner, question.session_id, turn, limits_.max_sessions_per_owner));
  return *std::move(done);
}

}  // namespace opsmesh::chat
