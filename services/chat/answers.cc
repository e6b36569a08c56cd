#include "services/chat/answers.h"

#include <optional>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/error.h"
#include "libs/base/strings.h"

namespace opsmesh::chat {
namespace {

using llm::v1::TurnDone;

// No event may be above 60 kB as JSON; ledger, facts and names get the rest.
constexpr size_t kMaxResponseJsonBytes = 40000;

google::protobuf::Timestamp Stamp(absl::Time time) {
  return google::protobuf::util::TimeUtil::SecondsToTimestamp(absl::ToUnixSeconds(time));
}

std::string_view OutcomeName(TurnDone::Outcome outcome) {
  switch (outcome) {
    case TurnDone::OUTCOME_ANSWERED:
      return "answered";
    case TurnDone::OUTCOME_CLARIFICATION:
      return "clarification";
    case TurnDone::OUTCOME_NEEDS_APPROVAL:
      return "needs_approval";
    case TurnDone::OUTCOME_BUDGET:
      return "budget";
    case TurnDone::OUTCOME_NOT_UNDERSTOOD:
      return "not_understood";
    case TurnDone::OUTCOME_UNIMPLEMENTED:
      return "unimplemented";
    case TurnDone::OUTCOME_FAILED:
      return "failed";
    default:
      return "unknown";
  }
}

template <typename Map>
void FillMetadata(const std::string& query, const TurnDone& done, absl::Time now, Map* metadata) {
  (*metadata)["query_length"] = std::to_string(query.size());
  (*metadata)["processed_at"] = base::Rfc3339(now);
  (*metadata)["provider"] = done.provider();
  (*metadata)["model"] = done.model();
  (*metadata)["language"] = done.language();
  (*metadata)["outcome"] = OutcomeName(done.outcome());
  std::vector<std::string> tools(done.tools().begin(), done.tools().end());
  (*metadata)["tools"] = base::Join(tools, ",");
  if (done.degraded_size() > 0) {
    (*metadata)["degraded"] = base::Join({done.degraded().begin(), done.degraded().end()}, " ");
  }
}

// A change that nothing can carry out yet is refused with its plan, never half done.
absl::Status RefuseChange(const TurnDone& done, const std::string& session_id) {
  if (done.outcome() != TurnDone::OUTCOME_NEEDS_APPROVAL) return absl::OkStatus();
  return base::Unimplemented("ACTION_GATE_NOT_BUILT", done.response())
      .Hint(
          "Nothing was changed. This version reads only; the action gate will take the plan as a "
          "proposal.")
      .With("session_id", session_id)
      .With("tool", done.planned_call().name())
      .With("arguments", done.planned_call().arguments().raw());
}

v1::ChatResponse ToResponse(const std::string& query, const std::string& session_id,
                            const TurnDone& done, absl::Time now) {
  v1::ChatResponse response;
  response.set_response(done.response());
  response.set_session_id(session_id);
  const bool failed = done.outcome() == TurnDone::OUTCOME_FAILED;
  response.set_status(failed ? "error" : "completed");
  if (failed) response.set_error(done.response());
  FillMetadata(query, done, now, response.mutable_metadata());
  *response.mutable_timestamp() = Stamp(now);
  *response.mutable_ledger() = done.ledger();
  *response.mutable_facts() = done.facts();
  *response.mutable_degraded() = done.degraded();
  return response;
}

template <typename Request>
Question ToQuestion(const Request& request, std::string session_id) {
  Question question;
  question.text = request.query();
  question.session_id = std::move(session_id);
  question.scope = request.context();
  question.attachment = request.attachment();
  question.request_id = request.request_id();
  return question;
}

template <typename Request>
std::optional<std::string> WantedSession(const Request& request) {
  // Documented clients send "" for "none yet".
  if (!request.has_session_id() || request.session_id().empty()) return std::nullopt;
  return request.session_id();
}

v1::ChatStreamResponse Started(const llm::v1::ToolCallStarted& call) {
  v1::ChatStreamResponse event;
  auto* tool = event.mutable_tool();
  tool->set_call_id(call.call_id());
  tool->set_name(call.name());
  tool->set_state("started");
  *tool->mutable_arguments() = call.arguments();
  return event;
}

v1::ChatStreamResponse Finished(const llm::v1::ToolCallFinished& call) {
  v1::ChatStreamResponse event;
  auto* tool = event.mutable_tool();
  tool->set_call_id(call.call_id());
  tool->set_name(call.name());
  tool->set_state(call.success() ? "succeeded" : "failed");
  tool->set_duration_ms(call.duration_ms());
  if (call.has_error()) tool->set_error(call.error());
  return event;
}

std::optional<v1::ChatStreamResponse> ToEvent(const llm::v1::RunTurnResponse& event) {
  if (event.has_tool_call()) return Started(event.tool_call());
  if (event.has_tool_result()) return Finished(event.tool_result());
  if (!event.has_text_delta() || event.text_delta().text().empty()) return std::nullopt;
  v1::ChatStreamResponse delta;
  delta.set_delta(event.text_delta().text());
  return delta;
}

v1::ChatStreamResponse LastEvent(const std::string& query, const std::string& session_id,
                                 const TurnDone& done, absl::Time now) {
  v1::ChatStreamResponse event;
  const std::string_view whole = done.response();
  const std::string_view shown = AsciiJsonPrefix(whole, kMaxResponseJsonBytes);
  event.set_response(std::string(shown));
  if (shown.size() < whole.size()) {
    event.set_response_truncated(true);
    event.set_response_url("/api/v1/sessions/" + session_id);
  }
  event.set_session_id(session_id);
  const bool failed = done.outcome() == TurnDone::OUTCOME_FAILED;
  event.set_status(failed ? "error" : "completed");
  if (failed) event.set_error(std::string(shown));
  event.set_done(true);
  FillMetadata(query, done, now, event.mutable_metadata());
  *event.mutable_timestamp() = Stamp(now);
  *event.mutable_ledger() = done.ledger();
  *event.mutable_degraded() = done.degraded();
  return event;
}

}  // namespace

absl::StatusOr<v1::ChatResponse> Answers::Chat(const base::Context& ctx,
                                               const v1::ChatRequest& request) {
  OPSMESH_ASSIGN_OR_RETURN(const auto kept, conversation_.Replay(ctx, request.request_id()));
  if (v1::ChatResponse replay; kept && replay.ParseFromString(*kept)) return replay;
  OPSMESH_ASSIGN_OR_RETURN(const std::string session_id,
                           conversation_.OpenSession(WantedSession(request)));
  v1::ChatResponse response;
  OPSMESH_ASSIGN_OR_RETURN(
      const TurnDone done,
      conversation_.Ask(ctx, ToQuestion(request, session_id), nullptr, [&](const TurnDone& over) {
        return ToResponse(request.query(), session_id, over, clock_.Now()).SerializeAsString();
      }));
  OPSMESH_RETURN_IF_ERROR(RefuseChange(done, session_id));
  return ToResponse(request.query(), session_id, done, clock_.Now());
}

absl::Status Answers::ChatStream(const base::Context& ctx, const v1::ChatStreamRequest& request,
                                 const std::function<absl::Status(v1::ChatStreamResponse)>& write) {
  OPSMESH_ASSIGN_OR_RETURN(const std::string session_id,
                           conversation_.OpenSession(WantedSession(request)));
  const auto on_event = [&](llm::v1::RunTurnResponse& event) -> absl::Status {
    std::optional<v1::ChatStreamResponse> out = ToEvent(event);
    if (!out) return absl::OkStatus();
    out->set_session_id(session_id);
    out->set_status("processing");
    out->set_done(false);
    return write(*std::move(out));
  };
  OPSMESH_ASSIGN_OR_RETURN(const TurnDone done,
                           conversation_.Ask(ctx, ToQuestion(request, session_id), on_event));
  OPSMESH_RETURN_IF_ERROR(RefuseChange(done, session_id));
  return write(LastEvent(request.query(), session_id, done, clock_.Now()));
}

absl::StatusOr<v1::SendMessageResponse> Answers::SendMessage(
    const base::Context& ctx, const v1::SendMessageRequest& request) {
  OPSMESH_ASSIGN_OR_RETURN(const std::string session_id,
                           conversation_.OpenSession(WantedSession(request)));
  Question question;
  question.text = request.message();
  question.session_id = session_id;
  question.enable_tools = !request.has_enable_tools() || request.enable_tools();
  OPSMESH_ASSIGN_OR_RETURN(const TurnDone done, conversation_.Ask(ctx, question, nullptr));
  OPSMESH_RETURN_IF_ERROR(RefuseChange(done, session_id));
  v1::SendMessageResponse response;
  response.set_response(done.response());
  response.set_success(done.outcome() != TurnDone::OUTCOME_FAILED);
  response.set_session_id(session_id);
  *response.mutable_tool_calls() = done.tools();
  *response.mutable_timestamp() = Stamp(clock_.Now());
  *response.mutable_ledger() = done.ledger();
  return response;
}

absl::StatusOr<v1::TestMessageResponse> Answers::TestMessage(
    const base::Context& ctx, const v1::TestMessageRequest& request) {
  v1::SendMessageRequest message;
  message.set_message(request.has_message() && !request.message().empty() ? request.message()
                                                                          : "/status");
  if (request.has_enable_tools()) message.set_enable_tools(request.enable_tools());
  const absl::Duration began = clock_.Steady();
  OPSMESH_ASSIGN_OR_RETURN(const v1::SendMessageResponse answer, SendMessage(ctx, message));
  v1::TestMessageResponse response;
  response.set_success(answer.success());
  response.set_response(answer.response());
  response.set_duration_ms(absl::ToDoubleMilliseconds(clock_.Steady() - began));
  response.set_session_id(answer.session_id());
  return response;
}

v1::ListShortcutsResponse Shortcuts() {
  struct Row {
    const char* command;
    const char* usage;
    const char* zh;
    const char* en;
    const char* example;
  };
  static constexpr Row kRows[] = {
      {"/pods", "/pods [namespace]", "列出 Pod，可指定命名空间",
       "lists pods, of one namespace if given", "/pods production"},
      {"/logs", "/logs <pod>", "查看 Pod 的日志；名称唯一时不必写命名空间",
       "shows a pod's log; the namespace is found when the name is unique",
       "/logs nginx-deployment-xxx"},
      {"/scale", "/scale <deployment> <replicas>", "扩缩容 Deployment：给出将要提交的变更方案",
       "plans scaling a deployment", "/scale nginx-deployment 3"},
      {"/status", "/status", "检查集群状态", "checks the cluster", "/status"},
      {"/help", "/help", "显示帮助", "shows what can be asked", "/help"},
  };
  v1::ListShortcutsResponse response;
  for (const Row& row : kRows) {
    auto* shortcut = response.add_shortcuts();
    shortcut->set_command(row.command);
    shortcut->set_usage(row.usage);
    shortcut->mutable_description()->set_zh(row.zh);
    shortcut->mutable_description()->set_en(row.en);
    shortcut->set_example(row.example);
  }
  return response;
}

namespace {

// Bytes of the character that begins at text[i]: in the text, and as ASCII JSON.
std::pair<size_t, size_t> CharacterSizes(std::string_view text, size_t i) {
  const auto byte = static_cast<unsigned char>(text[i]);
  if (byte < 0x20)
    return {1,
            byte == '\n' || byte == '\r' || byte == '\t' || byte == '\b' || byte == '\f' ? 2 : 6};
  if (byte == '"' || byte == '\\') return {1, 2};
  if (byte < 0x80) return {1, 1};
  if (byte < 0xE0) return {2, 6};
  if (byte < 0xF0) return {3, 6};
  return {4, 12};
}

}  // namespace

size_t AsciiJsonBytes(std::string_view text) {
  size_t total = 0;
  for (size_t i = 0; i < text.size();) {
    const auto [length, json] = CharacterSizes(text, i);
    total += json;
    i += length;
  }
  return total;
}

std::string_view AsciiJsonPrefix(std::string_view text, size_t limit) {
  size_t total = 0;
  for (size_t i = 0; i < text.size();) {
    const auto [length, json] = CharacterSizes(text, i);
    total += json;
    if (total > limit) return text.substr(0, i);
    i += length;
  }
  return text;
}

}  // namespace opsmesh::chat
