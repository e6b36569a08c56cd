#include "services/chat/sessions.h"

#include <charconv>
#include <string>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/error.h"
#include "services/chat/session_id.h"

namespace opsmesh::chat {
namespace {

google::protobuf::Timestamp Stamp(absl::Time time) {
  return google::protobuf::util::TimeUtil::MillisecondsToTimestamp(absl::ToUnixMillis(time));
}

absl::StatusOr<int64_t> Limit(int32_t asked, int32_t usual, int32_t most, const char* field) {
  if (asked < 0 || asked > most) {
    return base::InvalidArgument(field, "OUT_OF_RANGE",
                                 fmt::format("{} must lie between 0 and {}.", field, most));
  }
  return asked == 0 ? usual : asked;
}

// A page token is the number of sessions before the page.
absl::StatusOr<int64_t> Offset(const std::string& token) {
  int64_t offset = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), offset);
  if (token.empty() || (error == std::errc() && end == token.data() + token.size() && offset >= 0))
    return offset;
  return base::InvalidArgument("page_token", "PAGE_TOKEN",
                               "The page token is not one that was handed out.")
      .Hint("Begin again without a token.");
}

absl::Status SessionNotFound(const std::string& id) {
  return base::NotFound("SESSION_NOT_FOUND", fmt::format("You have no session '{}'.", id))
      .Hint("GET /api/v1/sessions lists your sessions.");
}

void Fill(const SessionInfo& info, const std::string& owner, v1::Session* session) {
  session->set_session_id(info.id);
  session->set_owner(owner);
  session->set_title(info.title);
  *session->mutable_create_time() = Stamp(info.created);
  *session->mutable_update_time() = Stamp(info.updated);
  session->set_message_count(static_cast<int32_t>(info.message_count));
}

}  // namespace

absl::StatusOr<v1::ListSessionsResponse> ListSessions(Store& store, const base::Context& ctx,
                                                      const v1::ListSessionsRequest& request) {
  OPSMESH_ASSIGN_OR_RETURN(const int64_t limit, Limit(request.page_size(), 50, 500, "page_size"));
  OPSMESH_ASSIGN_OR_RETURN(const int64_t offset, Offset(request.page_token()));
  const std::string& owner = ctx.principal().id;
  OPSMESH_ASSIGN_OR_RETURN(auto sessions, store.List(owner, limit + 1, offset));
  v1::ListSessionsResponse response;
  if (static_cast<int64_t>(sessions.size()) > limit) {
    sessions.pop_back();
    response.set_next_page_token(std::to_string(offset + limit));
  }
  for (const SessionInfo& info : sessions) Fill(info, owner, response.add_sessions());
  return response;
}

absl::StatusOr<v1::GetSessionResponse> GetSession(Store& store, const base::Context& ctx,
                                                  const v1::GetSessionRequest& request) {
  OPSMESH_RETURN_IF_ERROR(CheckSessionId(request.session_id()));
  OPSMESH_ASSIGN_OR_RETURN(const int64_t limit,
                           Limit(request.max_messages(), 100, 1000, "max_messages"));
  const std::string& owner = ctx.principal().id;
  OPSMESH_ASSIGN_OR_RETURN(const auto info, store.Find(owner, request.session_id()));
  if (!info) return SessionNotFound(request.session_id());
  OPSMESH_ASSIGN_OR_RETURN(const auto messages, store.Messages(owner, request.session_id(), limit));
  v1::GetSessionResponse response;
  Fill(*info, owner, response.mutable_session());
  for (const StoredMessage& message : messages) {
    auto* out = response.add_messages();
    out->set_sequence(message.sequence);
    out->set_role(message.role);
    out->set_text(message.text);
    *out->mutable_time() = Stamp(message.time);
  }
  return response;
}

absl::StatusOr<v1::DeleteSessionResponse> DeleteSession(Store& store, const base::Context& ctx,
                                                        const v1::DeleteSessionRequest& request) {
  OPSMESH_RETURN_IF_ERROR(CheckSessionId(request.session_id()));
  OPSMESH_ASSIGN_OR_RETURN(const bool deleted,
                           store.Delete(ctx.principal().id, request.session_id()));
  if (!deleted) return SessionNotFound(request.session_id());
  return v1::DeleteSessionResponse();
}

}  // namespace opsmesh::chat
