#include <algorithm>
#include <utility>

#include "libs/base/error.h"
#include "libs/base/strings.h"
#include "libs/storage/sqlite.h"
#include "services/chat/store.h"

namespace opsmesh::chat {
namespace {

using storage::Database;
using storage::Statement;

constexpr std::string_view kSchema1 = R"sql(
CREATE TABLE session (
  owner TEXT NOT NULL, id TEXT NOT NULL, title TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL,
  messages INTEGER NOT NULL, turn_state BLOB NOT NULL, PRIMARY KEY (owner, id)) WITHOUT ROWID;
CREATE INDEX session_by_use ON session (owner, updated DESC);
CREATE TABLE message (
  owner TEXT NOT NULL, session TEXT NOT NULL, sequence INTEGER NOT NULL, role TEXT NOT NULL, text TEXT NOT NULL,
  time INTEGER NOT NULL, PRIMARY KEY (owner, session, sequence),
  FOREIGN KEY (owner, session) REFERENCES session (owner, id) ON DELETE CASCADE) WITHOUT ROWID;
CREATE TABLE answer (
  owner TEXT NOT NULL, request_id TEXT NOT NULL, session TEXT NOT NULL, response BLOB NOT NULL,
  PRIMARY KEY (owner, request_id),
  FOREIGN KEY (owner, session) REFERENCES session (owner, id) ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX answer_by_session ON answer (owner, session);
CREATE TABLE adk_session (
  owner TEXT NOT NULL, app TEXT NOT NULL, user TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL,
  updated INTEGER NOT NULL, PRIMARY KEY (owner, app, user, id)) WITHOUT ROWID;
CREATE TABLE adk_event (
  owner TEXT NOT NULL, app TEXT NOT NULL, user TEXT NOT NULL, session TEXT NOT NULL, sequence INTEGER NOT NULL,
  event BLOB NOT NULL, PRIMARY KEY (owner, app, user, session, sequence),
  FOREIGN KEY (owner, app, user, session) REFERENCES adk_session (owner, app, user, id) ON DELETE CASCADE) WITHOUT ROWID;
)sql";

constexpr size_t kTitleBytes = 120;

int64_t Micros(absl::Time time) { return absl::ToUnixMicros(time); }
absl::Time FromMicros(int64_t micros) { return absl::FromUnixMicros(micros); }

SessionInfo ReadInfo(const Statement& row) {
  return {row.Text(0), row.Text(1), FromMicros(row.Int(2)), FromMicros(row.Int(3)), row.Int(4)};
}

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}

  absl::StatusOr<SessionTail> Tail(const std::string& owner, const std::string& id,
                                   int64_t max_messages) override {
    SessionTail tail;
    const absl::Status read = database_->Run([&](Database& db) {
      auto session = db.Prepare("SELECT turn_state FROM session WHERE owner = ? AND id = ?");
      session.Bind(owner).Bind(id);
      if (session.Step()) tail.turn_state = session.Text(0);
      OPSMESH_RETURN_IF_ERROR(session.status());
      return ReadMessages(db, owner, id, max_messages, &tail.messages);
    });
    OPSMESH_RETURN_IF_ERROR(read);
    return tail;
  }

  absl::Status AddTurn(const std::string& owner, const std::string& id, const FinishedTurn& turn,
                       int64_t max_sessions) override {
    return database_->Transaction([&](Database& db) {
      const std::string title(base::Utf8Prefix(turn.question, kTitleBytes));
      auto session = db.Prepare(
          "INSERT INTO session (owner, id, title, created, updated, messages, turn_state) VALUES "
          "(?1, ?2, ?3, ?4, ?4, 2, ?5) "
          "ON CONFLICT (owner, id) DO UPDATE SET updated = ?4, messages = messages + 2, turn_state "
          "= ?5");
      session.Bind(owner).Bind(id).Bind(title).Bind(Micros(turn.time)).BindBlob(turn.turn_state);
      OPSMESH_RETURN_IF_ERROR(session.Finish());
      OPSMESH_RETURN_IF_ERROR(AddMessage(db, owner, id, "user", turn.question, turn.time));
      OPSMESH_RETURN_IF_ERROR(AddMessage(db, owner, id, "assistant", turn.answer, turn.time));
      if (!turn.request_id.empty()) {
        auto answer = db.Prepare(
            "INSERT OR REPLACE INTO answer (owner, request_id, session, response) VALUES (?, ?, ?, "
            "?)");
        answer.Bind(owner).Bind(turn.request_id).Bind(id).BindBlob(turn.response);
        OPSMESH_RETURN_IF_ERROR(answer.Finish());
      }
      auto surplus = db.Prepare(
          "DELETE FROM session WHERE owner = ?1 AND id IN "
          "(SELECT id FROM session WHERE owner = ?1 ORDER BY updated DESC, id LIMIT -1 OFFSET ?2)");
      surplus.Bind(owner).Bind(max_sessions);
      return surplus.Finish();
    });
  }

  absl::StatusOr<std::optional<std::string>> FindAnswer(const std::string& owner,
                                                        const std::string& request_id) override {
    std::optional<std::string> found;
    OPSMESH_RETURN_IF_ERROR(database_->Run([&](Database& db) {
      auto answer = db.Prepare("SELECT response FROM answer WHERE owner = ? AND request_id = ?");
      answer.Bind(owner).Bind(request_id);
      if (answer.Step()) found = answer.Text(0);
      return answer.status();
    }));
    return found;
  }

  absl::StatusOr<std::vector<SessionInfo>> List(const std::string& owner, int64_t limit,
                                                int64_t offset) override {
    std::vector<SessionInfo> sessions;
    OPSMESH_RETURN_IF_ERROR(database_->Run([&](Database& db) {
      auto rows = db.Prepare(
          "SELECT id, title, created, updated, messages FROM session WHERE owner = ? ORDER BY "
          "updated DESC, id LIMIT ? OFFSET ?");
      rows.Bind(owner).Bind(limit).Bind(offset);
      while (rows.Step()) sessions.push_back(ReadInfo(rows));
      return rows.status();
    }));
    return sessions;
  }

  absl::StatusOr<std::optional<SessionInfo>> Find(const std::string& owner,
                                                  const std::string& id) override {
    std::optional<SessionInfo> found;
    OPSMESH_RETURN_IF_ERROR(database_->Run([&](Database& db) {
      auto row = db.Prepare(
          "SELECT id, title, created, updated, messages FROM session WHERE owner = ? AND id = ?");
      row.Bind(owner).Bind(id);
      if (row.Step()) found = ReadInfo(row);
      return row.status();
    }));
    return found;
  }

  absl::StatusOr<std::vector<StoredMessage>> Messages(const std::string& owner,
                                                      const std::string& id,
                                                      int64_t limit) override {
    std::vector<StoredMessage> messages;
    OPSMESH_RETURN_IF_ERROR(database_->Run(
        [&](Database& db) { return ReadMessages(db, owner, id, limit, &messages); }));
    return messages;
  }

  absl::StatusOr<bool> Delete(const std::string& owner, const std::string& id) override {
    bool deleted = false;
    const absl::Status done = database_->Transaction([&](Database& db) {
      auto gone = db.Prepare("DELETE FROM session WHERE owner = ? AND id = ?");
      gone.Bind(owner).Bind(id);
      OPSMESH_RETURN_IF_ERROR(gone.Finish());
      deleted = db.changes() > 0;
      return absl::OkStatus();
    });
    OPSMESH_RETURN_IF_ERROR(done);
    return deleted;
  }

  absl::Status CreateAdk(const std::string& owner, const AdkSessionRecord& session) override {
    return database_->Transaction([&](Database& db) {
      auto insert = db.Prepare(
          "INSERT OR IGNORE INTO adk_session (owner, app, user, id, state, updated) VALUES (?, ?, "
          "?, ?, ?, ?)");
      insert.Bind(owner)
          .Bind(session.app)
          .Bind(session.user)
          .Bind(session.id)
          .Bind(session.state)
          .Bind(Micros(session.updated));
      return insert.Finish();
    });
  }

  absl::StatusOr<std::optional<AdkSessionRecord>> FindAdk(const std::string& owner,
                                                          const std::string& app,
                                                          const std::string& user,
                                                          const std::string& id) override {
    std::optional<AdkSessionRecord> found;
    OPSMESH_RETURN_IF_ERROR(database_->Run([&](Database& db) {
      auto row = db.Prepare(
          "SELECT state, updated FROM adk_session WHERE owner = ? AND app = ? AND user = ? AND id "
          "= ?");
      row.Bind(owner).Bind(app).Bind(user).Bind(id);
      if (!row.Step()) return row.status();
      found = AdkSessionRecord{app, user, id, row.Text(0), {}, FromMicros(row.Int(1))};
      auto events = db.Prepare(
          "SELECT event FROM adk_event WHERE owner = ? AND app = ? AND user = ? AND session = ? "
          "ORDER BY sequence");
      events.Bind(owner).Bind(app).Bind(user).Bind(id);
      while (events.Step()) found->events.push_back(events.Text(0));
      return events.status();
    }));
    return found;
  }

  absl::StatusOr<std::vector<AdkSessionRecord>> ListAdk(const std::string& owner,
                                                        const std::string& app,
                                                        const std::string& user) override {
    std::vector<AdkSessionRecord> sessions;
    OPSMESH_RETURN_IF_ERROR(database_->Run([&](Database& db) {
      auto rows = db.Prepare(
          "SELECT id, state, updated FROM adk_session WHERE owner = ? AND app = ? AND user = ? "
          "ORDER BY id");
      rows.Bind(owner).Bind(app).Bind(user);
      while (rows.Step())
        sessions.push_back({app, user, rows.Text(0), rows.Text(1), {}, FromMicros(rows.Int(2))});
      return rows.status();
    }));
    return sessions;
  }

  absl::Status AppendAdk(const std::string& owner, const AdkSessionRecord& session) override {
    return database_->Transaction([&](Database& db) {
      auto update = db.Prepare(
          "UPDATE adk_session SET state = ?, updated = ? WHERE owner = ? AND app = ? AND user = ? "
          "AND id = ?");
      update.Bind(session.state)
          .Bind(Micros(session.updated))
          .Bind(owner)
          .Bind(session.app)
          .Bind(session.user)
          .Bind(session.id);
      OPSMESH_RETURN_IF_ERROR(update.Finish());
      for (const std::string& event : session.events) {
        auto insert = db.Prepare(
            "INSERT INTO adk_event (owner, app, user, session, sequence, event) VALUES (?1, ?2, "
            "?3, ?4, "
            "(SELECT COALESCE(MAX(sequence), 0) + 1 FROM adk_event WHERE owner = ?1 AND app = ?2 "
            "AND user = ?3 AND session = ?4), "
            "?5)");
        insert.Bind(owner).Bind(session.app).Bind(session.user).Bind(session.id).BindBlob(event);
        OPSMESH_RETURN_IF_ERROR(insert.Finish());
      }
      return absl::OkStatus();
    });
  }

  absl::StatusOr<bool> DeleteAdk(const std::string& owner, const std::string& app,
                                 const std::string& user, const std::string& id) override {
    bool deleted = false;
    const absl::Status done = database_->Transaction([&](Database& db) {
      auto gone =
          db.Prepare("DELETE FROM adk_session WHERE owner = ? AND app = ? AND user = ? AND id = ?");
      gone.Bind(owner).Bind(app).Bind(user).Bind(id);
      OPSMESH_RETURN_IF_ERROR(gone.Finish());
      deleted = db.changes() > 0;
      return absl::OkStatus();
    });
    OPSMESH_RETURN_IF_ERROR(done);
    return deleted;
  }

 private:
  static absl::Status AddMessage(Database& db, const std::string& owner, const std::string& id,
                                 const std::string& role, const std::string& text,
                                 absl::Time time) {
    auto insert = db.Prepare(
        "INSERT INTO message (owner, session, sequence, role, text, time) VALUES (?1, ?2, "
        "(SELECT COALESCE(MAX(sequence), 0) + 1 FROM message WHERE owner = ?1 AND session = ?2), "
        "?3, ?4, ?5)");
    insert.Bind(owner).Bind(id).Bind(role).Bind(text).Bind(Micros(time));
    return insert.Finish();
  }

  static absl::Status ReadMessages(Database& db, const std::string& owner, const std::string& id,
                                   int64_t limit, std::vector<StoredMessage>* messages) {
    auto rows = db.Prepare(
        "SELECT sequence, role, text, time FROM message WHERE owner = ? AND session = ? ORDER BY "
        "sequence DESC LIMIT ?");
    rows.Bind(owner).Bind(id).Bind(limit);
    while (rows.Step())
      messages->push_back({rows.Int(0), rows.Text(1), rows.Text(2), FromMicros(rows.Int(3))});
    std::reverse(messages->begin(), messages->end());
    return rows.status();
  }

  const std::unique_ptr<Database> database_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path,
                                                       std::string* quarantined_path) {
  storage::OpenReport report;
  OPSMESH_ASSIGN_OR_RETURN(std::unique_ptr<Database> database,
                           Database::Open({.path = path, .migrations = {kSchema1}}, &report));
  *quarantined_path = report.quarantined_path;
  return std::make_unique<SqliteStore>(std::move(database));
}

}  // namespace opsmesh::chat
