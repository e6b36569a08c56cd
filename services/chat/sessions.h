// Reading and deleting one's own sessions.
#pragma once

#include "absl/status/statusor.h"
#include "libs/base/context.h"
#include "opsmesh/chat/v1/chat.pb.h"
#include "services/chat/store.h"

namespace opsmesh::chat {

absl::StatusOr<v1::ListSessionsResponse> ListSessions(Store& store, const base::Context& ctx,
                                                      const v1::ListSessionsRequest& request);
/// NOT_FOUND (SESSION_NOT_FOUND) for another's session as for none.
absl::StatusOr<v1::GetSessionResponse> GetSession(Store& store, const base::Context& ctx,
                                                  const v1::GetSessionRequest& request);
absl::StatusOr<v1::DeleteSessionResponse> DeleteSession(Store& store, const base::Context& ctx,
                                                        const v1::DeleteSessionRequest& request);

}  // namespace opsmesh::chat
