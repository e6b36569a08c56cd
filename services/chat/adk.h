// Sessions and runs in the shapes of the Agent Development Kit's API server.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/context.h"
#include "libs/base/ids.h"
#include "opsmesh/chat/v1/adk.pb.h"
#include "services/chat/conversation.h"
#include "services/chat/store.h"

namespace opsmesh::chat {

/// Thread-safe. A session is owned by who opened it; another's is NOT_FOUND.
class Adk {
 public:
  /// Everything referred to must outlive it.
  Adk(Store& store, Conversation& conversation, const base::Clock& clock, base::IdSource& ids);

  v1::ListAppsResponse ListApps() const;
  /// Opens the session, or returns the one that exists as it is. `session_id` empty = a new UUID. A
  /// state whose only key is "state" is unwrapped: the documented client sends it wrapped.
  /// NOT_FOUND (APP_NOT_FOUND).
  absl::StatusOr<v1::AdkSession> Create(const base::Context& ctx, const std::string& app,
                                        const std::string& user, const std::string& session_id,
                                        const std::string& state);
  absl::StatusOr<v1::AdkSession> Get(const base::Context& ctx,
                                     const v1::GetAdkSessionRequest& request) const;
  absl::StatusOr<v1::ListAdkSessionsResponse> List(const base::Context& ctx,
                                                   const v1::ListAdkSessionsRequest& request) const;
  absl::Status Delete(const base::Context& ctx, const v1::DeleteAdkSessionRequest& request);

  /// Runs one turn; `write` gets each event for the caller as it happens (the user's message is
  /// kept, not sent). With `partial_text` pieces of the answer are sent before the event that
  /// repeats it whole.
  absl::Status Run(const base::Context& ctx, const v1::RunAdkRequest& request, bool partial_text,
                   const std::function<absl::Status(v1::AdkEvent)>& write);

 private:
  struct Target {
    std::string app, user, session;
  };
  absl::StatusOr<Target> Resolve(const base::Context& ctx, const v1::RunAdkRequest& request);
  absl::StatusOr<AdkSessionRecord> Load(const base::Context& ctx, const std::string& app,
                                        const std::string& user, const std::string& id) const;

  Store& store_;
  Conversation& conversation_;
  const base::Clock& clock_;
  base::IdSource& ids_;
};

}  // namespace opsmesh::chat
