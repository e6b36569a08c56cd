// What people look up: letters, lists, what happened last on a lane; and dead letters put back.
#include "fmt/core.h"
#include "services/notify/sqlite_rows.h"
#include "services/notify/sqlite_store.h"

namespace opsmesh::notify {

using storage::Database;

absl::StatusOr<std::optional<Delivery>> SqliteStore::FirstOf(const std::string& lane,
                                                             std::string_view rest) {
  std::optional<Delivery> found;
  const absl::Status done = database_->Run([&](Database& db) {
    auto query = db.Prepare(fmt::format("SELECT {} {}", kDeliveryColumns, rest));
    query.Bind(lane);
    if (query.Step()) found = ReadDelivery(query);
    return query.status();
  });
  if (!done.ok()) return done;
  return found;
}

absl::StatusOr<std::vector<Delivery>> SqliteStore::Find(const std::string& message_id) {
  std::vector<Delivery> found;
  const absl::Status done = database_->Run([&](Database& db) {
    auto rows =
        db.Prepare(fmt::format("SELECT {} WHERE d.letter = ? ORDER BY d.lane", kDeliveryColumns));
    rows.Bind(message_id);
    while (rows.Step()) found.push_back(ReadDelivery(rows));
    return rows.status();
  });
  if (!done.ok()) return done;
  return found;
}

absl::StatusOr<Page> SqliteStore::List(bool dead, const std::string& lane, int64_t limit,
                                       int64_t offset) {
  const std::string where =
      fmt::format("d.state IN ({}) AND (?1 = '' OR d.lane = ?1)", dead ? "6" : "1, 2, 3");
  Page page;
  const absl::Status done = database_->Run([&](Database& db) {
    OPSMESH_ASSIGN_OR_RETURN(
        page.total,
        CountOf(
            db.Prepare(fmt::format("SELECT COUNT(*) FROM delivery d WHERE {}", where)).Bind(lane)));
    auto rows = db.Prepare(fmt::format("SELECT {} WHERE {} ORDER BY {} LIMIT ?2 OFFSET ?3",
                                       kDeliveryColumns, where,
                                       dead ? "d.updated DESC, d.sequence DESC" : "d.sequence"));
    rows.Bind(lane).Bind(limit + 1).Bind(offset);
    while (rows.Step()) page.deliveries.push_back(ReadDelivery(rows));
    return rows.status();
  });
  if (!done.ok()) return done;
  page.more = static_cast<int64_t>(page.deliveries.size()) > limit;
  if (page.more) page.deliveries.pop_back();
  return page;
}

absl::StatusOr<int64_t> SqliteStore::Requeue(const std::string& message_id, absl::Time now) {
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

absl::StatusOr<LaneReport> SqliteStore::Report(const std::string& lane) {
  LaneReport report;
  const absl::Status done = database_->Run([&](Database& db) {
    OPSMESH_ASSIGN_OR_RETURN(
        report.waiting, CountOf(db.Prepare("SELECT COUNT(*) FROM delivery WHERE state IN (1, 2, 3) "
                                           "AND lane = ?")
                                    .Bind(lane)));
    OPSMESH_ASSIGN_OR_RETURN(
        report.dead,
        CountOf(
            db.Prepare("SELECT COUNT(*) FROM delivery WHERE state = 6 AND lane = ?").Bind(lane)));
    return absl::OkStatus();
  });
  if (!done.ok()) return done;
  OPSMESH_ASSIGN_OR_RETURN(report.last,
                           FirstOf(lane,
                                   "WHERE d.lane = ? AND d.attempts > 0 AND d.state NOT IN (2, 3) "
                                   "ORDER BY d.updated DESC, d.sequence DESC LIMIT 1"));
  return report;
}

absl::StatusOr<int64_t> SqliteStore::Depth() {
  int64_t depth = 0;
  const absl::Status done = database_->Run([&](Database& db) {
    OPSMESH_ASSIGN_OR_RETURN(depth, Waiting(db));
    return absl::OkStatus();
  });
  if (!done.ok()) return done;
  return depth;
}

}  // namespace opsmesh::notify
