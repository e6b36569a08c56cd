#include "services/chat/session_id.h"

#include <algorithm>

#include "libs/base/error.h"

namespace opsmesh::chat {
namespace {

constexpr size_t kMaxLength = 128;

bool IsAllowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == ':' || c == '-';
}

}  // namespace

absl::Status CheckSessionId(std::string_view id) {
  if (!id.empty() && id.size() <= kMaxLength && std::all_of(id.begin(), id.end(), IsAllowed))
    return absl::OkStatus();
  return base::InvalidArgument(
             "session_id", "SESSION_ID",
             "A session id has 1 to 128 characters out of letters, digits, '.', '_', ':' and '-'.")
      .Hint(
          "Leave session_id out to open a new session, or send the id an earlier answer carried.");
}

}  // namespace opsmesh::chat
