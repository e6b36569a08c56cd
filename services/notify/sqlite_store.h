// The outbox in SQLite (WAL): one transaction a step. What each call promises is store.h.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/error.h"
#include "libs/storage/sqlite.h"
#include "services/notify/delivery_lock.h"
#include "services/notify/store.h"

namespace opsmesh::notify {

/// Thread-safe: the database serialises, the lock has a mutex of its own.
class SqliteStore final : public Store {
 public:
  SqliteStore(std::unique_ptr<storage::Database> database, const std::string& path)
      : database_(std::move(database)), lock_(path == ":memory:" ? "" : path + ".lock") {}

  absl::StatusOr<Accepted> Accept(const Incoming& in) override;
  absl::StatusOr<std::vector<std::string>> WaitingLanes() override;
  absl::StatusOr<std::optional<Delivery>> Head(const std::string& lane) override;
  absl::StatusOr<Delivery> BeginAttempt(int64_t sequence, absl::Time now) override;
  absl::Status MarkOnWire(int64_t sequence, absl::Time now) override;
  absl::Status EndAttempt(int64_t sequence, const Outcome& outcome, absl::Time now) override;
  absl::StatusOr<Recovered> Recover(
      absl::Time now, const std::function<bool(const std::string&)>& resends) override;
  absl::StatusOr<absl::Time> CloseFoldWindows(absl::Time now, absl::Duration window,
                                              const std::function<std::string()>& new_id) override;
  absl::StatusOr<std::vector<absl::Time>> WireTimes(const std::string& lane,
                                                    absl::Time since) override;
  absl::Status NoteWire(const std::string& lane, absl::Time now) override;
  absl::StatusOr<std::vector<Delivery>> Find(const std::string& message_id) override;
  absl::StatusOr<Page> List(bool dead, const std::string& lane, int64_t limit,
                            int64_t offset) override;
  absl::StatusOr<int64_t> Requeue(const std::string& message_id, absl::Time now) override;
  absl::StatusOr<LaneReport> Report(const std::string& lane) override;
  absl::StatusOr<int64_t> Depth() override;
  absl::StatusOr<std::optional<std::string>> FindAnswer(const std::string& caller,
                                                        const std::string& request_id) override;
  absl::Status KeepAnswer(const std::string& caller, const std::string& request_id,
                          const std::string& answer, absl::Time now) override;
  absl::Status Prune(absl::Time sent_before, absl::Time dead_before) override;
  bool TryLead() override;

 private:
  static base::Error NotQueued(int64_t sequence);
  absl::Status CheckRequest(storage::Database& db, const Incoming& in, Accepted* accepted);
  absl::Status Enqueue(storage::Database& db, const Incoming& in, const Address& address);
  // The first delivery of a lane; `rest` follows the columns and binds the lane.
  absl::StatusOr<std::optional<Delivery>> FirstOf(const std::string& lane, std::string_view rest);

  const std::unique_ptr<storage::Database> database_;
  std::mutex lock_mutex_;
  DeliveryLock lock_;
};

}  // namespace opsmesh::notify
