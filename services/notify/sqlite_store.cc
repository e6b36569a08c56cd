#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "fmt/core.h"
#include "libs/base/error.h"
#include "libs/storage/sqlite.h"
#include "services/notify/store.h"

namespace opsmesh::notify {
namespace {

using storage::Database;
using storage::Statement;

constexpr std::string_view kSchema1 = R"sql(
CREATE TABLE letter (
  id TEXT PRIMARY KEY, type TEXT NOT NULL, urgency TEXT NOT NULL, namespace TEXT NOT NULL, severity INTEGER NOT NULL,
  content BLOB NOT NULL, language TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE delivery (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, letter TEXT NOT NULL REFERENCES letter (id) ON DELETE CASCADE,
  lane TEXT NOT NULL, state INTEGER NOT NULL, reply_url TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0, next_attempt INTEGER NOT NULL, queued INTEGER NOT NULL, updated INTEGER NOT NULL,
  error TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', platform_id TEXT NOT NULL DEFAULT '',
  fold_key TEXT NOT NULL, fold_until INTEGER NOT NULL, fold_count INTEGER NOT NULL DEFAULT 1,
  repeats INTEGER NOT NULL DEFAULT 0, is_repeat_notice INTEGER NOT NULL DEFAULT 0, UNIQUE (letter, lane));
CREATE INDEX delivery_waiting ON delivery (lane, sequence) WHERE state IN (1, 2, 3);
CREATE INDEX delivery_dead ON delivery (sequence) WHERE state = 6;
CREATE INDEX delivery_fold ON delivery (lane, fold_key, fold_until) WHERE fold_key <> '' AND state <> 5;
CREATE INDEX delivery_repeats ON delivery (fold_until) WHERE repeats > 0;
CREATE INDEX delivery_updated ON delivery (state, updated);
CREATE INDEX delivery_tried ON delivery (lane, updated) WHERE attempts > 0;
CREATE TABLE request (
  caller TEXT NOT NULL, id TEXT NOT NULL, digest TEXT NOT NULL, letter TEXT NOT NULL, answer BLOB NOT NULL,
  created INTEGER NOT NULL, PRIMARY KEY (caller, id)) WITHOUT ROWID;
CREATE INDEX request_created ON request (created);
CREATE TABLE wire (lane TEXT NOT NULL, time INTEGER NOT NULL);
CREATE INDEX wire_by_lane ON wire (lane, time);
)sql";

constexpr std::string_view kColumns =
    "d.sequence, d.lane, d.state, d.reply_url, d.attempts, d.tries, d.next_attempt, d.queued, "
    "d.updated, d.error, d.reason, "
    "d.platform_id, d.fold_count, d.is_repeat_notice, l.id, l.type, l.urgency, l.namespace, "
    "l.severity, l.content, "
    "l.language, l.created FROM delivery d JOIN letter l ON l.id = d.letter";

/// Rate limits look back this far; older wire times are of no use.
constexpr absl::Duration kWireMemory = absl::Minutes(15);

int64_t Micros(absl::Time time) { return absl::ToUnixMicros(time); }
absl::Time FromMicros(int64_t micros) { return absl::FromUnixMicros(micros); }

Delivery ReadDelivery(const Statement& row) {
  Delivery d;
  d.sequence = row.Int(0);
  d.lane = row.Text(1);
  d.state = static_cast<State>(row.Int(2));
  d.reply_url = row.Text(3);
  d.attempts = row.Int(4);
  d.tries = row.Int(5);
  d.next_attempt = FromMicros(row.Int(6));
  d.queued = FromMicros(row.Int(7));
  d.updated = FromMicros(row.Int(8));
  d.error = row.Text(9);
  d.reason = row.Text(10);
  d.platform_message_id = row.Text(11);
  d.fold_count = row.Int(12);
  d.is_repeat_notice = row.Int(13) != 0;
  d.letter.message_id = row.Text(14);
  d.letter.type = row.Text(15);
  d.letter.urgency = row.Text(16);
  d.letter.name_space = row.Text(17);
  d.letter.severity = static_cast<v1::Severity>(row.Int(18));
  d.letter.content.ParseFromString(row.Text(19));
  d.letter.language = row.Text(20);
  d.letter.created = FromMicros(row.Int(21));
  d.idempotency_key = fmt::format("{}.{}", d.letter.message_id, d.sequence);
  return d;
}

absl::Status InsertLetter(Database& db, const Letter& letter) {
  return db
      .Prepare(
          "INSERT INTO letter (id, type, urgency, namespace, severity, content, language, created) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .Bind(letter.message_id)
      .Bind(letter.type)
      .Bind(letter.urgency)
      .Bind(letter.name_space)
      .Bind(static_cast<int64_t>(letter.severity))
      .BindBlob(letter.content.SerializeAsString())
      .Bind(letter.language)
      .Bind(Micros(letter.created))
      .Finish();
}

/// A new row of `delivery`.
struct Row {
  const Letter& letter;
  const Address& address;
  State state = State::kQueued;
  std::string fold_key;
  absl::Time fold_until;
  int64_t fold_count = 1;
  bool is_repeat_notice = false;
};

absl::Status InsertDelivery(Database& db, const Row& row) {
  const int64_t now = Micros(row.letter.created);
  return db
      .Prepare(
          "INSERT INTO delivery (letter, lane, state, reply_url, next_attempt, queued, updated, "
          "fold_key, "
          "fold_until, fold_count, is_repeat_notice) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5, ?6, ?7, "
          "?8, ?9)")
      .Bind(row.letter.message_id)
      .Bind(row.address.lane)
      .Bind(static_cast<int64_t>(row.state))
      .Bind(row.address.reply_url)
      .Bind(now)
      .Bind(row.fold_key)
      .Bind(Micros(row.fold_until))
      .Bind(row.fold_count)
      .Bind(int64_t{row.is_repeat_notice ? 1 : 0})
      .Finish();
}

absl::StatusOr<int64_t> CountOf(Statement&& query) {
  int64_t count = 0;
  if (query.Step()) count = query.Int(0);
  OPSMESH_RETURN_IF_ERROR(query.status());
  return count;
}

absl::StatusOr<int64_t> Waiting(Database& db) {
  return CountOf(db.Prepare("SELECT COUNT(*) FROM delivery WHERE state IN (1, 2, 3)"));
}

/// Holds the lock that makes this process the one that delivers.
class Leadership {
 public:
  explicit Leadership(std::string path) : path_(std::move(path)) {}
  ~Leadership() {
    if (fd_ >= 0) close(fd_);
  }
  bool Try() {
    if (held_ || path_.empty()) return true;
    if (fd_ < 0) fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    held_ = fd_ >= 0 && flock(fd_, LOCK_EX | LOCK_NB) == 0;
    return held_;
  }

 private:
  const std::string path_;
  int fd_ = -1;
  bool held_ = false;
};

class SqliteStore final : public Store {
 public:
  SqliteStore(std::unique_ptr<Database> database, const std::string& path)
      : database_(std::move(database)), leadership_(path == ":memory:" ? "" : path + ".lock") {}

  absl::StatusOr<Accepted> Accept(const Incoming& in) override {
    Accepted accepted{.message_id = in.letter.message_id};
    const absl::Status done = database_->Transaction([&](Database& db) {
      if (!in.request_id.empty()) {
        OPSMESH_RETURN_IF_ERROR(CheckRequest(db, in, &accepted));
        if (accepted.seen_before) return absl::OkStatus();
      }
      OPSMESH_ASSIGN_OR_RETURN(const int64_t waiting, Waiting(db));
      if (in.max_waiting > 0 &&
          waiting + static_cast<int64_t>(in.addresses.size()) > in.max_waiting) {
        return absl::Status(
            base::ResourceExhausted(
                "OUTBOX_FULL", fmt::format("{} messages wait already; no more are taken.", waiting))
                .Hint("GET /api/v1/notify/status shows which channel is stuck; try again when it "
                      "is not.")
                .RetryAfter(absl::Seconds(30)));
      }
      OPSMESH_RETURN_IF_ERROR(InsertLetter(db, in.letter));
      for (const Address& address : in.addresses) OPSMESH_RETURN_IF_ERROR(Enqueue(db, in, address));
      if (in.request_id.empty()) return absl::OkStatus();
      return db
          .Prepare(
              "INSERT INTO request (caller, id, digest, letter, answer, created) VALUES (?, ?, ?, "
              "?, '', ?)")
          .Bind(in.caller)
          .Bind(in.request_id)
          .Bind(in.request_digest)
          .Bind(in.letter.message_id)
          .Bind(Micros(in.letter.created))
          .Finish();
    });
    if (!done.ok()) return done;
    return accepted;
  }

  absl::StatusOr<std::vector<std::string>> WaitingLanes() override {
    std::vector<std::string> lanes;
    const absl::Status done = database_->Run([&](Database& db) {
      auto rows = db.Prepare(
          "SELECT lane, MIN(sequence) FROM delivery WHERE state IN (1, 2, 3) AND state = 1 "
          "GROUP BY lane ORDER BY 2");
      while (rows.Step()) lanes.push_back(rows.Text(0));
      return rows.status();
    });
    if (!done.ok()) return done;
    return lanes;
  }

  absl::StatusOr<std::optional<Delivery>> Head(const std::string& lane) override {
    return One(fmt::format("SELECT {} WHERE d.state IN (1, 2, 3) AND d.state = 1 AND d.lane = ? "
                           "ORDER BY d.sequence LIMIT 1",
                           kColumns),
               [&](Statement& query) { query.Bind(lane); });
  }

  absl::StatusOr<Delivery> BeginAttempt(int64_t sequence, absl::Time now) override {
    std::optional<Delivery> begun;
    const absl::Status done = database_->Transaction([&](Database& db) {
      auto update = db.Prepare(
          "UPDATE delivery SET state = 2, attempts = attempts + 1, repeats = 0, updated = ?2 "
          "WHERE sequence = ?1 AND state = 1");
      update.Bind(sequence).Bind(Micros(now));
      OPSMESH_RETURN_IF_ERROR(update.Finish());
      if (db.changes() == 0) return absl::Status(NotQueued(sequence));
      auto query = db.Prepare(fmt::format("SELECT {} WHERE d.sequence = ?", kColumns));
      query.Bind(sequence);
      if (query.Step()) begun = ReadDelivery(query);
      return query.status();
    });
    if (!done.ok()) return done;
    if (!begun.has_value()) return absl::Status(NotQueued(sequence));
    return *std::move(begun);
  }

  absl::Status MarkOnWire(int64_t sequence, absl::Time now) override {
    return database_->Transaction([&](Database& db) {
      auto update = db.Prepare(
          "UPDATE delivery SET state = 3, updated = ?2 WHERE sequence = ?1 AND state = 2");
      update.Bind(sequence).Bind(Micros(now));
      OPSMESH_RETURN_IF_ERROR(update.Finish());
      if (db.changes() == 0) {
        return absl::Status(
            base::FailedPrecondition("NOT_PREPARING", "The delivery is no longer being prepared."));
      }
      return db
          .Prepare(
              "INSERT INTO wire (lane, time) SELECT lane, ?2 FROM delivery WHERE sequence = ?1")
          .Bind(sequence)
          .Bind(Micros(now))
          .Finish();
    });
  }

  absl::Status EndAttempt(int64_t sequence, const Outcome& outcome, absl::Time now) override {
    return database_->Transaction([&](Database& db) {
      return db
          .Prepare(
              "UPDATE delivery SET state = ?2, reason = ?3, error = ?4, platform_id = ?5, "
              "next_attempt = ?6, "
              "tries = tries + ?7, updated = ?8 WHERE sequence = ?1 AND state IN (2, 3)")
          .Bind(sequence)
          .Bind(static_cast<int64_t>(outcome.state))
          .Bind(outcome.reason)
          .Bind(outcome.error)
          .Bind(outcome.platform_message_id)
          .Bind(Micros(outcome.state == State::kQueued ? outcome.next_attempt : now))
          .Bind(int64_t{outcome.counts ? 1 : 0})
          .Bind(Micros(now))
          .Finish();
    });
  }

  absl::StatusOr<Recovered> Recover(
      absl::Time now, const std::function<bool(const std::string&)>& resends) override {
    Recovered recovered;
    const absl::Status done = database_->Transaction([&](Database& db) {
      auto unsent = db.Prepare("UPDATE delivery SET state = 1, updated = ?1 WHERE state = 2");
      unsent.Bind(Micros(now));
      OPSMESH_RETURN_IF_ERROR(unsent.Finish());
      recovered.unsent = db.changes();
      std::vector<std::pair<int64_t, bool>> unknown;
      {
        auto rows =
            db.Prepare("SELECT sequence, lane FROM delivery WHERE state = 3 ORDER BY sequence");
        while (rows.Step()) unknown.emplace_back(rows.Int(0), resends(rows.Text(1)));
        OPSMESH_RETURN_IF_ERROR(rows.status());
      }
      for (const auto& [sequence, resend] : unknown) {
        ++(resend ? recovered.resent : recovered.held);
        auto update = db.Prepare(
            "UPDATE delivery SET state = ?2, reason = 'OUTCOME_UNKNOWN', error = ?3, updated = ?4 "
            "WHERE sequence = ?1");
        update.Bind(sequence)
            .Bind(static_cast<int64_t>(resend ? State::kQueued : State::kDead))
            .Bind(resend ? ""
                         : "The process ended while the message was being sent: the platform may "
                           "have it or not. "
                           "Look there, and send it again when it is missing.")
            .Bind(Micros(now));
        OPSMESH_RETURN_IF_ERROR(update.Finish());
      }
      return absl::OkStatus();
    });
    if (!done.ok()) return done;
    return recovered;
  }

  absl::StatusOr<absl::Time> CloseFoldWindows(absl::Time now, absl::Duration window,
                                              const std::function<std::string()>& new_id) override;

  absl::StatusOr<std::vector<absl::Time>> WireTimes(const std::string& lane,
                                                    absl::Time since) override {
    std::vector<absl::Time> times;
    const absl::Status done = database_->Run([&](Database& db) {
      auto rows = db.Prepare("SELECT time FROM wire WHERE lane = ? AND time > ? ORDER BY time");
      rows.Bind(lane).Bind(Micros(since));
      while (rows.Step()) times.push_back(FromMicros(rows.Int(0)));
      return rows.status();
    });
    if (!done.ok()) return done;
    return times;
  }

  absl::Status NoteWire(const std::string& lane, absl::Time now) override {
    return database_->Transaction([&](Database& db) {
      return db.Prepare("INSERT INTO wire (lane, time) VALUES (?, ?)")
          .Bind(lane)
          .Bind(Micros(now))
          .Finish();
    });
  }

  absl::StatusOr<std::vector<Delivery>> Find(const std::string& message_id) override {
    std::vector<Delivery> found;
    const absl::Status done = database_->Run([&](Database& db) {
      auto rows = db.Prepare(fmt::format("SELECT {} WHERE d.letter = ? ORDER BY d.lane", kColumns));
      rows.Bind(message_id);
      while (rows.Step()) found.push_back(ReadDelivery(rows));
      return rows.status();
    });
    if (!done.ok()) return done;
    return found;
  }

  absl::StatusOr<Page> List(bool dead, const std::string& lane, int64_t limit,
                            int64_t offset) override {
    const std::string where =
        fmt::format("d.state IN ({}) AND (?1 = '' OR d.lane = ?1)", dead ? "6" : "1, 2, 3");
    Page page;
    const absl::Status done = database_->Run([&](Database& db) {
      OPSMESH_ASSIGN_OR_RETURN(
          page.total,
          CountOf(db.Prepare(fmt::format("SELECT COUNT(*) FROM delivery d WHERE {}", where))
                      .Bind(lane)));
      auto rows =
          db.Prepare(fmt::format("SELECT {} WHERE {} ORDER BY {} LIMIT ?2 OFFSET ?3", kColumns,
                                 where, dead ? "d.updated DESC, d.sequence DESC" : "d.sequence"));
      rows.Bind(lane).Bind(limit + 1).Bind(offset);
      while (rows.Step()) page.deliveries.push_back(ReadDelivery(rows));
      return rows.status();
    });
    if (!done.ok()) return done;
    page.more = static_cast<int64_t>(page.deliveries.size()) > limit;
    if (page.more) page.deliveries.pop_back();
    return page;
  }

  absl::StatusOr<int64_t> Requeue(const std::string& message_id, absl::Time now) override {
    int64_t requeued = 0;
    const absl::Status done = database_->Transaction([&](Database& db) {
      auto update = db.Prepare(
          "UPDATE delivery SET state = 1, tries = 0, next_attempt = ?2, queued = ?2, updated = ?2 "
          "WHERE letter = ?1 AND state = 6");
      update.Bind(message_id).Bind(Micros(now));
      OPSMESH_RETURN_IF_ERROR(update.Finish());
      requeued = db.changes();
      return absl::OkStatus();
    });
    if (!done.ok()) return done;
    return requeued;
  }

  absl::StatusOr<LaneReport> Report(const std::string& lane) override {
    LaneReport report;
    const absl::Status done = database_->Run([&](Database& db) {
      OPSMESH_ASSIGN_OR_RETURN(
          report.waiting,
          CountOf(db.Prepare("SELECT COUNT(*) FROM delivery WHERE state IN (1, 2, 3) "
                             "AND lane = ?")
                      .Bind(lane)));
      OPSMESH_ASSIGN_OR_RETURN(
          report.dead,
          CountOf(
              db.Prepare("SELECT COUNT(*) FROM delivery WHERE state = 6 AND lane = ?").Bind(lane)));
      return absl::OkStatus();
    });
    if (!done.ok()) return done;
    OPSMESH_ASSIGN_OR_RETURN(
        report.last,
        One(fmt::format("SELECT {} WHERE d.lane = ? AND d.attempts > 0 AND d.state NOT IN (2, 3) "
                        "ORDER BY d.updated DESC, d.sequence DESC LIMIT 1",
                        kColumns),
            [&](Statement& query) { query.Bind(lane); }));
    return report;
  }

  absl::StatusOr<int64_t> Depth() override {
    int64_t depth = 0;
    const absl::Status done = database_->Run([&](Database& db) {
      OPSMESH_ASSIGN_OR_RETURN(depth, Waiting(db));
      return absl::OkStatus();
    });
    if (!done.ok()) return done;
    return depth;
  }

  absl::StatusOr<std::optional<std::string>> FindAnswer(const std::string& caller,
                                                        const std::string& request_id) override {
    std::optional<std::string> answer;
    const absl::Status done = database_->Run([&](Database& db) {
      auto row = db.Prepare("SELECT answer FROM request WHERE caller = ? AND id = ?");
      row.Bind(caller).Bind(request_id);
      if (row.Step()) answer = row.Text(0);
      return row.status();
    });
    if (!done.ok()) return done;
    return answer;
  }

  absl::Status KeepAnswer(const std::string& caller, const std::string& request_id,
                          const std::string& answer, absl::Time now) override {
    return database_->Transaction([&](Database& db) {
      return db
          .Prepare(
              "INSERT INTO request (caller, id, digest, letter, answer, created) VALUES (?1, ?2, "
              "'', '', ?3, ?4) "
              "ON CONFLICT (caller, id) DO UPDATE SET answer = ?3")
          .Bind(caller)
          .Bind(request_id)
          .BindBlob(answer)
          .Bind(Micros(now))
          .Finish();
    });
  }

  absl::Status Prune(absl::Time sent_before, absl::Time dead_before) override {
    return database_->Transaction([&](Database& db) {
      OPSMESH_RETURN_IF_ERROR(
          db.Prepare(
                "DELETE FROM delivery WHERE (state IN (4, 5) AND updated < ?1 AND repeats = 0) "
                "OR (state = 6 AND updated < ?2)")
              .Bind(Micros(sent_before))
              .Bind(Micros(dead_before))
              .Finish());
      OPSMESH_RETURN_IF_ERROR(
          db.Execute("DELETE FROM letter WHERE id NOT IN (SELECT letter FROM delivery)"));
      OPSMESH_RETURN_IF_ERROR(
          db.Prepare("DELETE FROM request WHERE created < ?").Bind(Micros(sent_before)).Finish());
      auto newest = CountOf(db.Prepare("SELECT COALESCE(MAX(time), 0) FROM wire"));
      OPSMESH_RETURN_IF_ERROR(newest.status());
      return db.Prepare("DELETE FROM wire WHERE time < ?")
          .Bind(*newest - absl::ToInt64Microseconds(kWireMemory))
          .Finish();
    });
  }

  bool TryLead() override {
    const std::lock_guard lock(leadership_mutex_);
    return leadership_.Try();
  }

 private:
  static base::Error NotQueued(int64_t sequence) {
    return base::FailedPrecondition("NOT_QUEUED",
                                    fmt::format("Delivery {} is not queued any more.", sequence));
  }

  absl::Status CheckRequest(Database& db, const Incoming& in, Accepted* accepted) {
    auto row = db.Prepare("SELECT letter, digest FROM request WHERE caller = ? AND id = ?");
    row.Bind(in.caller).Bind(in.request_id);
    if (!row.Step()) return row.status();
    if (row.Text(1) != in.request_digest) {
      return base::FailedPrecondition("REQUEST_ID_REUSED",
                                      "This request_id was used before, for another message.")
          .Hint(
              "Repeat a request unchanged, or take a new request_id (Idempotency-Key) for a new "
              "message.");
    }
    accepted->message_id = row.Text(0);
    accepted->seen_before = true;
    return absl::OkStatus();
  }

  absl::Status Enqueue(Database& db, const Incoming& in, const Address& address) {
    const int64_t now = Micros(in.letter.created);
    Row row{.letter = in.letter,
            .address = address,
            .fold_key = in.fold_key,
            .fold_until = in.letter.created + in.fold_window};
    if (!in.fold_key.empty() && in.fold_window > absl::ZeroDuration()) {
      auto first = db.Prepare(
          "SELECT sequence FROM delivery WHERE lane = ?1 AND fold_key = ?2 AND fold_until > ?3 "
          "AND fold_key <> '' AND state <> 5 AND state <> 6 ORDER BY sequence DESC LIMIT 1");
      first.Bind(address.lane).Bind(in.fold_key).Bind(now);
      if (first.Step()) {
        row.state = State::kFolded;
        OPSMESH_RETURN_IF_ERROR(
            db.Prepare("UPDATE delivery SET fold_count = fold_count + 1, repeats = repeats + 1 "
                       "WHERE sequence = ?")
                .Bind(first.Int(0))
                .Finish());
      }
      OPSMESH_RETURN_IF_ERROR(first.status());
    }
    return InsertDelivery(db, row);
  }

  template <typename BindTo>
  absl::StatusOr<std::optional<Delivery>> One(const std::string& sql, BindTo bind) {
    std::optional<Delivery> found;
    const absl::Status done = database_->Run([&](Database& db) {
      auto query = db.Prepare(sql);
      bind(query);
      if (query.Step()) found = ReadDelivery(query);
      return query.status();
    });
    if (!done.ok()) return done;
    return found;
  }

  const std::unique_ptr<Database> database_;
  std::mutex leadership_mutex_;
  Leadership leadership_;
};

absl::StatusOr<absl::Time> SqliteStore::CloseFoldWindows(
    absl::Time now, absl::Duration window, const std::function<std::string()>& new_id) {
  absl::Time next = absl::InfiniteFuture();
  const absl::Status done = database_->Transaction([&](Database& db) {
    struct Over {
      Delivery first;
      std::string fold_key;
      int64_t repeats = 0;
    };
    std::vector<Over> over;
    {
      // A first message that still waits tells the count itself.
      auto rows = db.Prepare(
          fmt::format("SELECT {} WHERE d.repeats > 0 AND d.fold_until <= ? AND d.state = 4 "
                      "ORDER BY d.sequence",
                      kColumns));
      rows.Bind(Micros(now));
      while (rows.Step()) over.push_back({ReadDelivery(rows), "", 0});
      OPSMESH_RETURN_IF_ERROR(rows.status());
    }
    for (Over& one : over) {
      {
        auto row = db.Prepare("SELECT fold_key, repeats FROM delivery WHERE sequence = ?");
        row.Bind(one.first.sequence);
        if (!row.Step()) return row.status();
        one.fold_key = row.Text(0);
        one.repeats = row.Int(1);
      }
      Letter letter = one.first.letter;
      letter.message_id = new_id();
      letter.created = now;
      OPSMESH_RETURN_IF_ERROR(InsertLetter(db, letter));
      const Address address{one.first.lane, one.first.reply_url};
      OPSMESH_RETURN_IF_ERROR(InsertDelivery(db, {.letter = letter,
                                                  .address = address,
                                                  .fold_key = one.fold_key,
                                                  .fold_until = now + window,
                                                  .fold_count = one.repeats,
                                                  .is_repeat_notice = true}));
      OPSMESH_RETURN_IF_ERROR(db.Prepare("UPDATE delivery SET repeats = 0 WHERE sequence = ?")
                                  .Bind(one.first.sequence)
                                  .Finish());
    }
    OPSMESH_ASSIGN_OR_RETURN(
        const int64_t earliest,
        CountOf(db.Prepare(
            "SELECT COALESCE(MIN(fold_until), 0) FROM delivery WHERE repeats > 0 AND state = 4")));
    if (earliest > 0) next = FromMicros(earliest);
    return absl::OkStatus();
  });
  if (!done.ok()) return done;
  return next;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path,
                                                       std::string* quarantined_path) {
  storage::OpenReport report;
  OPSMESH_ASSIGN_OR_RETURN(std::unique_ptr<Database> database,
                           Database::Open({.path = path, .migrations = {kSchema1}}, &report));
  *quarantined_path = report.quarantined_path;
  return std::make_unique<SqliteStore>(std::move(database), path);
}

}  // namespace opsmesh::notify
