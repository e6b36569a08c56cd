// What the chat service keeps: sessions with their messages, answers by idempotency key, and
// sessions in the shape of the Agent Development Kit. Every query takes the owner: nobody sees
// another's session, not even that it exists (T8).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace opsmesh::chat {

/// A conversation without its messages.
struct SessionInfo {
  std::string id;
  std::string title;
  absl::Time created;
  absl::Time updated;
  int64_t message_count = 0;
};

struct StoredMessage {
  int64_t sequence = 0;  // from 1
  std::string role;      // "user" or "assistant"
  std::string text;
  absl::Time time;
};

/// What the next turn needs of a session. A session that does not exist yet has neither.
struct SessionTail {
  std::string turn_state;
  std::vector<StoredMessage> messages;  // oldest first
};

/// A turn that is over.
struct FinishedTurn {
  std::string question;
  std::string answer;
  std::string turn_state;
  absl::Time time;
  std::string request_id;  // idempotency key; "" = none
  std::string response;    // serialized answer kept under the request id
};

/// A session in the shape of the Agent Development Kit.
struct AdkSessionRecord {
  std::string app;
  std::string user;
  std::string id;
  std::string state;                // JSON object
  std::vector<std::string> events;  // serialized AdkEvent, in order
  absl::Time updated;
};

/// Implementations are thread-safe. What a call stored survives a killed process and, with SQLite's
/// full synchronisation, a power loss, before the call returns. Errors are the storage's own.
class Store {
 public:
  virtual ~Store() = default;

  virtual absl::StatusOr<SessionTail> Tail(const std::string& owner, const std::string& id,
                                           int64_t max_messages) = 0;
  /// Adds question and answer in one step, opens the session when needed, and deletes the owner's
  /// least recently used session beyond `max_sessions`.
  virtual absl::Status AddTurn(const std::string& owner, const std::string& id,
                               const FinishedTurn& turn, int64_t max_sessions) = 0;
  /// The answer stored under an idempotency key; nullopt when there is none.
  virtual absl::StatusOr<std::optional<std::string>> FindAnswer(const std::string& owner,
                                                                const std::string& request_id) = 0;

  /// Last used first; `offset` sessions are left out.
  virtual absl::StatusOr<std::vector<SessionInfo>> List(const std::string& owner, int64_t limit,
                                                        int64_t offset) = 0;
  virtual absl::StatusOr<std::optional<SessionInfo>> Find(const std::string& owner,
                                                          const std::string& id) = 0;
  /// The newest `limit` messages, oldest first.
  virtual absl::StatusOr<std::vector<StoredMessage>> Messages(const std::string& owner,
                                                              const std::string& id,
                                                              int64_t limit) = 0;
  /// False when there was none.
  virtual absl::StatusOr<bool> Delete(const std::string& owner, const std::string& id) = 0;

  /// Opens a session; one that exists stays as it is.
  virtual absl::Status CreateAdk(const std::string& owner, const AdkSessionRecord& session) = 0;
  virtual absl::StatusOr<std::optional<AdkSessionRecord>> FindAdk(const std::string& owner,
                                                                  const std::string& app,
                                                                  const std::string& user,
                                                                  const std::string& id) = 0;
  /// Without events, ordered by id.
  virtual absl::StatusOr<std::vector<AdkSessionRecord>> ListAdk(const std::string& owner,
                                                                const std::string& app,
                                                                const std::string& user) = 0;
  /// Adds events and replaces the state.
  virtual absl::Status AppendAdk(const std::string& owner, const AdkSessionRecord& session) = 0;
  virtual absl::StatusOr<bool> DeleteAdk(const std::string& owner, const std::string& app,
                                         const std::string& user, const std::string& id) = 0;
};

/// Opens or makes `path`. `quarantined_path` is set when a corrupted file was moved aside; log it.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path,
                                                       std::string* quarantined_path);

}  // namespace opsmesh::chat
