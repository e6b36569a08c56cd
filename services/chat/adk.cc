#include "services/chat/adk.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "libs/base/error.h"
#include "libs/base/json.h"
#include "libs/base/strings.h"
#include "nlohmann/json.hpp"

namespace opsmesh::chat {
namespace {

using llm::v1::TurnDone;

constexpr std::array<std::string_view, 2> kApps = {"agent_root", "sre_agent"};
constexpr std::string_view kDefaultApp = "sre_agent";
constexpr std::string_view kDefaultUser = "test_user";
// Marks the session that a caller without ids comes back to.
constexpr std::string_view kAutoPrefix = "auto-";
constexpr size_t kMaxIdBytes = 256;
constexpr char kNoActions[] = R"({"stateDelta":{},"artifactDelta":{},"requestedAuthConfigs":{}})";

absl::Status CheckApp(const std::string& app) {
  if (std::find(kApps.begin(), kApps.end(), app) != kApps.end()) return absl::OkStatus();
  return base::NotFound("APP_NOT_FOUND", fmt::format("There is no app '{}'.",
                                                     base::SanitizeUtf8(base::Utf8Prefix(app, 64))))
      .Hint("GET /list-apps names the apps: agent_root, sre_agent.");
}

absl::Status CheckId(const std::string& id, const char* field) {
  const bool control = std::any_of(id.begin(), id.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (!id.empty() && id.size() <= kMaxIdBytes && !control) return absl::OkStatus();
  return base::InvalidArgument(
      field, "ADK_ID",
      fmt::format("{} must have 1 to {} bytes and no control characters.", field, kMaxIdBytes));
}

// The state as it is kept: an object, unwrapped when its only key is "state".
absl::StatusOr<std::string> NormalState(const std::string& raw) {
  if (base::Trim(raw).empty() || raw == "null") return std::string("{}");
  OPSMESH_ASSIGN_OR_RETURN(nlohmann::json state, base::ParseJson(raw));
  if (!state.is_object()) {
    return base::InvalidArgument("state", "STATE_NOT_AN_OBJECT", "The state must be a JSON object.")
        .Hint(R"(Send for instance {"state":{"key1":"value1"}}.)");
  }
  if (state.size() == 1 && state.begin().key() == "state" && state.begin()->is_object()) {
    nlohmann::json inner = state.begin().value();
    state = std::move(inner);
  }
  return base::DumpJson(state);
}

v1::AdkSession ToSession(const AdkSessionRecord& record) {
  v1::AdkSession session;
  session.set_id(record.id);
  session.set_app_name(record.app);
  session.set_user_id(record.user);
  session.mutable_state()->set_raw(record.state);
  session.set_last_update_time(absl::ToDoubleSeconds(record.updated - absl::UnixEpoch()));
  for (const std::string& bytes : record.events) session.add_events()->ParseFromString(bytes);
  return session;
}

// Makes the events of one run.
class EventMaker {
 public:
  EventMaker(const base::Clock& clock, base::IdSource& ids, std::string author)
      : clock_(clock), ids_(ids), invocation_(ids.NewId("e-")), author_(std::move(author)) {}

  v1::AdkEvent UserText(const v1::AdkContent& content) {
    v1::AdkEvent event = New("user");
    *event.mutable_content() = content;
    event.mutable_content()->set_role("user");
    return event;
  }
  v1::AdkEvent Call(const llm::v1::ToolCallStarted& call) {
    v1::AdkEvent event = New(author_);
    event.mutable_content()->set_role("model");
    auto* function = event.mutable_content()->add_parts()->mutable_function_call();
    function->set_id(call.call_id());
    function->set_name(call.name());
    *function->mutable_args() = call.arguments();
    if (function->args().raw().empty()) function->mutable_args()->set_raw("{}");
    return event;
  }
  v1::AdkEvent Result(const llm::v1::ToolCallFinished& call) {
    v1::AdkEvent event = New(author_);
    event.mutable_content()->set_role("user");
    auto* function = event.mutable_content()->add_parts()->mutable_function_response();
    function->set_id(call.call_id());
    function->set_name(call.name());
    function->mutable_response()->set_raw(Payload(call));
    return event;
  }
  v1::AdkEvent Text(const std::string& text, bool partial) {
    v1::AdkEvent event = New(author_);
    event.mutable_content()->set_role("model");
    event.mutable_content()->add_parts()->set_text(text);
    if (partial) event.set_partial(true);
    return event;
  }

 private:
  v1::AdkEvent New(std::string_view author) {
    v1::AdkEvent event;
    event.set_id(ids_.NewUuid());
    event.set_invocation_id(invocation_);
    event.set_author(std::string(author));
    event.set_timestamp(absl::ToDoubleSeconds(clock_.Now() - absl::UnixEpoch()));
    event.mutable_actions()->set_raw(kNoActions);
    return event;
  }

  static std::string Payload(const llm::v1::ToolCallFinished& call) {
    nlohmann::json response = nlohmann::json::object();
    if (!call.success()) {
      response["error"] = call.error();
    } else if (call.has_result()) {
      const auto result = base::ParseJson(call.result().raw());
      response["result"] = result.ok() ? *result : nlohmann::json();
    } else {
      // Too large to carry: the facts say what the answer uses of it.
      for (const auto& fact : call.facts()) response["facts"][fact.key()] = fact.value();
    }
    return base::DumpJson(response);
  }

  const base::Clock& clock_;
  base::IdSource& ids_;
  const std::string invocation_;
  const std::string author_;
};

std::string TextOf(const v1::AdkContent& content) {
  std::string text;
  for (const auto& part : content.parts()) {
    if (!part.has_text()) continue;
    if (!text.empty()) text += '\n';
    text += part.text();
  }
  return text;
}

// The state after `delta`: its keys replace, null removes.
absl::StatusOr<std::string> WithDelta(const std::string& state, const std::string& delta) {
  if (delta.empty()) return state;
  OPSMESH_ASSIGN_OR_RETURN(nlohmann::json merged, base::ParseJson(state));
  OPSMESH_ASSIGN_OR_RETURN(const nlohmann::json changes, base::ParseJson(delta));
  if (!changes.is_object())
    return base::InvalidArgument("state_delta", "STATE_NOT_AN_OBJECT",
                                 "The state delta must be a JSON object.");
  merged.merge_patch(changes);
  return base::DumpJson(merged);
}

// The conversation behind an ADK session. "/" cannot be in a caller's chat session id, so the two
// never meet.
std::string ConversationKey(const std::string& app, const std::string& user,
                            const std::string& session) {
  return "adk/" + app + "/" + base::PercentEncode(user) + "/" + base::PercentEncode(session);
}

}  // namespace

Adk::Adk(Store& store, Conversation& conversation, const base::Clock& clock, base::IdSource& ids)
    : store_(store), conversation_(conversation), clock_(clock), ids_(ids) {}

v1::ListAppsResponse Adk::ListApps() const {
  v1::ListAppsResponse response;
  for (const std::string_view app : kApps) response.add_apps(std::string(app));
  return response;
}

absl::StatusOr<AdkSessionRecord> Adk::Load(const base::Context& ctx, const std::string& app,
                                           const std::string& user, const std::string& id) const {
  OPSMESH_ASSIGN_OR_RETURN(std::optional<AdkSessionRecord> found,
                           store_.FindAdk(ctx.principal().id, app, user, id));
  if (!found) {
    return base::NotFound("SESSION_NOT_FOUND",
                          fmt::format("Session not found: {}", id));  // ADK's own sentence
  }
  return *std::move(found);
}

absl::StatusOr<v1::AdkSession> Adk::Create(const base::Context& ctx, const std::string& app,
                                           const std::string& user, const std::string& session_id,
                                           const std::string& state) {
  OPSMESH_RETURN_IF_ERROR(CheckApp(app));
  OPSMESH_RETURN_IF_ERROR(CheckId(user, "user_id"));
  const std::string id = session_id.empty() ? ids_.NewUuid() : session_id;
  OPSMESH_RETURN_IF_ERROR(CheckId(id, "session_id"));
  OPSMESH_ASSIGN_OR_RETURN(std::string normal, NormalState(state));
  OPSMESH_RETURN_IF_ERROR(
      store_.CreateAdk(ctx.principal().id, {app, user, id, std::move(normal), {}, clock_.Now()}));
  OPSMESH_ASSIGN_OR_RETURN(const AdkSessionRecord record, Load(ctx, app, user, id));
  return ToSession(record);
}

absl::StatusOr<v1::AdkSession> Adk::Get(const base::Context& ctx,
                                        const v1::GetAdkSessionRequest& request) const {
  OPSMESH_ASSIGN_OR_RETURN(const AdkSessionRecord record,
                           Load(ctx, request.app_name(), request.user_id(), request.session_id()));
  return ToSession(record);
}

absl::StatusOr<v1::ListAdkSessionsResponse> Adk::List(
    const base::Context& ctx, const v1::ListAdkSessionsRequest& request) const {
  OPSMESH_RETURN_IF_ERROR(CheckApp(request.app_name()));
  OPSMESH_ASSIGN_OR_RETURN(
      const auto records,
      store_.ListAdk(ctx.principal().id, request.app_name(), request.user_id()));
  v1::ListAdkSessionsResponse response;
  for (const AdkSessionRecord& record : records) *response.add_sessions() = ToSession(record);
  return response;
}

absl::Status Adk::Delete(const base::Context& ctx, const v1::DeleteAdkSessionRequest& request) {
  const std::string& owner = ctx.principal().id;
  OPSMESH_RETURN_IF_ERROR(
      store_.DeleteAdk(owner, request.app_name(), request.user_id(), request.session_id())
          .status());
  return store_
      .Delete(owner, ConversationKey(request.app_name(), request.user_id(), request.session_id()))
      .status();
}

absl::StatusOr<Adk::Target> Adk::Resolve(const base::Context& ctx,
                                         const v1::RunAdkRequest& request) {
  Target target{request.has_app_name() ? request.app_name() : std::string(kDefaultApp),
                request.has_user_id() ? request.user_id() : std::string(kDefaultUser),
                request.session_id()};
  if (target.session.empty()) {
    OPSMESH_ASSIGN_OR_RETURN(const auto sessions,
                             store_.ListAdk(ctx.principal().id, target.app, target.user));
    for (const AdkSessionRecord& session : sessions) {
      if (session.id.starts_with(kAutoPrefix)) target.session = session.id;
    }
    if (target.session.empty()) target.session = std::string(kAutoPrefix) + ids_.NewUuid();
  }
  OPSMESH_RETURN_IF_ERROR(Create(ctx, target.app, target.user, target.session, "").status());
  return target;
}

absl::Status Adk::Run(const base::Context& ctx, const v1::RunAdkRequest& request, bool partial_text,
                      const std::function<absl::Status(v1::AdkEvent)>& write) {
  OPSMESH_ASSIGN_OR_RETURN(const Target target, Resolve(ctx, request));
  OPSMESH_ASSIGN_OR_RETURN(AdkSessionRecord record,
                           Load(ctx, target.app, target.user, target.session));
  OPSMESH_ASSIGN_OR_RETURN(record.state, WithDelta(record.state, request.state_delta().raw()));

  EventMaker make(clock_, ids_, target.app);
  record.events = {make.UserText(request.new_message()).SerializeAsString()};
  const auto keep_and_write = [&](v1::AdkEvent event) {
    record.events.push_back(event.SerializeAsString());
    return write(std::move(event));
  };
  Question question;
  question.text = TextOf(request.new_message());
  question.session_id = ConversationKey(target.app, target.user, target.session);
  const absl::StatusOr<TurnDone> done =
      conversation_.Ask(ctx, question, [&](llm::v1::RunTurnResponse& event) -> absl::Status {
        if (event.has_tool_call()) return keep_and_write(make.Call(event.tool_call()));
        if (event.has_tool_result()) return keep_and_write(make.Result(event.tool_result()));
        if (partial_text && event.has_text_delta())
          return write(make.Text(event.text_delta().text(), /*partial=*/true));
        return absl::OkStatus();
      });
  OPSMESH_RETURN_IF_ERROR(done.status());
  v1::AdkEvent last = make.Text(done->response(), /*partial=*/false);
  record.events.push_back(last.SerializeAsString());
  record.updated = clock_.Now();
  OPSMESH_RETURN_IF_ERROR(store_.AppendAdk(ctx.principal().id, record));
  return write(std::move(last));
}

}  // namespace opsmesh::chat
