#include "services/notify/sqlite_rows.h"

#include <utility>

#include "fmt/core.h"
#include "libs/base/error.h"

namespace opsmesh::notify {

using storage::Database;
using storage::Statement;

const std::string_view kSchema1 = R"sql(
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

const std::string_view kDeliveryColumns =
    "d.sequence, d.lane, d.state, d.reply_url, d.attempts, d.tries, d.next_attempt, d.queued, "
    "d.updated, d.error, d.reason, "
    "d.platform_id, d.fold_count, d.is_repeat_notice, l.id, l.type, l.urgency, l.namespace, "
    "l.severity, l.content, "
    "l.language, l.created FROM delivery d JOIN letter l ON l.id = d.letter";

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

absl::Status InsertDelivery(Database& db, const DeliveryRow& row) {
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

}  // namespace opsmesh::notify
