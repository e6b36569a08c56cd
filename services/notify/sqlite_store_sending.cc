// How far a delivery is: queued, preparing, on the wire, over; and what a crash left behind.
#include <utility>

#include "fmt/core.h"
#include "services/notify/sqlite_rows.h"
#include "services/notify/sqlite_store.h"

namespace opsmesh::notify {

using storage::Database;

absl::StatusOr<std::vector<std::string>> SqliteStore::WaitingLanes() {
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

absl::StatusOr<std::optional<Delivery>> SqliteStore::Head(const std::string& lane) {
  // The first condition is that of the index delivery_waiting.
  return FirstOf(lane,
                 "WHERE d.state IN (1, 2, 3) AND d.state = 1 AND d.lane = ? "
                 "ORDER BY d.sequence LIMIT 1");
}

absl::StatusOr<Delivery> SqliteStore::BeginAttempt(int64_t sequence, absl::Time now) {
  std::optional<Delivery> begun;
  const absl::Status done = database_->Transaction([&](Database& db) {
    auto update = db.Prepare(
        "UPDATE delivery SET state = 2, attempts = attempts + 1, repeats = 0, updated = ?2 "
        "WHERE sequence = ?1 AND state = 1");
    update.Bind(sequence).Bind(Micros(now));
    OPSMESH_RETURN_IF_ERROR(update.Finish());
    if (db.changes() == 0) return absl::Status(NotQueued(sequence));
    auto query = db.Prepare(fmt::format("SELECT {} WHERE d.sequence = ?", kDeliveryColumns));
    query.Bind(sequence);
    if (query.Step()) begun = ReadDelivery(query);
    return query.status();
  });
  if (!done.ok()) return done;
  if (!begun.has_value()) return absl::Status(NotQueued(sequence));
  return *std::move(begun);
}

base::Error SqliteStore::NotQueued(int64_t sequence) {
  return base::FailedPrecondition("NOT_QUEUED",
                                  fmt::format("Delivery {} is not queued any more.", sequence));
}

absl::Status SqliteStore::MarkOnWire(int64_t sequence, absl::Time now) {
  return database_->Transaction([&](Database& db) {
    auto update =
        db.Prepare("UPDATE delivery SET state = 3, updated = ?2 WHERE sequence = ?1 AND state = 2");
    update.Bind(sequence).Bind(Micros(now));
    OPSMESH_RETURN_IF_ERROR(update.Finish());
    if (db.changes() == 0) {
      return absl::Status(
          base::FailedPrecondition("NOT_PREPARING", "The delivery is no longer being prepared."));
    }
    return db
        .Prepare("INSERT INTO wire (lane, time) SELECT lane, ?2 FROM delivery WHERE sequence = ?1")
        .Bind(sequence)
        .Bind(Micros(now))
        .Finish();
  });
}

absl::Status SqliteStore::EndAttempt(int64_t sequence, const Outcome& outcome, absl::Time now) {
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

absl::StatusOr<Recovered> SqliteStore::Recover(
    absl::Time now, const std::function<bool(const std::string&)>& resends) {
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

absl::StatusOr<std::vector<absl::Time>> SqliteStore::WireTimes(const std::string& lane,
                                                               absl::Time since) {
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

absl::Status SqliteStore::NoteWire(const std::string& lane, absl::Time now) {
  return database_->Transaction([&](Database& db) {
    return db.Prepare("INSERT INTO wire (lane, time) VALUES (?, ?)")
        .Bind(lane)
        .Bind(Micros(now))
        .Finish();
  });
}

}  // namespace opsmesh::notify
