// What comes in: letters, requests that were seen before, folding; and what is forgotten.
#include <utility>

#include "fmt/core.h"
#include "services/notify/sqlite_rows.h"
#include "services/notify/sqlite_store.h"

namespace opsmesh::notify {

using storage::Database;
namespace {

/// Rate limits look back this far; older wire times are of no use.
constexpr absl::Duration kWireMemory = absl::Minutes(15);

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path,
                                                       std::string* quarantined_path) {
  storage::OpenReport report;
  OPSMESH_ASSIGN_OR_RETURN(std::unique_ptr<Database> database,
                           Database::Open({.path = path, .migrations = {kSchema1}}, &report));
  *quarantined_path = report.quarantined_path;
  return std::make_unique<SqliteStore>(std::move(database), path);
}

absl::StatusOr<Accepted> SqliteStore::Accept(const Incoming& in) {
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

absl::Status SqliteStore::CheckRequest(Database& db, const Incoming& in, Accepted* accepted) {
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

absl::Status SqliteStore::Enqueue(Database& db, const Incoming& in, const Address& address) {
  const int64_t now = Micros(in.letter.created);
  DeliveryRow row{.letter = in.letter,
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
                      kDeliveryColumns));
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

absl::StatusOr<std::optional<std::string>> SqliteStore::FindAnswer(const std::string& caller,
                                                                   const std::string& request_id) {
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

absl::Status SqliteStore::KeepAnswer(const std::string& caller, const std::string& request_id,
                                     const std::string& answer, absl::Time now) {
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

absl::Status SqliteStore::Prune(absl::Time sent_before, absl::Time dead_before) {
  return database_->Transaction([&](Database& db) {
    OPSMESH_RETURN_IF_ERROR(
        db.Prepare("DELETE FROM delivery WHERE (state IN (4, 5) AND updated < ?1 AND repeats = 0) "
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

bool SqliteStore::TryLead() {
  const std::lock_guard lock(lock_mutex_);
  return lock_.Try();
}

}  // namespace opsmesh::notify
